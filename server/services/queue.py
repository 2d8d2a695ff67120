"""The queue: each trace of a batch goes to as many readers as it wants, and to no more.

A claim is a lease that expires unless the open page renews it, so that absent people keep nothing
from others. Two claims of one place meet in one statement, of which one wins. What somebody typed
is saved whether their claim still stands or not.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col
from sqlmodel.sql.expression import SelectOfScalar

from server.errors import Conflict, Invalid
from server.models.base import stored_id, utc_now
from server.models.batch import BatchTrace, Lease, Skip
from server.models.project import Member
from server.queries import queue as queries
from server.services import rounds, traces
from server.services.events import Decision

LEASE = timedelta(minutes=15)
"""How long a claim lasts where nobody says otherwise; the server's setting does."""
_TRIES = 50
"""How often a claim may lose its place to somebody else before it gives up."""


@dataclass(frozen=True)
class Claim:
    """A trace that somebody reads now; nobody else is given their place until it expires."""

    trace_id: int
    token: str
    expires_at: datetime


def claim_next(
    session: Session, member: Member, *, after: int | None = None, lasting: timedelta = LEASE
) -> Claim | None:
    """Claim the next trace the member has to read; None when there is nothing left for them.

    Without `after`, one they hold already comes first, then what lies behind the trace they
    finished last. With it, what lies behind that trace in its batch does; past the end it starts
    over. What the member put off comes last.
    """
    round_id = stored_id(rounds.current(session, member))
    if after is None:
        asked = {"round_id": round_id, "annotator_id": member.id, **queries.moment(utc_now())}
        held = session.execute(queries.held_by(), asked).first()
        if held is not None:
            return _renewed(session, held[0], held[1].trace_id, lasting)
    for _ in range(_TRIES):
        place = _first_free(session, member, round_id, after)
        if place is None:
            return None
        if claim := _claim(session, member, place, lasting):
            return claim
    raise Conflict("Many people are taking traces at this moment: try again.")


def _first_free(
    session: Session, member: Member, round_id: int, after: int | None
) -> BatchTrace | None:
    searched = _search(session, member, round_id, after)
    found = (session.exec(some, params=asked).first() for some, asked in searched)
    return next((place for place in found if place is not None), None)


def _search(
    session: Session, member: Member, round_id: int, after: int | None
) -> Iterator[tuple[SelectOfScalar[BatchTrace], dict[str, Any]]]:
    """Yield where to look, one behind the other: statements and their parameters."""
    batches = session.exec(queries.of_round(round_id)).all()
    if after is None:
        asked = {"round_id": round_id, "annotator_id": member.id}
        here = session.exec(queries.finished_last(), params=asked).first()
    else:
        here = session.exec(queries.place(round_id, after).limit(1)).first()
    who = {"annotator_id": member.id, "but_not": after or 0, **queries.moment(utc_now())}
    for batch in batches:
        if here is not None and batch.id == here.batch_id:
            behind = {"batch_id": batch.id, "behind": here.position}
            yield queries.free(put_off=False), {**who, **behind}
    for put_off in (False, True):
        for batch in batches:
            yield queries.free(put_off=put_off), {**who, "batch_id": batch.id, "behind": -1}


def _claim(session: Session, member: Member, place: BatchTrace, lasting: timedelta) -> Claim | None:
    """Take a free slot of a trace; None where somebody else was faster."""
    now = utc_now()
    leases = session.exec(
        queries.leases_on(stored_id(place)).execution_options(populate_existing=True)
    ).all()
    live = {lease.slot: lease for lease in leases if lease.stands(now)}
    own = next((lease for lease in live.values() if lease.annotator_id == member.id), None)
    if own is not None:
        return _renewed(session, own, place.trace_id, lasting)
    asked = {"batch_trace_id": stored_id(place)}
    done = session.execute(queries.finished_count(), asked).scalar_one()
    if done + len(live) >= place.reviews:
        return None
    slot = next(number for number in range(place.reviews) if number not in live)
    claim = Claim(place.trace_id, secrets.token_urlsafe(16), now + lasting)
    values = {
        "created_at": now,
        "batch_trace_id": stored_id(place),
        "slot": slot,
        "annotator_id": member.id,
        "expires_at": claim.expires_at,
        "token": claim.token,
    }
    return claim if _taken(session, values, now) else None


