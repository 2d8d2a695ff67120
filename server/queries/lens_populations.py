"""Statements over the traces that a lens looks at: what they are, their signals, what changed."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import col
from sqlmodel.sql.expression import SelectOfScalar

from server.models.event import Event
from server.models.judge import Judge, JudgeVerdict
from server.models.run import AnalysisRun, RunKind, RunStatus
from server.models.signal import Signal
from server.models.trace import Import, OutcomeSource, Trace
from server.queries.runs import of_kind

Bool = sa.ColumnElement[bool]
Statement = sa.Select[*tuple[Any, ...]]
_TEXTS: tuple[Any, ...] = (
    Trace.outcome,
    Trace.imported_outcome,
    Trace.source,
    Trace.outcome_source,
)
_JSON: tuple[Any, ...] = (Trace.tags, Trace.dimensions)
_PLAIN: tuple[Any, ...] = (
    Trace.id,
    Trace.external_id,
    Trace.item_id,
    Trace.trial,
    Trace.model,
    Trace.model_family,
    Trace.task,
    Trace.eval_id,
    Trace.pipeline_version,
    Trace.prompt_tokens,
    Trace.completion_tokens,
    Trace.reasoning_tokens,
    Trace.token_limit,
    Trace.finish_reason,
    Trace.duration_s,
    Trace.step_count,
)
VARYING: Mapping[str, Any] = {
    "model": Trace.model,
    "model_family": Trace.model_family,
    "task": Trace.task,
    "eval_id": Trace.eval_id,
    "item": Trace.item_id,
    "outcome": Trace.outcome,
    "source": Trace.source,
    "pipeline_version": Trace.pipeline_version,
}
LATEST = 500
"""Traces whose signals say which there are: telling them from all would read every one."""
COLUMNS = tuple(column.key for column in (*_PLAIN, *_TEXTS, *_JSON))


def traces(conditions: Sequence[Bool]) -> Statement:
    """`COLUMNS` of the traces that meet conditions, by id; tags and dimensions as JSON text."""
    return (
        sa.select(
            *(col(column) for column in _PLAIN),
            *(sa.type_coerce(col(column), sa.Text()) for column in _TEXTS),
            *(sa.cast(sa.type_coerce(col(column), sa.JSON()), sa.Text()) for column in _JSON),
        )
        .where(*conditions)
        .order_by(col(Trace.id))
    )


def latest_traces(conditions: Sequence[Bool], count: int) -> Statement:
    """The same of the latest traces."""
    return traces(conditions).order_by(None).order_by(col(Trace.id).desc()).limit(count)


def varying(conditions: Sequence[Bool]) -> Statement:
    """Whether the traces that meet conditions differ in each of `VARYING`, as one row."""
    columns = [sa.type_coerce(col(column), sa.Text()) for column in VARYING.values()]
    return sa.select(*(sa.func.min(column) != sa.func.max(column) for column in columns)).where(
        *conditions
    )


def count(conditions: Sequence[Bool]) -> sa.Select[int]:
    """How many traces meet conditions."""
    return sa.select(sa.func.count(col(Trace.id))).where(*conditions)


def signals(project_id: int, conditions: Sequence[Bool] | None, names: Sequence[str]) -> Statement:
    """Trace, name, value and label of signals: of the project's traces, or of those that meet."""
    found = sa.select(
        col(Signal.trace_id), col(Signal.name), col(Signal.value), col(Signal.label)
    ).where(col(Signal.project_id) == project_id, col(Signal.name).in_(names))
    if conditions is None:
        return found
    return found.where(col(Signal.trace_id).in_(sa.select(col(Trace.id)).where(*conditions)))


def signal_names(project_id: int) -> Statement:
    """Names of the signals that the latest traces of a project have."""
    latest = (
        sa.select(col(Trace.id))
        .where(col(Trace.project_id) == project_id)
        .order_by(col(Trace.id).desc())
        .limit(LATEST)
    )
    return (
        sa.select(col(Signal.name))
        .where(col(Signal.trace_id).in_(latest))
        .distinct()
        .order_by(col(Signal.name))
    )


def state(project_id: int, kinds: Sequence[str], computes_signals: str) -> Statement:
    """What moves when an answer may change, as one row, each part at hand.

    Imports, the end of the last one, the last trace of all, the last event whose kind begins with
    one of `kinds`, the last finished run of the kind `computes_signals`.
    """
    return sa.select(
        sa.func.count(col(Import.id)),
        sa.func.max(col(Import.finished_at)),
        sa.select(sa.func.max(col(Trace.id))).scalar_subquery(),
        _events(project_id, kinds, 0)
        .with_only_columns(col(Event.id))
        .order_by(col(Event.id).desc())
        .limit(1)
        .scalar_subquery(),
        last_done(project_id, computes_signals).scalar_subquery(),
    ).where(col(Import.project_id) == project_id)


