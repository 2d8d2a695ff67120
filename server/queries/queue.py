"""Statements of the queue: which traces of a batch are free, for whom, and who holds the others.

A trace of a batch has `reviews` places. A place is taken by a finished reading of the batch's
round, or by a lease that has not expired.
"""

from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.models.batch import CLOCK_TOLERANCE, Batch, BatchTrace, Lease, Round, Skip
from server.models.project import Annotator, AnnotatorKind, Role
from server.models.verdict import Verdict

Number = int | sa.BindParameter[int]


def stands(now: datetime) -> sa.ColumnElement[bool]:
    """`Lease.stands` in a statement."""
    return _stands(now, now + CLOCK_TOLERANCE)


def _stands(now: Any, latest: Any) -> sa.ColumnElement[bool]:
    return sa.and_(col(Lease.expires_at) > now, col(Lease.created_at) <= latest)


def moment(now: datetime) -> dict[str, datetime]:
    """What a statement that was made once takes for the time."""
    return {"now": now, "latest": now + CLOCK_TOLERANCE}


def readers(*, kind: AnnotatorKind = AnnotatorKind.HUMAN) -> sa.ColumnElement[bool]:
    """Whether an annotator reads here; whose judgement only came along with the data does not."""
    return sa.and_(
        col(Annotator.kind) == kind,
        sa.or_(col(Annotator.role) != Role.VIEWER, col(Annotator.user_id).is_not(None)),
    )


def finished_readings() -> sa.ScalarSelect[int]:
    """How many people have finished a trace of a batch; stands in statements over both."""
    return (
        sa.select(sa.func.count(col(Verdict.id)))
        .join(Annotator, col(Annotator.id) == col(Verdict.annotator_id))
        .where(
            col(Verdict.trace_id) == col(BatchTrace.trace_id),
            col(Verdict.round_id) == col(Batch.round_id),
            col(Verdict.submitted_at).is_not(None),
            readers(),
        )
        .correlate(BatchTrace, Batch)
        .scalar_subquery()
    )


def _leases_of_others(annotator_id: Number) -> sa.ScalarSelect[int]:
    return (
        sa.select(sa.func.count(col(Lease.id)))
        .where(
            col(Lease.batch_trace_id) == col(BatchTrace.id),
            col(Lease.annotator_id) != annotator_id,
            _stands(sa.bindparam("now"), sa.bindparam("latest")),
        )
        .correlate(BatchTrace)
        .scalar_subquery()
    )


def finished_by(annotator_id: Number) -> sa.ColumnElement[bool]:
    """Whether an annotator has finished a trace of a batch; stands in statements over both."""
    return (
        sa.exists()
        .where(
            col(Verdict.trace_id) == col(BatchTrace.trace_id),
            col(Verdict.annotator_id) == annotator_id,
            col(Verdict.round_id) == col(Batch.round_id),
            col(Verdict.submitted_at).is_not(None),
        )
        .correlate(BatchTrace, Batch)
    )


def wanted_of(annotator_id: Number) -> tuple[sa.ColumnElement[bool], ...]:
    """When a trace of a batch is still to be read, and may be by this annotator."""
    assigned_to = col(BatchTrace.assigned_to)
    # Most traces of an old batch are read often enough: asked first, that spares the rest.
    return (
        finished_readings() < col(BatchTrace.reviews),
        sa.or_(assigned_to.is_(None), assigned_to == annotator_id),
        ~finished_by(annotator_id),
    )


@cache
def free(*, put_off: bool) -> SelectOfScalar[BatchTrace]:
    """The first trace of a batch that an annotator may claim, in reading order.

    On PostgreSQL a row that somebody is just claiming is passed over. Made once, with the
    parameters `batch_id`, `annotator_id`, `behind` (the position after which to look), `but_not` (a
    trace to leave out) and the `moment`.

    Args:
        put_off: Look among those that the annotator put off, instead of the others.
    """
    annotator_id: sa.BindParameter[int] = sa.bindparam("annotator_id")
    taken = finished_readings() + _leases_of_others(annotator_id)
    was_put_off = (
        sa.exists()
        .where(
            col(Skip.batch_trace_id) == col(BatchTrace.id), col(Skip.annotator_id) == annotator_id
        )
        .correlate(BatchTrace)
    )
    return (
        select(BatchTrace)
        .join(Batch, col(Batch.id) == col(BatchTrace.batch_id))
        .where(
            col(BatchTrace.batch_id) == sa.bindparam("batch_id"),
            col(BatchTrace.position) > sa.bindparam("behind"),
            col(BatchTrace.trace_id) != sa.bindparam("but_not"),
            *wanted_of(annotator_id),
            was_put_off if put_off else ~was_put_off,
            taken < col(BatchTrace.reviews),
        )
        .order_by(col(BatchTrace.position))
        .limit(1)
        .with_for_update(of=BatchTrace, skip_locked=True)
    )


def of_round(round_id: int) -> SelectOfScalar[Batch]:
    """The batches of a round, the oldest first."""
    return select(Batch).where(Batch.round_id == round_id).order_by(col(Batch.id))


def place(round_id: int, trace_id: int) -> SelectOfScalar[BatchTrace]:
    """Where a trace stands in the batches of a round, the latest first."""
    return (
        select(BatchTrace)
        .join(Batch, col(Batch.id) == col(BatchTrace.batch_id))
        .where(Batch.round_id == round_id, BatchTrace.trace_id == trace_id)
        .order_by(col(BatchTrace.batch_id).desc())
    )


