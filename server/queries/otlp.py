"""Statements over spans that came in live, and over the traces they make up."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.models.otlp import OtlpSpan, OtlpTrace
from server.models.project import Project
from server.models.trace import ERASED, Import, Trace

LIVE = "otlp-live"
"""The format of the one import of a project that its live spans belong to."""


def live_import(project_id: int) -> SelectOfScalar[Import]:
    """The import that a project's live spans belong to, once there are any."""
    return select(Import).where(Import.project_id == project_id, Import.format == LIVE)


def locked_project(project_id: int) -> SelectOfScalar[Project]:
    """A project, locked until the transaction ends where several processes write."""
    return select(Project).where(Project.id == project_id).with_for_update()


def span_counts(project_id: int, trace_keys: Collection[str]) -> sa.Select[tuple[str, int]]:
    """Of how many spans these traces were put together last, where there are any."""
    columns: tuple[Any, ...] = (col(OtlpTrace.trace_key), col(OtlpTrace.span_count))
    return sa.select(*columns).where(
        col(OtlpTrace.project_id) == project_id, col(OtlpTrace.trace_key).in_(trace_keys)
    )


def erased(project_id: int, trace_keys: Collection[str]) -> SelectOfScalar[str]:
    """Which of these traces were erased: nothing of them may come back."""
    return select(Trace.external_id).where(
        Trace.project_id == project_id,
        col(Trace.external_id).in_(trace_keys),
        Trace.content_hash == ERASED,
    )


def keep_spans(dialect: str) -> Any:
    """Keep spans, given as rows; one that is known is replaced by what came last."""
    insert = _insert(dialect, OtlpSpan)
    return insert.on_conflict_do_update(
        index_elements=["project_id", "trace_key", "span_key"],
        set_={"payload": insert.excluded.payload},
    )


def keep_traces(dialect: str) -> Any:
    """Note that spans of traces, given as rows, arrived; one that awaits its turn keeps it."""
    insert = _insert(dialect, OtlpTrace)
    return insert.on_conflict_do_update(
        index_elements=["project_id", "trace_key"],
        set_={
            "arrivals": col(OtlpTrace.arrivals) + 1,
            "received_at": insert.excluded.received_at,
            "due_at": sa.func.coalesce(col(OtlpTrace.due_at), insert.excluded.due_at),
        },
    )


def _insert(dialect: str, table: type[OtlpSpan] | type[OtlpTrace]) -> Any:
    return (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table)


def due(now: datetime, furthest: datetime) -> SelectOfScalar[OtlpTrace]:
    """Traces of open projects that are to be put together by now, the longest due first.

    Nothing is put off to after `furthest`: what says so was written before the clock was set back.
    """
    due_at = col(OtlpTrace.due_at)
    return (
        select(OtlpTrace)
        .join(Project, col(Project.id) == col(OtlpTrace.project_id))
        .where(
            due_at.is_not(None),
            sa.or_(due_at <= now, due_at > furthest),
            col(Project.read_only).is_(False),
            col(Project.archived_at).is_(None),
        )
        .order_by(due_at, col(OtlpTrace.id))
    )


def marks(ids: Collection[int]) -> SelectOfScalar[OtlpTrace]:
    """These live traces, in one order for whoever locks them."""
    return select(OtlpTrace).where(col(OtlpTrace.id).in_(ids)).order_by(col(OtlpTrace.id))


def spans_of(project_id: int, trace_keys: Collection[str]) -> sa.Select[tuple[str, bytes]]:
    """Trace key and payload of the spans of these traces, trace by trace."""
    columns: tuple[Any, ...] = (col(OtlpSpan.trace_key), col(OtlpSpan.payload))
    return (
        sa.select(*columns)
        .where(col(OtlpSpan.project_id) == project_id, col(OtlpSpan.trace_key).in_(trace_keys))
        .order_by(col(OtlpSpan.trace_key), col(OtlpSpan.id))
    )


def step_counts(project_id: int, trace_keys: Collection[str]) -> sa.Select[tuple[str, int, int]]:
    """External id, id and number of steps of the traces that the project has of these."""
    columns: tuple[Any, ...] = (col(Trace.external_id), col(Trace.id), col(Trace.step_count))
    return sa.select(*columns).where(
        col(Trace.project_id) == project_id, col(Trace.external_id).in_(trace_keys)
    )


def put_together() -> sa.Update:
    """Note down, for rows of parameters, that traces were put together.

    One whose spans arrived meanwhile is due again.
    """
    unchanged = col(OtlpTrace.arrivals) == sa.bindparam("seen_arrivals")
    return (
        sa.update(OtlpTrace)
        .where(col(OtlpTrace.id) == sa.bindparam("mark_id"))
        .values(
            trace_id=sa.bindparam("made_trace_id"),
            span_count=sa.bindparam("spans_read"),
            problem=sa.bindparam("found_problem"),
            due_at=sa.case((unchanged, sa.null()), else_=sa.bindparam("due_next")),
        )
    )


def waiting_count(project_id: int) -> SelectOfScalar[int]:
    """How many traces are to be put together, now or soon."""
    return select(sa.func.count(col(OtlpTrace.id))).where(
        OtlpTrace.project_id == project_id, col(OtlpTrace.due_at).is_not(None)
    )


def problems(project_id: int) -> SelectOfScalar[OtlpTrace]:
    """Traces that could not be put together, the latest first."""
    return (
        select(OtlpTrace)
        .where(
            OtlpTrace.project_id == project_id,
            # Written out, so that SQLite sees that the index of problems is enough.
            col(OtlpTrace.problem) != sa.literal_column("''"),
        )
        .order_by(col(OtlpTrace.received_at).desc())
    )


def forget(project_id: int, trace_key: str) -> tuple[sa.Delete, ...]:
    """Delete everything that came in of a trace."""
    return tuple(
        sa.delete(table).where(
            col(table.project_id) == project_id, col(table.trace_key) == trace_key
        )
        for table in (OtlpSpan, OtlpTrace)
    )
