"""Columns of the list of traces that show signals: which there are, and what stands in each row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from server.errors import Invalid
from server.models.project import Member
from server.queries import signals as queries
from server.queries.filters import SIGNAL
from server.signals import registry
from server.signals.base import SignalDefinition
from server.views.facts import Facts
from server.views.signal_ranges import NOTHING, Sample, Strip, population, strip
from server.views.signals import label_words, number

USUAL = ("loop_class", "compression_ratio")
"""Shown until somebody chooses; the list has tokens and steps of its own."""
_MOST = 8
_OWN_COLUMNS = ("tokens", "steps")
_NO_COLUMN = "none"
FIELD = "column"


@dataclass(frozen=True)
class SignalChoice:
    """A column that may be shown."""

    name: str
    label: str
    meaning: str
    is_shown: bool


@dataclass(frozen=True)
class SignalCell:
    """What one row shows of a signal; empty where the trace has it not."""

    text: str
    hint: str
    strip: Strip | None
    is_faint: bool
    is_numeric: bool


@dataclass(frozen=True)
class SignalColumns:
    """The chosen columns, and those there are to choose from."""

    definitions: tuple[SignalDefinition, ...]
    choices: tuple[SignalChoice, ...]
    is_usual: bool

    def label(self, name: str) -> str:
        """Return what a signal is called, if it is shown."""
        return next((known.label for known in self.definitions if known.name == name), "")

    def fields(self) -> list[tuple[str, str]]:
        """The choice as fields of a URL; nothing where it is the usual one."""
        if self.is_usual:
            return []
        names = [known.name for known in self.definitions] or [_NO_COLUMN]
        return [(FIELD, name) for name in names]


def offered(facts: Facts) -> dict[str, SignalDefinition]:
    """Return the signals that the project's traces have and the member may compare, by name."""
    there, numeric = facts.signal_names.all, facts.signal_names.numeric
    known = registry.definitions()
    names = [*(name for name in known if name in there), *sorted(there - set(known))]
    found = [registry.definition_of(name, is_label=name not in numeric) for name in names]
    is_blind = facts.member.is_blind
    return {one.name: one for one in found if not (is_blind and one.from_outcomes)}


def signal_columns(facts: Facts, asked: Sequence[str], sorted_by: str) -> SignalColumns:
    """Return the columns to show: those asked for, else the usual ones, and what is sorted by.

    Raises:
        Invalid: There is no such signal, or too many are asked for.
    """
    there = offered(facts)
    chosen = [name for name in dict.fromkeys(asked) if name != _NO_COLUMN]
    for name in chosen:
        if name not in there:
            known = ", ".join(there) or "none yet"
            raise Invalid(f"«{name}» is no column. This project's traces have: {known}.")
    if len(chosen) > _MOST:
        raise Invalid(f"{_MOST} columns of signals fit at most; choose fewer.")
    shown = chosen if asked else [name for name in USUAL if name in there]
    signal = sorted_by.removeprefix(SIGNAL)
    if sorted_by.startswith(SIGNAL) and signal in there and signal not in shown:
        shown = [*shown, signal]
    return SignalColumns(
        tuple(there[name] for name in shown),
        tuple(
            SignalChoice(name, one.label, one.meaning, name in shown)
            for name, one in there.items()
            if name not in _OWN_COLUMNS
        ),
        is_usual=not asked,
    )


def signal_cells(
    session: Session,
    member: Member,
    columns: SignalColumns,
    trace_ids: Sequence[int],
    is_open: Mapping[int, bool],
) -> dict[int, tuple[SignalCell, ...]]:
    """Return each trace's cells, in the order of the columns.

    Args:
        session: An open session.
        member: Who looks.
        columns: What to show.
        trace_ids: The rows of the page.
        is_open: Whether the member may see a trace's outcome.
    """
    if not columns.definitions:
        return dict.fromkeys(trace_ids, ())
    values = population(session, member.project_id)
    names = [known.name for known in columns.definitions]
    stored = {
        (row.trace_id, row.name): row.label if row.value is None else row.value
        for row in session.execute(queries.of_traces(trace_ids, names))
    }
    return {
        trace_id: tuple(
            _cell(
                known,
                known.seen(stored.get((trace_id, known.name)), sees_outcomes=is_open[trace_id]),
                values.get(known.name, NOTHING),
            )
            for known in columns.definitions
        )
        for trace_id in trace_ids
    }


def _cell(known: SignalDefinition, value: float | str | None, sample: Sample) -> SignalCell:
    if value is None:
        needs = f"needs {known.needs}" if known.needs else "not there"
        return SignalCell("–", needs, None, is_faint=True, is_numeric=not known.is_label)
    if isinstance(value, str):
        hint = known.labels.get(value, known.meaning)
        is_faint = value in known.unremarkable
        return SignalCell(label_words(value), hint, None, is_faint, is_numeric=False)
    hint = f"{known.label}: {known.meaning}"
    return SignalCell(number(value, known), hint, strip(value, sample), False, is_numeric=True)