@cache
def finished_last() -> SelectOfScalar[BatchTrace]:
    """Where the trace stands that `annotator_id` finished last in `round_id`, the latest first."""
    round_id: sa.BindParameter[int] = sa.bindparam("round_id")
    return (
        select(BatchTrace)
        .join(Batch, col(Batch.id) == col(BatchTrace.batch_id))
        .join(Verdict, col(Verdict.trace_id) == col(BatchTrace.trace_id))
        .where(
            col(Batch.round_id) == round_id,
            col(Verdict.round_id) == round_id,
            col(Verdict.annotator_id) == sa.bindparam("annotator_id"),
            col(Verdict.submitted_at).is_not(None),
        )
        .order_by(col(Verdict.id).desc(), col(BatchTrace.batch_id).desc())
        .limit(1)
    )


@cache
def held_by() -> sa.Select[Lease, BatchTrace]:
    """What `annotator_id` holds in `round_id` and has not finished, the latest claim first.

    Every claim asks, so it is made once; it also takes the `moment`.
    """
    annotator_id: sa.BindParameter[int] = sa.bindparam("annotator_id")
    return (
        sa.select(Lease, BatchTrace)
        .join(BatchTrace, col(BatchTrace.id) == col(Lease.batch_trace_id))
        .join(Batch, col(Batch.id) == col(BatchTrace.batch_id))
        .where(
            col(Batch.round_id) == sa.bindparam("round_id"),
            col(Lease.annotator_id) == annotator_id,
            _stands(sa.bindparam("now"), sa.bindparam("latest")),
            ~finished_by(annotator_id),
        )
        .order_by(col(Lease.id).desc())
    )


def leases_on(batch_trace_id: int) -> SelectOfScalar[Lease]:
    """Every claim on a trace of a batch, expired ones included."""
    return select(Lease).where(Lease.batch_trace_id == batch_trace_id).order_by(col(Lease.slot))


@cache
def finished_count() -> sa.Select[int]:
    """How many people have finished a trace of a batch, its `batch_trace_id`; made once."""
    return (
        sa.select(finished_readings())
        .select_from(BatchTrace)
        .join(Batch, col(Batch.id) == col(BatchTrace.batch_id))
        .where(col(BatchTrace.id) == sa.bindparam("batch_trace_id"))
    )


def leases_of_trace(trace_id: int, annotator_id: int) -> SelectOfScalar[Lease]:
    """An annotator's claims on a trace, in whichever batch."""
    return (
        select(Lease)
        .join(BatchTrace, col(BatchTrace.id) == col(Lease.batch_trace_id))
        .where(BatchTrace.trace_id == trace_id, Lease.annotator_id == annotator_id)
    )


def skipped(batch_trace_id: int, annotator_id: int) -> SelectOfScalar[Skip]:
    """That an annotator put off a trace of a batch."""
    return select(Skip).where(
        Skip.batch_trace_id == batch_trace_id, Skip.annotator_id == annotator_id
    )


def counts(project_id: int, now: datetime) -> sa.Select[int, int, int, int, int]:
    """Of every batch: its id, traces, readings asked for, readings done, readings under way.

    More readings of a trace than were asked for count as asked for, so that what is done and
    what is under way are never more than that.
    """
    live = (
        sa.select(sa.func.count(col(Lease.id)))
        .where(col(Lease.batch_trace_id) == col(BatchTrace.id), stands(now))
        .correlate(BatchTrace)
        .scalar_subquery()
    )
    place = (
        sa.select(
            col(Batch.id).label("batch_id"),
            col(BatchTrace.id).label("place_id"),
            col(BatchTrace.reviews).label("asked"),
            finished_readings().label("finished"),
            live.label("leased"),
        )
        .join(Round, col(Round.id) == col(Batch.round_id))
        .outerjoin(BatchTrace, col(BatchTrace.batch_id) == col(Batch.id))
        .where(col(Round.project_id) == project_id)
        .cte("place")
        .prefix_with("MATERIALIZED")  # or each mention below counts the readings again
    )
    done = sa.case((place.c.finished < place.c.asked, place.c.finished), else_=place.c.asked)
    left = place.c.asked - done
    under_way = sa.case((place.c.leased < left, place.c.leased), else_=left)
    total = [sa.func.coalesce(sa.func.sum(n), 0) for n in (place.c.asked, done, under_way)]
    return (
        sa.select(place.c.batch_id, sa.func.count(place.c.place_id), *total)
        .group_by(place.c.batch_id)
        .order_by(place.c.batch_id)
    )


def claims_at(round_id: int, trace_id: int, now: datetime, annotator_id: int) -> dict[str, Any]:
    """The parameters of `claims_on`."""
    who = {"round_id": round_id, "trace_id": trace_id, "annotator_id": annotator_id}
    return {**who, **moment(now)}


@cache
def claims_on() -> sa.Select[BatchTrace, Lease, Annotator]:
    """The places of a trace that an annotator has still to read, each with its live claims.

    Made once, for every trace that is opened asks; its parameters are `claims_at`.
    """
    live = _stands(sa.bindparam("now"), sa.bindparam("latest"))
    is_live = sa.and_(col(Lease.batch_trace_id) == col(BatchTrace.id), live)
    return (
        sa.select(BatchTrace, Lease, Annotator)
        .join(Batch, col(Batch.id) == col(BatchTrace.batch_id))
        .outerjoin(Lease, is_live)
        .outerjoin(Annotator, col(Annotator.id) == col(Lease.annotator_id))
        .where(
            col(Batch.round_id) == sa.bindparam("round_id"),
            col(BatchTrace.trace_id) == sa.bindparam("trace_id"),
            *wanted_of(sa.bindparam("annotator_id")),
        )
        .order_by(col(BatchTrace.id), col(Lease.slot))
    )
