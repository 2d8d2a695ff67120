"""Statements for who is to read what: batches, their places, readers, claims."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.models.batch import Batch, BatchTrace, Lease, Round
from server.models.project import Annotator, Role
from server.models.trace import Trace
from server.models.verdict import Verdict
from server.queries import projects, queue


def batch(project_id: int, batch_id: int) -> SelectOfScalar[Batch]:
    """A batch of a project."""
    return (
        select(Batch)
        .join(Round, col(Round.id) == col(Batch.round_id))
        .where(Round.project_id == project_id, Batch.id == batch_id)
    )


def places(batch_id: int) -> SelectOfScalar[BatchTrace]:
    """The traces of a batch in reading order."""
    return (
        select(BatchTrace).where(BatchTrace.batch_id == batch_id).order_by(col(BatchTrace.position))
    )


def single(batch_id: int) -> SelectOfScalar[int]:
    """How many traces of a batch one person is to read."""
    return select(sa.func.count(col(BatchTrace.id))).where(
        BatchTrace.batch_id == batch_id, BatchTrace.reviews == 1
    )


def readers(project_id: int, annotator_id: int | None = None) -> SelectOfScalar[Annotator]:
    """The people who may be given traces to read, by name; or one of them."""
    found = (
        select(Annotator)
        .where(
            Annotator.project_id == project_id,
            queue.readers(),
            Annotator.role != Role.VIEWER,
        )
        .order_by(col(Annotator.name), col(Annotator.id))
    )
    only = projects.taking_part() if annotator_id is None else Annotator.id == annotator_id
    return found.where(only)


def finished_by(
    round_id: int, annotator_id: int, trace_ids: Collection[int]
) -> SelectOfScalar[Verdict]:
    """What somebody has finished of some traces in a round."""
    return (
        select(Verdict)
        .where(
            Verdict.round_id == round_id,
            Verdict.annotator_id == annotator_id,
            col(Verdict.submitted_at).is_not(None),
            col(Verdict.trace_id).in_(trace_ids),
        )
        .order_by(col(Verdict.id))
    )


def claim(project_id: int, lease_id: int) -> sa.Select[Lease, Trace, Annotator]:
    """A claim in a project with its trace and its holder."""
    return (
        sa.select(Lease, Trace, Annotator)
        .join(BatchTrace, col(BatchTrace.id) == col(Lease.batch_trace_id))
        .join(Trace, col(Trace.id) == col(BatchTrace.trace_id))
        .join(Annotator, col(Annotator.id) == col(Lease.annotator_id))
        .where(col(Trace.project_id) == project_id, col(Lease.id) == lease_id)
    )


class PlaceState(StrEnum):
    """Which traces of a batch to show."""

    ALL = "all"
    PENDING = "pending"
    DONE = "done"
    IN_REVIEW = "in_review"
    SHARED = "shared"
    """Those that more than one person is to read."""


@dataclass(frozen=True)
class Wanted:
    """Which traces of a batch are meant: those in a state, given to somebody, named somehow."""

    state: PlaceState = PlaceState.ALL
    given_to: int | None = None
    text: str = ""


def table(batch_id: int, wanted: Wanted, now: datetime) -> sa.Select[BatchTrace, str, int, int]:
    """Traces of a batch in reading order: external id, readings finished, readings under way."""
    finished = queue.finished_readings()
    leased = (
        sa.select(sa.func.count(col(Lease.id)))
        .where(col(Lease.batch_trace_id) == col(BatchTrace.id), queue.stands(now))
        .correlate(BatchTrace)
        .scalar_subquery()
    )
    found = (
        sa.select(BatchTrace, col(Trace.external_id), finished, leased)
        .join(Batch, col(Batch.id) == col(BatchTrace.batch_id))
        .join(Trace, col(Trace.id) == col(BatchTrace.trace_id))
        .where(col(Batch.id) == batch_id)
        .order_by(col(BatchTrace.position))
    )
    only: dict[PlaceState, sa.ColumnElement[bool]] = {
        PlaceState.ALL: sa.true(),
        PlaceState.PENDING: finished < col(BatchTrace.reviews),
        PlaceState.DONE: finished >= col(BatchTrace.reviews),
        PlaceState.IN_REVIEW: leased > 0,
        PlaceState.SHARED: col(BatchTrace.reviews) > 1,
    }
    found = found.where(only[wanted.state])
    if wanted.given_to is not None:
        found = found.where(col(BatchTrace.assigned_to) == wanted.given_to)
    if wanted.text:
        found = found.where(col(Trace.external_id).icontains(wanted.text, autoescape=True))
    return found
