"""Statements of the Read screen: a trace's outline, its place in a batch, its population."""

from collections.abc import Collection
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.models.batch import Batch, BatchTrace, Round
from server.models.display_profile import StepGroup
from server.models.judge import Judge, JudgeVerdict
from server.models.mode import FailureMode
from server.models.note import Note
from server.models.project import Annotator
from server.models.run import AnalysisRun, RunKind, RunStatus
from server.models.trace import Import, Step, StepKind, Trace
from server.models.verdict import Verdict, VerdictValue

_Outline = sa.Select[int, str, StepKind, str, str]


@cache
def step_count() -> sa.Select[int]:
    """How many steps `trace_id` has; made once."""
    counted = sa.func.count(col(Step.position))
    return sa.select(counted).where(col(Step.trace_id) == sa.bindparam("trace_id"))


@cache
def outline() -> _Outline:
    """Position, role, kind, name and call id of the steps from `first` up to `end`; made once."""
    position = col(Step.position)
    within = (position >= sa.bindparam("first"), position < sa.bindparam("end"))
    return _outline(sa.bindparam("trace_id"), *within)


def outline_at(trace_id: int, positions: Collection[int]) -> _Outline:
    """The same of the steps at these positions."""
    return _outline(trace_id, col(Step.position).in_(positions))


def outline_of_calls(trace_id: int, call_ids: Collection[str]) -> _Outline:
    """The same of every step with one of these call ids."""
    return _outline(trace_id, col(Step.call_id).in_(call_ids))


def _outline(trace_id: Any, *conditions: sa.ColumnElement[bool]) -> _Outline:
    return (
        sa.select(
            col(Step.position), col(Step.role), col(Step.kind), col(Step.name), col(Step.call_id)
        )
        .where(col(Step.trace_id) == trace_id, *conditions)
        .order_by(col(Step.position))
    )


def step_times(
    trace_id: int,
) -> sa.Select[int, str, StepKind, str, str, int | None, datetime | None, float | None]:
    """What every step says of when it was and what it lies inside of, without the texts."""
    return (
        sa.select(
            col(Step.position),
            col(Step.role),
            col(Step.kind),
            col(Step.name),
            col(Step.state),
            col(Step.parent),
            col(Step.started_at),
            col(Step.duration_s),
        )
        .where(col(Step.trace_id) == trace_id)
        .order_by(col(Step.position))
    )


@cache
def timed_step() -> SelectOfScalar[int]:
    """A step of `trace_id` before `within` that lies in another or has a duration; made once."""
    return (
        select(Step.position)
        .where(
            col(Step.trace_id) == sa.bindparam("trace_id"),
            col(Step.position) < sa.bindparam("within"),
            sa.or_(col(Step.parent).is_not(None), col(Step.duration_s).is_not(None)),
        )
        .limit(1)
    )


def steps_at(trace_id: int, positions: Collection[int]) -> SelectOfScalar[Step]:
    """The steps of a trace at these positions, whole."""
    return select(Step).where(Step.trace_id == trace_id, col(Step.position).in_(positions))


def of_groups(trace_id: int, groups: Collection[StepGroup], most: int) -> SelectOfScalar[int]:
    """Positions of the first steps of a trace that belong to one of these groups."""
    whole = [group.kind for group in groups if not group.name]
    named = [group for group in groups if group.name]
    by_role = [group.name for group in named if group.kind is StepKind.MESSAGE]
    is_message = col(Step.kind) == StepKind.MESSAGE
    others = [
        sa.and_(col(Step.kind) == group.kind, col(Step.name) == group.name)
        for group in named
        if group.kind is not StepKind.MESSAGE
    ]
    return (
        select(Step.position)
        .where(
            Step.trace_id == trace_id,
            sa.or_(
                col(Step.kind).in_(whole),
                sa.and_(is_message, col(Step.role).in_(by_role)),
                *others,
            ),
        )
        .order_by(col(Step.position))
        .limit(most)
    )


def kinds_of_steps(trace_id: int, most: int) -> sa.Select[StepKind, str, str]:
    """Which kinds, roles and names the steps of a trace have."""
    return (
        sa.select(col(Step.kind), col(Step.role), col(Step.name))
        .where(col(Step.trace_id) == trace_id)
        .distinct()
        .order_by(col(Step.kind), col(Step.role), col(Step.name))
        .limit(most)
    )


def final_output(trace_id: int) -> SelectOfScalar[int]:
    """Position of the last message of the assistant."""
    return (
        select(Step.position)
        .where(
            Step.trace_id == trace_id,
            Step.kind == StepKind.MESSAGE,
            Step.role == "assistant",
        )
        .order_by(col(Step.position).desc())
        .limit(1)
    )


def texts(trace_id: int) -> sa.Select[int, str]:
    """Position and text of every step, in reading order."""
    return (
        sa.select(col(Step.position), col(Step.text))
        .where(col(Step.trace_id) == trace_id)
        .order_by(col(Step.position))
    )


@cache
def place_in_batch() -> SelectOfScalar[BatchTrace]:
    """Where `trace_id` of `project_id` stands in the latest batch that drew it; made once."""
    return (
        select(BatchTrace)
        .join(Batch, col(Batch.id) == col(BatchTrace.batch_id))
        .join(Round, col(Round.id) == col(Batch.round_id))
        .where(
            col(Round.project_id) == sa.bindparam("project_id"),
            col(BatchTrace.trace_id) == sa.bindparam("trace_id"),
        )
        .order_by(col(BatchTrace.batch_id).desc())
        .limit(1)
    )


