"""Filters as SQL conditions over traces, seen with the eyes of a member.

A blind annotator's filters on outcome, verdict, mode and annotator see only what they may see,
so that no filter tells what the screen hides.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from server.errors import Invalid
from server.models.batch import BatchTrace
from server.models.project import Member
from server.models.signal import Signal
from server.models.trace import Trace
from server.queries import found_by_people, near_duplicates
from server.queries.blindness import open_to
from server.queries.filters import (
    DIMENSION,
    NO,
    NO_VERDICT,
    SIGNAL,
    SIGNAL_OF,
    YES,
    Condition,
    Filters,
)
from server.queries.found_by_people import Who, Work
from server.queries.json_values import dimension_is, dimension_number, has_tag, on_the_way
from server.queries.sessions import HAS_SESSION
from server.signals import registry

Bool = sa.ColumnElement[bool]


@dataclass(frozen=True)
class Names:
    """What filters may name, by id: the modes, batches, annotators and imports of a project."""

    mode: Mapping[int, str] = field(default_factory=dict)
    batch: Mapping[int, str] = field(default_factory=dict)
    annotator: Mapping[int, str] = field(default_factory=dict)
    imports: Mapping[int, str] = field(default_factory=dict)
    machines: frozenset[int] = frozenset()
    """Those of the annotators that are no people."""

    def ids(self, condition: Condition) -> list[int]:
        """Return the ids that a condition's values name.

        Raises:
            Invalid: A value is neither an id nor a name of the project.
        """
        key = condition.key
        known: Mapping[int, str] = self.imports if key == "import" else getattr(self, key)
        return [found for value in condition.values for found in _named(key, known, value)]


def _named(key: str, known: Mapping[int, str], value: str) -> list[int]:
    found = [id_ for id_, name in known.items() if name.casefold() == value.strip().casefold()]
    if not found and value.isdecimal() and int(value) in known:
        found = [int(value)]
    if not found:
        names = ", ".join(dict.fromkeys(known.values())) or "none yet"
        raise Invalid(f"«{key}»: this project has no «{value}». There are: {names}.")
    return found


@dataclass(frozen=True)
class Sight:
    """Who filters, what they may name, and how text is searched."""

    member: Member
    names: Names
    search: Callable[[str], Bool]
    walks: bool = False
    """Whether traces are gone through until enough are found, and each is asked by itself."""


def conditions(filters: Filters, sight: Sight) -> list[Bool]:
    """Return what a trace has to meet.

    Raises:
        Invalid: A filter names a mode, batch, annotator or import that is not there.
    """
    annotator = filters.get("annotator")
    asked = filters.without("annotator") if filters.get("verdict") else filters
    found = [_condition(condition, sight, annotator) for condition in asked.conditions]
    if len(found) == 1:
        return found
    keys = [condition.key for condition in asked.conditions]
    return [on_the_way(one) if key in _TAGS else one for key, one in zip(keys, found, strict=True)]


def _condition(condition: Condition, sight: Sight, annotator: Condition | None) -> Bool:
    found = _positive(condition, sight, annotator)
    if condition.negated:
        found = found.is_not(sa.true())
    signal = _signal_of(condition.key)
    tells = bool(signal) and registry.definition_of(signal).tells_outcomes
    if condition.key in _OUTCOMES or tells:
        # A judge gave it, so it is hidden with the judge's verdict, and what follows from it.
        return sa.and_(open_to(sight.member, col(Trace.id)), found)
    return found


def _signal_of(key: str) -> str:
    """The signal that a key stands for; empty if for none."""
    return SIGNAL_OF.get(key, key.removeprefix(SIGNAL) if key.startswith(SIGNAL) else "")


def _positive(condition: Condition, sight: Sight, annotator: Condition | None) -> Bool:
    key, values = condition.key, condition.values
    if key.startswith(DIMENSION):
        return _dimension(condition)
    if signal := _signal_of(key):
        return _signal(condition, signal, sight.member.project_id)
    if key == "session":
        return sa.and_(HAS_SESSION, col(Trace.session_id).in_(values))
    if key in _COLUMNS:
        return sa.type_coerce(_COLUMNS[key], sa.Text()).in_(values)
    if key == "near_duplicate":
        return _near_duplicate(values)
    if key == "tokens":
        return _number(sa.type_coerce(col(Trace.completion_tokens), sa.Float()), condition)
    if key in ("tags", "groups"):
        split = [value.split(",") if key == "groups" else [value] for value in values]
        return sa.or_(*(sa.and_(*map(has_tag, tags)) for tags in split))
    if key == "text":
        return sa.or_(*map(sight.search, values))
    if key == "verdict":
        return _verdict(values, sight, annotator)
    return _MEMBERSHIP[key](sight.names.ids(condition), sight)


_OUTCOMES = ("outcome", "outcome_source")
_TAGS = ("tags", "groups")
_COLUMNS: Mapping[str, Any] = {
    "trace": Trace.external_id,
    "item": Trace.item_id,
    "model": Trace.model,
    "model_family": Trace.model_family,
    "task": Trace.task,
    "eval_id": Trace.eval_id,
    "finish_reason": Trace.finish_reason,
    "outcome": Trace.outcome,
    "outcome_source": Trace.outcome_source,
    "source": Trace.source,
    "pipeline_version": Trace.pipeline_version,
}


def _near_duplicate(values: Sequence[str]) -> Bool:
    groups = [int(value) for value in values if value not in (YES, NO)]
    asked = [
        *([near_duplicates.grouped()] if YES in values else []),
        *([sa.not_(near_duplicates.grouped())] if NO in values else []),
        *([near_duplicates.in_groups(groups)] if groups else []),
    ]
    return sa.or_(*asked)


def _number(column: sa.ColumnElement[float], condition: Condition) -> Bool:
    if condition.is_range:
        return _between(column, condition)
    return column.in_([float(value) for value in condition.values])


def _between(column: sa.ColumnElement[float], condition: Condition) -> Bool:
    low, high = condition.minimum, condition.maximum
    return column.between(-math.inf if low is None else low, math.inf if high is None else high)


def _dimension(condition: Condition) -> Bool:
    name = condition.key.removeprefix(DIMENSION)
    if condition.is_range:
        return _between(dimension_number(name), condition)
    forms = dict.fromkeys(form for value in condition.values for form in _written_forms(value))
    return dimension_is(name, [*forms])


def _written_forms(value: str) -> list[str]:
    """The ways in which the databases write the same number or truth value as text."""
    truths = {"true": ["true", "1"], "false": ["false", "0"]}
    if value in truths:
        return truths[value]
    try:
        number = float(value)
    except ValueError:
        return [value]
    whole = number.is_integer() and abs(number) < 2**53
    return [value, str(number), *([str(int(number))] if whole else [])]


@dataclass(frozen=True)
class BySignal:
    """The traces that a filter on one signal finds, each once: read from its index alone."""

    name: str
    trace_ids: sa.Select[Any]


def by_signal_alone(filters: Filters, member: Member) -> BySignal | None:
    """Return what a filter on a signal finds where nothing else is asked."""
    condition = filters.conditions[0] if len(filters.conditions) == 1 else None
    name = _signal_of(condition.key) if condition else ""
    if condition is None or not name or condition.negated:
        return None
    if member.is_blind and registry.definition_of(name).tells_outcomes:
        return None
    found = _with_signal(condition, name, member.project_id)
    return BySignal(name, found[0]) if len(found) == 1 else None


def _signal(condition: Condition, name: str, project_id: int) -> Bool:
    return sa.or_(*map(col(Trace.id).in_, _with_signal(condition, name, project_id)))


def _with_signal(condition: Condition, name: str, project_id: int) -> list[sa.Select[int]]:
    """A trace's own signal, found by the indexes that hold the value beside the trace."""
    has_value, has_label = col(Signal.value).is_not(None), col(Signal.label).is_not(None)
    of_project = (col(Signal.project_id) == project_id, col(Signal.name) == name)
    traces = sa.select(col(Signal.trace_id)).where(*of_project)
    if condition.is_range:
        between = _between(sa.type_coerce(col(Signal.value), sa.Float()), condition)
        return [traces.where(has_value, between)]
    labelled = traces.where(has_label, col(Signal.label).in_(condition.values))
    numbers = [float(value) for value in condition.values if _is_number(value)]
    if not numbers:
        return [labelled]
    return [labelled, traces.where(has_value, col(Signal.value).in_(numbers))]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _verdict(values: Sequence[str], sight: Sight, annotator: Condition | None) -> Bool:
    """A verdict of these values, by whom the filter on annotator says, else by any person."""
    who = _who(sight, annotator)
    given = [value for value in values if value != NO_VERDICT]
    found = [_among(sight, found_by_people.judged(sight.member, who, given))] if given else []
    if NO_VERDICT in values:
        found.append(sa.not_(_among(sight, found_by_people.judged(sight.member, who, None))))
    return sa.or_(*found)


