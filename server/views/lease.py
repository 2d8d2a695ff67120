"""Whose turn a trace is: the reader's own claim on it, or who has it now."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from server.models.base import stored_id, utc_now
from server.models.project import Member
from server.models.trace import Trace
from server.queries import queue, rounds


@dataclass(frozen=True)
class LeaseView:
    """A claim as Read shows it; without `token` the reader holds none."""

    token: str = ""
    until: datetime | None = None
    is_wanted: bool = False
    """Whether a batch of the round asks the reader for this trace, so that they may claim it."""
    held_by: str = ""
    """Who reads it now, where no place is left for the reader."""


@dataclass(frozen=True)
class LeasePart:
    """The claim alone, as the open page renews it."""

    url: str
    lease: LeaseView


def lease_part(session: Session, member: Member, trace: Trace, url: str) -> LeasePart:
    """Look up who holds a trace, for the part of its page at `url` that says so."""
    return LeasePart(url, lease_view(session, member, trace))


def lease_view(session: Session, member: Member, trace: Trace) -> LeaseView:
    """Look up who holds a trace."""
    current = session.exec(rounds.current(member.project_id)).first()
    if current is None or not member.may_annotate:
        return LeaseView()
    now = utc_now()
    asked = queue.claims_at(stored_id(current), stored_id(trace), now, member.id)
    rows = session.execute(queue.claims_on(), asked).all()
    for _, lease, _ in rows:
        if lease is not None and lease.annotator_id == member.id:
            return LeaseView(lease.token, lease.expires_at, is_wanted=True)
    holders = [holder.name for _, _, holder in rows if holder is not None]
    is_free = any(
        sum(lease is not None for place, lease, _ in rows if place.id == wanted.id) < wanted.reviews
        for wanted, _, _ in rows
    )
    return LeaseView(is_wanted=is_free, held_by="" if is_free else ", ".join(holders))