@cache
def beside_in_batch(*, forward: bool) -> SelectOfScalar[int]:
    """The trace before or after `position` of `batch_id`; made once."""
    position, here = col(BatchTrace.position), sa.bindparam("position", type_=sa.Integer())
    return (
        select(BatchTrace.trace_id)
        .where(
            col(BatchTrace.batch_id) == sa.bindparam("batch_id"),
            position > here if forward else position < here,
        )
        .order_by(position if forward else position.desc())
        .limit(1)
    )


def beside_in_project(
    project_id: int, trace_id: int, *, forward: bool
) -> SelectOfScalar[int | None]:
    """The trace that came in before or after another one."""
    statement = select(col(Trace.id)).where(Trace.project_id == project_id).limit(1)
    if forward:
        return statement.where(col(Trace.id) > trace_id).order_by(col(Trace.id))
    return statement.where(col(Trace.id) < trace_id).order_by(col(Trace.id).desc())


def at_place(batch_id: int, position: int) -> SelectOfScalar[int]:
    """The trace at a place of a batch."""
    return select(BatchTrace.trace_id).where(
        BatchTrace.batch_id == batch_id, BatchTrace.position == position
    )


def called(project_id: int, external_id: str) -> SelectOfScalar[int | None]:
    """The trace with an external id."""
    return select(col(Trace.id)).where(
        Trace.project_id == project_id, Trace.external_id == external_id
    )


@lru_cache(maxsize=256)
def batch_size(batch_id: int) -> SelectOfScalar[int]:
    """How many traces a batch has."""
    return select(sa.func.count(col(BatchTrace.id))).where(BatchTrace.batch_id == batch_id)


def readings_of_batch(
    batch: Batch, annotator_id: int
) -> sa.Select[int, str, VerdictValue, float | None]:
    """Trace, its external id, verdict and seconds of what an annotator has finished of a batch."""
    columns: tuple[Any, ...] = (
        col(Trace.id),
        col(Trace.external_id),
        col(Verdict.value),
        col(Verdict.seconds),
    )
    return (
        sa.select(*columns)
        .join(BatchTrace, col(BatchTrace.trace_id) == col(Trace.id))
        .join(Verdict, col(Verdict.trace_id) == col(Trace.id))
        .where(
            col(BatchTrace.batch_id) == batch.id,
            col(Verdict.annotator_id) == annotator_id,
            col(Verdict.round_id) == batch.round_id,
            col(Verdict.submitted_at).is_not(None),
        )
        .order_by(col(BatchTrace.position))
    )


def verdicts_of_others(trace_id: int, annotator_id: int) -> sa.Select[Verdict, Annotator]:
    """Verdicts that somebody else gave and finished."""
    return (
        sa.select(Verdict, Annotator)
        .join(Annotator, col(Annotator.id) == col(Verdict.annotator_id))
        .where(
            col(Verdict.trace_id) == trace_id,
            col(Verdict.annotator_id) != annotator_id,
            col(Verdict.submitted_at).is_not(None),
        )
        .order_by(col(Annotator.kind), col(Verdict.id))
    )


@cache
def notes_with_authors() -> sa.Select[Note, Annotator]:
    """Everybody's notes on `trace_id` with who wrote them, in the order of writing; made once."""
    return (
        sa.select(Note, Annotator)
        .join(Annotator, col(Annotator.id) == col(Note.annotator_id))
        .where(col(Note.trace_id) == sa.bindparam("trace_id"))
        .order_by(col(Note.id))
    )


def judge_verdicts(trace_id: int) -> sa.Select[JudgeVerdict, Judge, str | None]:
    """What judges said about a whole trace or a mode on it, with the mode's name."""
    return (
        sa.select(JudgeVerdict, Judge, col(FailureMode.name))
        .join(Judge, col(Judge.id) == col(JudgeVerdict.judge_id))
        .outerjoin(FailureMode, col(FailureMode.id) == col(Judge.mode_id))
        .where(col(JudgeVerdict.trace_id) == trace_id)
        .order_by(col(JudgeVerdict.id))
    )


@lru_cache(maxsize=256)
def population_state(
    project_id: int,
) -> sa.Select[int | None, int | None, int, datetime | None]:
    """What changes when traces or their signals do.

    The last trace of all, the last run that computed signals, the imports, and their end. Each
    is at hand; counting the project's traces would take longer than the rest of a page.
    """
    last = sa.select(sa.func.max(col(Trace.id))).scalar_subquery()
    last_run = sa.select(sa.func.max(col(AnalysisRun.id))).where(
        col(AnalysisRun.project_id) == project_id,
        col(AnalysisRun.kind) == RunKind.SIGNALS,
        col(AnalysisRun.status) == RunStatus.DONE,
    )
    return sa.select(
        last,
        last_run.scalar_subquery(),
        sa.func.count(col(Import.id)),
        sa.func.max(col(Import.finished_at)),
    ).where(col(Import.project_id) == project_id)


def population(
    project_id: int, every: int
) -> sa.Select[int | None, int | None, int | None, int | None, int, float | None]:
    """Measures of every n-th trace: id, tokens (written, read, reasoned), steps, duration."""
    return sa.select(
        col(Trace.id),
        col(Trace.completion_tokens),
        col(Trace.prompt_tokens),
        col(Trace.reasoning_tokens),
        col(Trace.step_count),
        col(Trace.duration_s),
    ).where(col(Trace.project_id) == project_id, col(Trace.id) % every == 0)


def tool_calls(trace_ids: Collection[int]) -> sa.Select[int, int]:
    """How many tools each of these traces called; traces without a call are left out."""
    return (
        sa.select(col(Step.trace_id), sa.func.count(col(Step.id)))
        .where(col(Step.trace_id).in_(trace_ids), col(Step.kind) == StepKind.TOOL_CALL)
        .group_by(col(Step.trace_id))
    )