def _taken(session: Session, values: dict[str, Any], now: datetime) -> bool:
    """Write a lease where its slot is free or its holder's time is over: one atomic statement."""
    dialect = session.connection().dialect.name
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(Lease).values(values)
    statement = insert.on_conflict_do_update(
        index_elements=["batch_trace_id", "slot"],
        set_={name: insert.excluded[name] for name in values},
        where=sa.not_(queries.stands(now)),
    ).returning(col(Lease.id))
    return session.execute(statement).first() is not None


def _renewed(session: Session, lease: Lease, trace_id: int, lasting: timedelta) -> Claim:
    lease.expires_at = utc_now() + lasting
    session.add(lease)
    session.flush()
    return Claim(trace_id, lease.token, lease.expires_at)


def renew(
    session: Session, member: Member, trace_id: int, *, lasting: timedelta = LEASE
) -> Claim | None:
    """Keep a claim on a trace, or claim it if a place is free; None where there is none.

    None, too, where no batch of the round asks for it: then it is read without a claim.
    """
    trace = traces.find(session, member, trace_id)
    round_id = stored_id(rounds.current(session, member))
    now = utc_now()
    places = session.exec(queries.place(round_id, stored_id(trace))).all()
    for place in places:
        for lease in session.exec(queries.leases_on(stored_id(place))):
            if lease.annotator_id == member.id and lease.stands(now):
                return _renewed(session, lease, trace_id, lasting)
    for place in places:
        if place.assigned_to not in (None, member.id):
            continue
        if claim := _claim(session, member, place, lasting):
            return claim
    return None


def hand_in(session: Session, member: Member, trace_id: int, token: str) -> bool:
    """Give a claim back because the reading is finished; say whether it still stood.

    Without a token there was no claim, which always stands: people may read what they like.
    """
    leases = session.exec(queries.leases_of_trace(trace_id, member.id)).all()
    now = utc_now()
    stood = not token or any(lease.token == token and lease.stands(now) for lease in leases)
    if not stood:
        stood = renew(session, member, trace_id) is not None
        leases = session.exec(queries.leases_of_trace(trace_id, member.id)).all()
    for lease in leases:
        session.delete(lease)
    session.flush()
    return stood


def release(session: Session, member: Member, trace_id: int) -> None:
    """Give one's claim on a trace back unread, so that others are given it."""
    hand_in(session, member, stored_id(traces.find(session, member, trace_id)), "")


def skip(session: Session, member: Member, trace_id: int, reason: str) -> None:
    """Put a trace off: the member's queue offers it last, and their claim is free for others.

    Raises:
        Invalid: No batch of the round holds the trace.
    """
    trace = traces.find(session, member, trace_id)
    round_id = stored_id(rounds.current(session, member))
    place = session.exec(queries.place(round_id, trace_id)).first()
    if place is None:
        raise Invalid("This trace is in no batch of the round: there is nothing to put off.")
    hand_in(session, member, trace_id, "")
    known = session.exec(queries.skipped(stored_id(place), member.id)).first()
    decision = Decision(session, member, "trace.skipped")
    if known is None:
        skipped = Skip(
            batch_trace_id=stored_id(place), annotator_id=member.id, reason=reason.strip()
        )
        decision.add(skipped)
    else:
        decision.change(known, reason=reason.strip())
    why = f": {reason.strip()}" if reason.strip() else ""
    decision.record(f"put off {trace.external_id}{why}")
