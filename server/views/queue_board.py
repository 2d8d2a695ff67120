"""The queue: what is read, by whom, what waits and why, as far as a member may see it."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from server.models.base import stored_id, utc_now
from server.models.project import Member
from server.queries import batches, queue, rounds
from server.queries import queue_board as queries
from server.views.queue_people import QueuePeople, queue_people
from server.views.times import ago, lasting

MOST = 100
"""Rows of a list of traces that the page shows; how many more there are is said."""


@dataclass(frozen=True)
class BatchRow:
    """One batch. Counts are of readings: a trace that two people are to read counts twice."""

    id: int
    name: str
    round_number: int
    is_current: bool
    """Whether its round is the one that is read now."""
    traces: int
    asked: int
    done: int
    in_review: int
    percent: float
    deferred: int
    """Of the readings done; the member's own where they are blind."""
    put_off: int

    @property
    def pending(self) -> int:
        return self.asked - self.done

    @property
    def waiting(self) -> int:
        """What is pending and in nobody's hands."""
        return self.pending - self.in_review


@dataclass(frozen=True)
class QueueTotals:
    """Readings of all batches that are read now."""

    asked: int
    done: int
    in_review: int

    @property
    def pending(self) -> int:
        return self.asked - self.done

    @property
    def waiting(self) -> int:
        """What is pending and in nobody's hands."""
        return self.pending - self.in_review


def queue_totals(rows: Iterable[BatchRow]) -> QueueTotals:
    """Add up the batches of the round that is read now."""
    current = [row for row in rows if row.is_current]
    return QueueTotals(
        asked=sum(row.asked for row in current),
        done=sum(row.done for row in current),
        in_review=sum(row.in_review for row in current),
    )


def totals_of(session: Session, member: Member, batch_ids: Collection[int]) -> QueueTotals:
    """Add up some batches, where nothing else about them is to be shown."""
    found = session.execute(queue.counts(member.project_id, utc_now()))
    counts = [row[2:] for row in found if row[0] in batch_ids]
    asked, done, in_review = (sum(column) for column in zip((0, 0, 0), *counts, strict=True))
    return QueueTotals(asked, done, in_review)


@dataclass(frozen=True)
class ClaimRow:
    """A trace that somebody has now."""

    id: int
    trace_id: int
    annotator_id: int
    trace: str
    url: str
    who: str
    is_own: bool
    since: datetime
    until: datetime
    is_stale: bool
    """It has run out: whoever asks next is given the trace."""
    words: str


@dataclass(frozen=True)
class WaitingRow:
    """A trace that somebody deferred or put off."""

    trace: str
    url: str
    who: str
    reason: str
    age: str


@dataclass(frozen=True)
class WaitingList:
    """The newest rows, and how many more there are."""

    rows: tuple[WaitingRow, ...]
    more: int


@dataclass(frozen=True)
class QueueCounts:
    """What is left of the queue, and of it for one member."""

    batches: tuple[BatchRow, ...]
    remaining: int


@dataclass(frozen=True)
class QueueBoard:
    batches: tuple[BatchRow, ...]
    people: QueuePeople
    claims: tuple[ClaimRow, ...]
    deferred: WaitingList
    put_off: WaitingList
    only_own: bool
    can_lead: bool

    @property
    def totals(self) -> QueueTotals:
        return queue_totals(self.batches)


def queue_board(session: Session, member: Member) -> QueueBoard:
    """Build the page as the member may see it."""
    base = f"/projects/{member.project.slug}/read"
    whose = queries.only_for(member)
    deferred = session.execute(queries.deferred(member.project_id, whose)).all()
    put_off = session.execute(queries.put_off(member.project_id, whose)).all()
    return QueueBoard(
        batches=_batch_rows(
            session,
            member,
            Counter(row[0] for row in deferred),
            Counter(row[0] for row in put_off),
        ),
        people=queue_people(session, member),
        claims=live_claims(session, member),
        deferred=_waiting(deferred, base),
        put_off=_waiting(put_off, base),
        only_own=member.is_blind,
        can_lead=member.may_lead,
    )


def queue_counts(session: Session, member: Member) -> QueueCounts:
    """Count what is left of every batch, and what of it the member may still be given."""
    progress = session.execute(batches.progress(member.project_id, member.id))
    return QueueCounts(batch_rows(session, member), sum(row[2] for row in progress))


def batch_rows(session: Session, member: Member) -> tuple[BatchRow, ...]:
    """Count the readings of every batch, the latest first."""
    return _batch_rows(session, member, Counter(), Counter())


def _batch_rows(
    session: Session, member: Member, deferred: Mapping[int, int], put_off: Mapping[int, int]
) -> tuple[BatchRow, ...]:
    project_id = member.project_id
    counts = {row[0]: row[1:] for row in session.execute(queue.counts(project_id, utc_now()))}
    current = session.exec(rounds.current(project_id)).first()
    rows = []
    for batch, number in session.execute(queries.batches(project_id)):
        traces, asked, done, in_review = counts[batch.id]
        rows.append(
            BatchRow(
                id=stored_id(batch),
                name=batch.name,
                round_number=number,
                is_current=current is not None and batch.round_id == current.id,
                traces=traces,
                asked=asked,
                done=done,
                in_review=in_review,
                percent=round(100 * done / asked, 1) if asked else 0.0,
                deferred=deferred.get(batch.id, 0),
                put_off=put_off.get(batch.id, 0),
            )
        )
    return tuple(rows)


def waiting_for(session: Session, member: Member) -> WaitingList:
    """Return what a member put off or deferred and may want to come back to."""
    base = f"/projects/{member.project.slug}/read"
    put_off = session.execute(queries.put_off(member.project_id, member.id)).all()
    deferred = session.execute(queries.deferred(member.project_id, member.id)).all()
    return _waiting([*put_off, *deferred], base)


def live_claims(session: Session, member: Member) -> tuple[ClaimRow, ...]:
    """Return every claim in the project, stale ones included, the first to end first."""
    base, now = f"/projects/{member.project.slug}/read", utc_now()
    return tuple(
        ClaimRow(
            id=stored_id(lease),
            trace_id=trace_id,
            annotator_id=lease.annotator_id,
            trace=external_id,
            url=f"{base}/{trace_id}",
            who=holder.name,
            is_own=holder.id == member.id,
            since=lease.created_at,
            until=lease.expires_at,
            is_stale=not lease.stands(now),
            words=f"ran out {ago(lease.expires_at, now)}"
            if not lease.stands(now)
            else f"{lasting(lease.expires_at - now)} left",
        )
        for lease, holder, trace_id, external_id in session.execute(
            queries.claims(member.project_id)
        )
    )


def _waiting(found: Iterable[queries.Waiting], base: str) -> WaitingList:
    """Show each trace once for each person, however many batches hold it."""
    now = utc_now()
    rows = dict.fromkeys(
        WaitingRow(name, f"{base}/{trace_id}", who, reason, ago(since, now))
        for _, trace_id, name, who, reason, since in found
    )
    return WaitingList(tuple(rows)[:MOST], max(0, len(rows) - MOST))
