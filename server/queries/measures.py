"""Statements over the whole server, for whoever watches it."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from server.models.batch import Lease
from server.models.event import Event
from server.models.label import Label
from server.models.note import Note
from server.models.otlp import OtlpTrace
from server.models.run import AnalysisRun, RunStatus
from server.models.trace import Trace
from server.models.webhook import WebhookDelivery


def rows(now: datetime) -> sa.Select[Any]:
    """Count traces, notes, labels, events, leases, live traces and deliveries that wait."""
    counts = (
        sa.select(sa.func.count(col(Trace.id))),
        sa.select(sa.func.count(col(Note.id))),
        sa.select(sa.func.count(col(Label.id))),
        sa.select(sa.func.coalesce(sa.func.max(col(Event.id)), 0)),
        sa.select(sa.func.count(col(Lease.id))).where(col(Lease.expires_at) > now),
        sa.select(sa.func.count(col(OtlpTrace.id))).where(col(OtlpTrace.due_at).is_not(None)),
        sa.select(sa.func.count(col(WebhookDelivery.id))).where(
            col(WebhookDelivery.next_try_at).is_not(None)
        ),
    )
    return sa.select(*(count.scalar_subquery() for count in counts))


def runs_by_state() -> sa.Select[str, RunStatus, int]:
    """Count runs of each kind in each state."""
    return sa.select(
        col(AnalysisRun.kind), col(AnalysisRun.status), sa.func.count(col(AnalysisRun.id))
    ).group_by(col(AnalysisRun.kind), col(AnalysisRun.status))


def waiting_since() -> sa.Select[Any]:
    """When the run that has waited longest was asked for."""
    return sa.select(sa.func.min(col(AnalysisRun.created_at))).where(
        col(AnalysisRun.status) == RunStatus.QUEUED
    )


def silent_runs(before: datetime) -> sa.Select[Any]:
    """Count runs under way whose worker gave no sign since `before`."""
    return sa.select(sa.func.count(col(AnalysisRun.id))).where(
        col(AnalysisRun.status) == RunStatus.RUNNING, col(AnalysisRun.heartbeat_at) < before
    )


def ended_since(
    moment: datetime,
) -> sa.Select[str, datetime | None, datetime | None]:
    """Kind, begin and end of the runs that ended after `moment`."""
    return sa.select(
        col(AnalysisRun.kind), col(AnalysisRun.started_at), col(AnalysisRun.finished_at)
    ).where(
        col(AnalysisRun.finished_at) > moment,
        col(AnalysisRun.started_at).is_not(None),
    )