def _who(sight: Sight, annotator: Condition | None) -> Who | None:
    if annotator is None:
        return None
    ids = sight.names.ids(annotator)
    is_certain = not annotator.negated and sight.names.machines.isdisjoint(ids)
    return Who(tuple(ids), annotator.negated, may_be_machines=not is_certain)


def _among(sight: Sight, found: Sequence[Work]) -> Bool:
    """Whether one of these statements finds the trace."""
    if sight.walks:
        return sa.or_(*map(found_by_people.asked_of_each, found))
    # One list of ids: the databases would go through the traces once for each of several.
    return col(Trace.id).in_(sa.union_all(*(work.every for work in found)))


@dataclass(frozen=True)
class ByPeople:
    """What people's work finds, to which one of the filters is left: ids, and the other filters."""

    found: Sequence[Work]
    others: Filters


def by_people(filters: Filters, sight: Sight) -> ByPeople | None:
    """Return what the first filter on people's work finds; None where none asks for such work."""
    verdict, mode, annotator = (filters.get(key) for key in ("verdict", "mode", "annotator"))
    if verdict and not verdict.negated and NO_VERDICT not in verdict.values:
        found = found_by_people.judged(sight.member, _who(sight, annotator), verdict.values)
        return ByPeople(found, filters.without("verdict").without("annotator"))
    if mode and not mode.negated:
        ids = sight.names.ids(mode)
        return ByPeople(found_by_people.with_mode(ids, sight.member), filters.without("mode"))
    who = _who(sight, annotator)
    if who and not who.is_negated and not verdict:
        return ByPeople(found_by_people.touched(sight.member, who), filters.without("annotator"))
    return None


def _annotator(ids: list[int], sight: Sight) -> Bool:
    who = Who(tuple(ids), may_be_machines=not sight.names.machines.isdisjoint(ids))
    return _among(sight, found_by_people.touched(sight.member, who))


def _mode(ids: list[int], sight: Sight) -> Bool:
    return _among(sight, found_by_people.with_mode(ids, sight.member))


def _batch(ids: list[int], _sight: Sight) -> Bool:
    return col(Trace.id).in_(
        sa.select(col(BatchTrace.trace_id)).where(col(BatchTrace.batch_id).in_(ids))
    )


def _import(ids: list[int], _sight: Sight) -> Bool:
    return col(Trace.import_id).in_(ids)


_MEMBERSHIP: Mapping[str, Callable[[list[int], Sight], Bool]] = {
    "annotator": _annotator,
    "mode": _mode,
    "batch": _batch,
    "import": _import,
}