def last_done(project_id: int, kind: str) -> sa.Select[Any]:
    """The last finished run of a kind."""
    return sa.select(sa.func.max(col(AnalysisRun.id))).where(
        col(AnalysisRun.project_id) == project_id,
        col(AnalysisRun.kind) == kind,
        col(AnalysisRun.status) == RunStatus.DONE,
    )


def decided_since(project_id: int, kinds: Sequence[str], event_id: int) -> Statement:
    """Kind and number of the events after one, of kinds that begin like these."""
    return (
        _events(project_id, kinds, event_id)
        .with_only_columns(col(Event.kind), sa.func.count(col(Event.id)))
        .group_by(col(Event.kind))
        .order_by(col(Event.kind))
    )


def _events(project_id: int, kinds: Sequence[str], after: int) -> Statement:
    return sa.select(col(Event.id)).where(
        col(Event.project_id) == project_id,
        col(Event.id) > after,
        sa.or_(*(col(Event.kind).startswith(kind, autoescape=True) for kind in kinds)),
    )


def corrected(conditions: Sequence[Bool]) -> sa.Select[int]:
    """How many traces that meet conditions have an outcome that a person set."""
    return count([*conditions, col(Trace.outcome_source) == OutcomeSource.HUMAN])


def executed(conditions: Sequence[Bool]) -> Statement:
    """Trace and what really happened, of the traces that meet conditions where that is known."""
    return sa.select(col(Trace.id), sa.type_coerce(col(Trace.executed_outcome), sa.Text())).where(
        *conditions, col(Trace.executed_outcome).is_not(None)
    )


def judged(project_id: int, conditions: Sequence[Bool]) -> Statement:
    """Trace, name and version of a judge of whole traces, and its verdict."""
    return (
        sa.select(
            col(JudgeVerdict.trace_id),
            col(Judge.name),
            col(Judge.version),
            sa.type_coerce(col(JudgeVerdict.value), sa.Text()),
        )
        .join(Judge, col(Judge.id) == col(JudgeVerdict.judge_id))
        .join(Trace, col(Trace.id) == col(JudgeVerdict.trace_id))
        .where(col(Judge.project_id) == project_id, col(Judge.mode_id).is_(None), *conditions)
        .order_by(col(Judge.id), col(JudgeVerdict.trace_id))
    )


def answers(
    project_id: int, question: str, kind: str = RunKind.LENS
) -> SelectOfScalar[AnalysisRun]:
    """Finished runs and kept readings of a question, the latest first; in any state of the data.

    A run's `input_digest` is the question, a colon, the state.
    """
    return of_kind(project_id, kind).where(
        col(AnalysisRun.input_digest).startswith(f"{question}:", autoescape=True),
        col(AnalysisRun.status) == RunStatus.DONE,
    )


def runs_for(project_id: int, digest: str, kind: str = RunKind.LENS) -> SelectOfScalar[AnalysisRun]:
    """Runs of a question on a state of the data, however they ended, the latest first."""
    return of_kind(project_id, kind).where(AnalysisRun.input_digest == digest)


def answers_for(project_id: int, digest: str) -> SelectOfScalar[AnalysisRun]:
    """Finished runs and kept readings of a question on a state of the data, the latest first."""
    return runs_for(project_id, digest).where(col(AnalysisRun.status) == RunStatus.DONE)


def under_way_or_filed(
    project_id: int, digest: str, kind: str = RunKind.LENS
) -> SelectOfScalar[AnalysisRun]:
    """Runs of a question on a state of the data that have an answer in a file or will have one."""
    return runs_for(project_id, digest, kind).where(
        sa.or_(
            col(AnalysisRun.status).in_((RunStatus.QUEUED, RunStatus.RUNNING)),
            sa.and_(col(AnalysisRun.status) == RunStatus.DONE, col(AnalysisRun.artefact) != ""),
        )
    )


def labels_counted(conditions: Sequence[Bool], name: str) -> Statement:
    """The labels of a signal on traces that meet conditions, and how many have each."""
    return (
        sa.select(col(Signal.label), sa.func.count(col(Signal.id)))
        .join(Trace, col(Trace.id) == col(Signal.trace_id))
        .where(*conditions, col(Signal.name) == name, col(Signal.label).is_not(None))
        .group_by(col(Signal.label))
    )


def outcomes_counted(conditions: Sequence[Bool]) -> Statement:
    """The outcomes of traces that meet conditions, and how many have each."""
    return (
        sa.select(col(Trace.outcome), sa.func.count(col(Trace.id)))
        .where(*conditions)
        .group_by(col(Trace.outcome))
    )


def latest_answers(project_id: int, count: int) -> SelectOfScalar[AnalysisRun]:
    """The latest kept answers of all lenses."""
    return (
        of_kind(project_id, RunKind.LENS)
        .where(col(AnalysisRun.status) == RunStatus.DONE)
        .limit(count)
    )
