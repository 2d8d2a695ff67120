"""Statements behind "Worth a look": readings that lack something, machines that disagree."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.models.judge import Judge, JudgeVerdict
from server.models.note import Note
from server.models.trace import Trace
from server.models.verdict import Verdict, VerdictValue


def _failed(project_id: int, annotator_id: int | None) -> SelectOfScalar[int]:
    statement = (
        select(Verdict.trace_id)
        .join(Trace, col(Trace.id) == col(Verdict.trace_id))
        .where(
            Trace.project_id == project_id,
            Verdict.value == VerdictValue.FAIL,
            col(Verdict.submitted_at).is_not(None),
        )
        .distinct()
        .order_by(col(Verdict.trace_id))
    )
    return (
        statement if annotator_id is None else statement.where(Verdict.annotator_id == annotator_id)
    )


def failed_without_note(project_id: int, annotator_id: int | None) -> SelectOfScalar[int]:
    """Traces that somebody (or one annotator) failed without a word on why."""
    noted = (
        sa.exists()
        .where(
            col(Note.trace_id) == col(Verdict.trace_id),
            col(Note.annotator_id) == col(Verdict.annotator_id),
        )
        .correlate(Verdict)
    )
    return _failed(project_id, annotator_id).where(~noted)


def failed_without_step(project_id: int, annotator_id: int | None) -> SelectOfScalar[int]:
    """Traces that somebody (or one annotator) failed without the first failing step."""
    return _failed(project_id, annotator_id).where(col(Verdict.first_failure_step).is_(None))


def judged(project_id: int) -> sa.Select[str, int, str]:
    """Judge, trace and verdict (as text) of every machine that judges whole traces."""
    return (
        sa.select(
            col(Judge.name),
            col(JudgeVerdict.trace_id),
            sa.type_coerce(col(JudgeVerdict.value), sa.Text()),
        )
        .join(Judge, col(Judge.id) == col(JudgeVerdict.judge_id))
        .where(col(Judge.project_id) == project_id, col(Judge.mode_id).is_(None))
        .order_by(col(Judge.name), col(JudgeVerdict.id))
    )


def latest_reading(project_id: int) -> SelectOfScalar[datetime | None]:
    """When somebody last finished reading a trace."""
    return (
        select(sa.func.max(col(Verdict.submitted_at)))
        .join(Trace, col(Trace.id) == col(Verdict.trace_id))
        .where(Trace.project_id == project_id)
    )
