"""Statements over analysis runs."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.models.project import Member, Project
from server.models.run import AnalysisRun, RunKind, RunStatus

_UNDER_WAY = (RunStatus.QUEUED, RunStatus.RUNNING)


def of_project(project_id: int) -> SelectOfScalar[AnalysisRun]:
    """Runs of a project, the latest first."""
    return (
        select(AnalysisRun)
        .where(AnalysisRun.project_id == project_id)
        .order_by(col(AnalysisRun.id).desc())
    )


def shown_to(member: Member) -> sa.ColumnElement[bool]:
    """Whether a member may see a run.

    Answers of lenses tell outcomes: someone blind sees those that looked with their own eyes.
    What a model was asked is between it and the leads.
    """
    if member.role.can_lead:
        return sa.true()
    is_told = col(AnalysisRun.kind) != RunKind.ASSISTANT
    if not member.is_blind:
        return is_told
    telling = (RunKind.LENS, RunKind.EVALUATION_SETS, RunKind.PAGE)
    tells_none = col(AnalysisRun.kind).not_in(telling)
    return sa.and_(is_told, sa.or_(tells_none, col(AnalysisRun.created_by) == member.id))


def jobs(project_id: int) -> SelectOfScalar[AnalysisRun]:
    """Runs that a worker performs, the latest first; not the readings that lenses keep at once."""
    at_once = sa.and_(
        col(AnalysisRun.kind) == RunKind.LENS,
        col(AnalysisRun.status) == RunStatus.DONE,
        col(AnalysisRun.artefact) == "",
    )
    return of_project(project_id).where(sa.not_(at_once))


def asked_assistant_since(project_id: int, since: datetime) -> SelectOfScalar[int]:
    """How often a project asked a language model since then, however that ended."""
    return select(sa.func.count(col(AnalysisRun.id))).where(
        AnalysisRun.project_id == project_id,
        AnalysisRun.kind == RunKind.ASSISTANT,
        col(AnalysisRun.created_at) >= since,
    )


def of_kind(project_id: int, kind: str) -> SelectOfScalar[AnalysisRun]:
    """Runs of one kind, the latest first."""
    return of_project(project_id).where(AnalysisRun.kind == kind)


def same_question(project_id: int, kind: str, input_digest: str) -> SelectOfScalar[AnalysisRun]:
    """Runs of the same kind over the same input that are under way or done."""
    return of_kind(project_id, kind).where(
        AnalysisRun.input_digest == input_digest,
        col(AnalysisRun.status).in_((*_UNDER_WAY, RunStatus.DONE)),
    )


def on_input(project_id: int, kind: str, input_digest: str) -> SelectOfScalar[AnalysisRun]:
    """Runs of a kind over the same input, however they ended, the latest first."""
    return of_kind(project_id, kind).where(AnalysisRun.input_digest == input_digest)


def asked_in_turn(project_id: int) -> SelectOfScalar[Project]:
    """Wait for whoever asks for a run of the project at this moment; rows below it stay free."""
    return select(Project).where(Project.id == project_id).with_for_update(key_share=True)


def abandoned(before: datetime, after: datetime) -> SelectOfScalar[AnalysisRun]:
    """Runs whose worker has not been heard of since `before`; each for one finder only.

    Nor `after`: the clock was set back, and a worker that is alive tells of itself soon.
    """
    heard = col(AnalysisRun.heartbeat_at)
    return (
        select(AnalysisRun)
        .where(AnalysisRun.status == RunStatus.RUNNING, sa.or_(heard < before, heard > after))
        .with_for_update(skip_locked=True)
    )


def waiting() -> SelectOfScalar[AnalysisRun]:
    """Runs that nobody has begun, the oldest first."""
    return (
        select(AnalysisRun)
        .where(AnalysisRun.status == RunStatus.QUEUED)
        .order_by(col(AnalysisRun.id))
    )
