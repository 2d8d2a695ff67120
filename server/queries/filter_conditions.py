"""Filters as SQL conditions over traces, seen with the eyes of a member.

A blind annotator's filters on outcome, verdict, mode and annotator see only what they may see,
so that no filter tells what the screen hides.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col

from server.errors import Invalid
from server.models.batch import BatchTrace, Round
from server.models.judge import Judge, JudgeVerdict
from server.models.label import GoldLabel, Label, LabelValue
from server.models.note import Note
from server.models.project import Annotator, AnnotatorKind, Member
from server.models.signal import Signal
from server.models.trace import Trace
from server.models.verdict import Verdict
from server.queries import frames, near_duplicates
from server.queries.blindness import open_to, visible
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
from server.queries.json_values import dimension_is, dimension_number, has_tag
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


def conditions(filters: Filters, sight: Sight) -> list[Bool]:
    """Return what a trace has to meet.

    Raises:
        Invalid: A filter names a mode, batch, annotator or import that is not there.
    """
    annotator = filters.get("annotator")
    asked = filters.without("annotator") if filters.get("verdict") else filters
    return [_condition(condition, sight, annotator) for condition in asked.conditions]


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
    return _MEMBERSHIP[key](sight.names.ids(condition), sight.member)


_OUTCOMES = ("outcome", "outcome_source")
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
    who: Bool | None = None
    if annotator is not None:
        who = col(Annotator.id).in_(sight.names.ids(annotator))
        who = sa.not_(who) if annotator.negated else who
    given = [value for value in values if value != NO_VERDICT]
    without = [sa.not_(_judged(sight.member, who, None))] if NO_VERDICT in values else []
    return sa.or_(*([_judged(sight.member, who, given)] if given else []), *without)


def _judged(member: Member, who: Bool | None, values: Sequence[str] | None) -> Bool:
    """Whether people, or machines that are named, gave one of these values (None: any)."""
    # One list of ids: the databases would go through the traces once for each of several.
    return col(Trace.id).in_(sa.union_all(*_verdicts(member, who, values)))


def _verdicts(member: Member, who: Bool | None, values: Sequence[str] | None) -> list[Any]:
    by_judges = [] if who is None else [_by_judges(member, who, values)]
    return [_by_people(member, who, values), *by_judges]


def _by_people(member: Member, who: Bool | None, values: Sequence[str] | None) -> sa.Select[int]:
    later = aliased(Verdict)
    last_round = sa.select(sa.func.max(col(Round.id))).where(
        col(Round.project_id) == member.project_id
    )
    exists_later = sa.exists().where(
        col(later.trace_id) == col(Verdict.trace_id),
        col(later.annotator_id) == col(Verdict.annotator_id),
        col(later.round_id) > col(Verdict.round_id),
    )
    # Nothing comes after the last round, so its verdicts need not be looked for one by one.
    superseded = sa.and_(
        col(Verdict.round_id) < last_round.scalar_subquery(), exists_later.correlate(Verdict)
    )
    return (
        sa.select(col(Verdict.trace_id))
        .join(Annotator, col(Annotator.id) == col(Verdict.annotator_id))
        .where(
            col(Annotator.project_id) == member.project_id,
            col(Annotator.kind) == AnnotatorKind.HUMAN if who is None else who,
            sa.true() if values is None else col(Verdict.value).in_(values),
            sa.or_(col(Verdict.submitted_at).is_not(None), col(Annotator.id) == member.id),
            ~superseded,
            visible(member, col(Verdict.trace_id), col(Verdict.annotator_id)),
        )
    )


def _by_judges(member: Member, who: Bool, values: Sequence[str] | None) -> sa.Select[int]:
    """Verdicts of machines, which count only where the filter asks for them by name."""
    return (
        sa.select(col(JudgeVerdict.trace_id))
        .join(Judge, col(Judge.id) == col(JudgeVerdict.judge_id))
        .join(Annotator, col(Annotator.id) == col(Judge.annotator_id))
        .where(
            col(Judge.project_id) == member.project_id,
            col(Judge.mode_id).is_(None),
            who,
            sa.true() if values is None else col(JudgeVerdict.value).in_(values),
            open_to(member, col(JudgeVerdict.trace_id)),
        )
    )


def _annotator(ids: list[int], member: Member) -> Bool:
    """Anything that one of these annotators made on the trace."""
    who = col(Annotator.id).in_(ids)
    written = [
        sa.select(col(model.trace_id))
        .where(
            col(model.annotator_id).in_(ids),
            visible(member, col(model.trace_id), col(model.annotator_id)),
        )
        .distinct()
        for model in (Note, Label)
    ]
    return col(Trace.id).in_(sa.union_all(*_verdicts(member, who, None), *written))


def _mode(ids: list[int], member: Member) -> Bool:
    """Gold says present; else most people do; else, undecided, a note stands under the mode."""
    gold = sa.select(col(GoldLabel.trace_id)).where(
        col(GoldLabel.mode_id).in_(ids),
        col(GoldLabel.value) == LabelValue.PRESENT,
        visible(member, col(GoldLabel.trace_id), col(GoldLabel.decided_by)),
    )
    people = sa.select(col(Annotator.id)).where(
        col(Annotator.project_id) == member.project_id, col(Annotator.kind) == AnnotatorKind.HUMAN
    )
    vote = sa.case((col(Label.value) == LabelValue.PRESENT, 1), else_=-1)
    votes = (
        sa.select(col(Label.mode_id), col(Label.trace_id))
        .where(
            col(Label.mode_id).in_(ids),
            col(Label.annotator_id).in_(people),
            visible(member, col(Label.trace_id), col(Label.annotator_id)),
        )
        .group_by(col(Label.mode_id), col(Label.trace_id))
        .having(sa.func.sum(vote) > 0)
        .subquery()
    )
    # Of the few that most people see: whether somebody has decided.
    adjudicated = sa.exists().where(
        col(GoldLabel.trace_id) == votes.c.trace_id,
        col(GoldLabel.mode_id) == votes.c.mode_id,
        visible(member, col(GoldLabel.trace_id), col(GoldLabel.decided_by)),
    )
    majority = sa.select(votes.c.trace_id).where(~adjudicated.correlate(votes))
    drafts = frames.drafts(member.project_id, member).order_by(None).subquery()
    draft = sa.select(drafts.c.trace_id).where(drafts.c.mode_id.in_(ids))
    return col(Trace.id).in_(sa.union_all(gold, majority, draft))


def _batch(ids: list[int], _member: Member) -> Bool:
    return col(Trace.id).in_(
        sa.select(col(BatchTrace.trace_id)).where(col(BatchTrace.batch_id).in_(ids))
    )


def _import(ids: list[int], _member: Member) -> Bool:
    return col(Trace.import_id).in_(ids)


_MEMBERSHIP: Mapping[str, Callable[[list[int], Member], Bool]] = {
    "annotator": _annotator,
    "mode": _mode,
    "batch": _batch,
    "import": _import,
}
