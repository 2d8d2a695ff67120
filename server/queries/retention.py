"""Statements over traces that a retention rule lets go, and over what holds them."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.models.otlp import OtlpSpan, OtlpTrace
from server.models.project import Project
from server.models.retention import RETENTION
from server.models.run import AnalysisRun, RunKind
from server.models.trace import ERASED, Attachment, Import, OutcomeSource, Step, Trace
from server.queries.otlp import LIVE

_GOES_WITH_IT = {"step", "signal", "sketch", "token_features", "otlp_trace"}
"""Tables about a trace that no person decided anything in."""


def with_rule() -> SelectOfScalar[Project]:
    """Open projects that have a retention rule."""
    return select(Project).where(
        col(Project.settings)[RETENTION].as_string().is_not(None),
        col(Project.read_only).is_(False),
        col(Project.archived_at).is_(None),
    )


def applied_since(project_id: int, moment: datetime) -> sa.Select[Any]:
    """Runs that applied a project's rule after `moment`, or are about to."""
    return sa.select(col(AnalysisRun.id)).where(
        col(AnalysisRun.project_id) == project_id,
        col(AnalysisRun.kind) == RunKind.RETENTION,
        col(AnalysisRun.created_at) > moment,
    )


def older(project_id: int, before: datetime, *, live_only: bool) -> sa.ColumnElement[bool]:
    """Whether a trace came in before a moment, by live spans where only those are meant."""
    came = sa.and_(col(Trace.project_id) == project_id, col(Trace.created_at) < before)
    if not live_only:
        return came
    live = select(Import.id).where(Import.project_id == project_id, Import.format == LIVE)
    return sa.and_(came, col(Trace.import_id).in_(live))


def pinned() -> sa.ColumnElement[bool]:
    """Whether a person's work, or a place in a batch, holds a trace.

    Every table that names a trace holds it, unless it is known to go with it.
    """
    holding = (
        sa.exists().where(key.parent == col(Trace.id))
        for table in SQLModel.metadata.sorted_tables
        if table.name not in _GOES_WITH_IT
        for key in table.foreign_keys
        if key.column.table.name == Trace.__tablename__
    )
    return sa.or_(
        *holding,
        col(Trace.outcome_source) == OutcomeSource.HUMAN,
        col(Trace.content_hash) == ERASED,
    )


def counts(about: sa.ColumnElement[bool]) -> sa.Select[int, int]:
    """Count traces, and those of them that something holds."""
    held = sa.func.count(sa.case((pinned(), 1)))
    return sa.select(sa.func.count(), held).select_from(Trace).where(about)


def expired(about: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Ids of the traces that nothing holds, in the order of ids."""
    return sa.select(col(Trace.id)).where(about, sa.not_(pinned())).order_by(col(Trace.id))


def locked(trace_ids: Collection[int]) -> sa.Select[Any]:
    """Lock traces until the transaction ends, so that nobody's work begins to hold them."""
    return sa.select(col(Trace.id)).where(col(Trace.id).in_(trace_ids)).with_for_update()


def unpinned(trace_ids: Collection[int]) -> sa.Select[Any]:
    """Those of some traces that nothing holds."""
    return expired(col(Trace.id).in_(trace_ids))


def attachments(trace_ids: Collection[int]) -> sa.Select[Any]:
    """Files attached to steps of traces, each once."""
    of_traces = sa.select(col(Step.id)).where(col(Step.trace_id).in_(trace_ids))
    return (
        sa.select(col(Attachment.sha256)).where(col(Attachment.step_id).in_(of_traces)).distinct()
    )


def still_attached(digests: Collection[str]) -> sa.Select[Any]:
    """Those of some files that a step still has."""
    return sa.select(col(Attachment.sha256)).where(col(Attachment.sha256).in_(digests)).distinct()


def forget(trace_ids: Collection[int]) -> tuple[sa.Delete, ...]:
    """Delete traces with all that came in of them; steps, signals and the rest go by themselves."""
    keys = sa.select(col(OtlpTrace.trace_key)).where(col(OtlpTrace.trace_id).in_(trace_ids))
    projects = sa.select(col(OtlpTrace.project_id)).where(col(OtlpTrace.trace_id).in_(trace_ids))
    return (
        sa.delete(OtlpSpan).where(
            col(OtlpSpan.project_id).in_(projects), col(OtlpSpan.trace_key).in_(keys)
        ),
        sa.delete(OtlpTrace).where(col(OtlpTrace.trace_id).in_(trace_ids)),
        sa.delete(Trace).where(col(Trace.id).in_(trace_ids)),
    )


def finished_imports(project_id: int, before: datetime) -> SelectOfScalar[Import]:
    """Imports that ended before a moment and whose files still lie on the server."""
    return select(Import).where(
        Import.project_id == project_id,
        col(Import.finished_at) < before,
        sa.or_(col(Import.stored_path) != "", col(Import.refused_file) != ""),
    )
