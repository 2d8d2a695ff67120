"""Rows as plain JSON and back: what the event log keeps of the tables that people decide in."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from server.models.base import Row, UtcDateTime
from server.models.batch import Batch, BatchTrace, Round, Skip
from server.models.comment import Comment
from server.models.grouping import Grouping, Rejection, Suggestion
from server.models.label import GoldLabel, Label
from server.models.mode import FailureMode, ModeExample, ModeVersion
from server.models.note import Note
from server.models.project import Diagnosis, Project, SavedView, View
from server.models.taxonomy import FrozenTaxonomy
from server.models.trace import InputTuple, OutcomeSource, Trace
from server.models.verdict import GoldVerdict, Verdict

_PLAIN = frozenset({str, int, float, bool})

JOURNALED: dict[str, type[Row]] = {
    str(model.__tablename__): model
    for model in (
        Project,
        SavedView,
        View,
        FrozenTaxonomy,
        Diagnosis,
        InputTuple,
        Round,
        Batch,
        BatchTrace,
        Skip,
        Verdict,
        Note,
        FailureMode,
        ModeVersion,
        ModeExample,
        Comment,
        Suggestion,
        Grouping,
        Rejection,
        Label,
        GoldLabel,
        GoldVerdict,
    )
}
"""Tables whose rows are written by decisions, each decision an event. Order: parents first."""

CHANGED_ALIKE: dict[str, tuple[type[Row], frozenset[str]]] = {
    "trace": (Trace, frozenset({"outcome", "outcome_source", "imported_outcome"})),
    "label": (
        Label,
        frozenset({"created_at", "mode_id", "annotator_id", "value", "mode_version", "source"}),
    ),
}
"""Tables of a project that decisions change by the thousand, and in which columns."""

CREATED_BY_DECISIONS = frozenset(
    {"round", "batch", "batch_trace", "note", "failure_mode", "suggestion"}
)
"""Tables whose rows are there since a decision, so that what refers to them leans on it."""


ANY = "*"
"""Stands for every trace in the name of labels that were changed alike."""


class RowName(NamedTuple):
    """A row as the log names it: its table and its key there."""

    table: str
    key: str


class Change(NamedTuple):
    """One row before and after a decision; None where there was or is none."""

    table: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @property
    def row(self) -> RowName:
        values = self.after if self.after is not None else self.before
        return name_of(self.table, values or {})

    @property
    def inverse(self) -> "Change":
        return Change(self.table, self.after, self.before)


class Alike(NamedTuple):
    """Many rows of a table changed in the same columns from the same to the same values.

    Of 100,000 traces whose outcome changed, the log keeps a few spans of ids. Labels are also made
    (`before` is None) and taken away (`after` is None) like that.
    """

    table: str
    ids: list[list[int]]
    """Spans of ids, first and last included."""
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    traces: Sequence[list[int]] = ()
    """Of labels: the traces they are on, as spans in the order of `ids`."""

    @property
    def inverse(self) -> "Alike":
        return self._replace(before=self.after, after=self.before)

    @property
    def is_by_hand(self) -> bool:
        """Whether it gives or takes outcomes that a person chose."""
        sources = [(side or {}).get("outcome_source") for side in (self.before, self.after)]
        return self.table == Trace.__tablename__ and OutcomeSource.HUMAN in sources

    @property
    def rows(self) -> list[RowName]:
        """The names under which the log finds it: what was chosen by hand is named by its trace."""
        if not self.is_by_hand:
            return [self.row]
        ids = (number for first, last in self.ids for number in range(first, last + 1))
        return [RowName(self.table, str(number)) for number in ids]

    @property
    def row(self) -> RowName:
        """What undo goes by: decisions on the same columns rest on each other.

        Of labels it is the key of any trace, under one mode by one annotator.
        """
        values = self.after or self.before or {}
        if self.table in JOURNALED and "trace_id" in JOURNALED[self.table].journal_key:
            return name_of(self.table, {**values, "trace_id": ANY})
        return RowName(self.table, "+".join(sorted(values)))

    def logged(self) -> dict[str, Any]:
        """Return the entry as the log keeps it."""
        return {name: value for name, value in self._asdict().items() if value != ()}


def any_trace(row: RowName) -> RowName | None:
    """Return the name that stands for a row where labels were changed alike, if it is a label."""
    if row.table not in CHANGED_ALIKE or "," not in row.key:
        return None
    return RowName(row.table, ",".join([ANY, *row.key.split(",")[1:]]))


def spans(ids: Iterable[int]) -> list[list[int]]:
    """Return ids as spans of consecutive ones, first and last included."""
    return runs(sorted(ids))


def runs(numbers: Iterable[int]) -> list[list[int]]:
    """Return numbers as spans of those that follow each other, in their order."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def name_of(table: str, values: Mapping[str, Any]) -> RowName:
    """Return the log's name of the row with these values."""
    key = JOURNALED[table].journal_key
    return RowName(table, ",".join(str(values[column]) for column in key))


def as_json(row: Row) -> dict[str, Any]:
    """Return every column of `row` as JSON values."""
    return {key: json_value(getattr(row, key)) for key in keys_of(type(row))}


@cache
def keys_of(model: type[Row]) -> tuple[str, ...]:
    """Return the attribute of each column of a model, in the order of the table."""
    mapper = sa.inspect(model)
    return tuple(mapper.get_property_by_column(column).key for column in mapper.columns)


def json_value(value: Any) -> Any:
    """Return the value of a column as a JSON value."""
    if value is None or type(value) in _PLAIN:
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, dict | list):
        return json.loads(json.dumps(value))
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return value


def from_json(model: type[Row], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return JSON values of a row as Python values, ready to assign."""
    mapper = sa.inspect(model)
    types = {mapper.get_property_by_column(c).key: c.type for c in mapper.columns}
    return {key: _from_json(types[key], value) for key, value in values.items()}


def _from_json(kind: sa.types.TypeEngine[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(value)
    if isinstance(kind, sa.LargeBinary):
        return b64decode(value)
    if isinstance(kind, sa.Enum) and kind.enum_class is not None:
        return kind.enum_class(value)
    return value


def relied_on(table: str, values: Mapping[str, Any]) -> set[RowName]:
    """Return the rows made by decisions that a row with these values refers to."""
    mapper = sa.inspect(JOURNALED[table])
    names = set()
    for column in mapper.columns:
        for foreign_key in column.foreign_keys:
            target = foreign_key.column.table.name
            value = values.get(mapper.get_property_by_column(column).key)
            if target in CREATED_BY_DECISIONS and value is not None:
                names.add(RowName(target, str(value)))
    return names
