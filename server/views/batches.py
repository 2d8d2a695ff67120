"""Where reading begins and ends: no batch yet, or nothing left to read in it."""

from dataclasses import dataclass
from statistics import median

from sqlmodel import Session

from server.models.base import stored_id
from server.models.batch import Batch
from server.models.project import Member
from server.models.verdict import VerdictValue
from server.queries import batches, readings, traces


@dataclass(frozen=True)
class BatchForm:
    """What a lead may draw from; `unbatched` traces are in no batch yet."""

    unbatched: int
    size: int
    seed: int


@dataclass(frozen=True)
class DeferredTrace:
    title: str
    url: str


@dataclass(frozen=True)
class Done:
    """A member's readings of the batch they have just finished."""

    batch: str
    read: int
    total: int
    passed: int
    failed: int
    median_seconds: float | None
    timed: int
    """Readings whose time is known: what the median is over."""
    deferred: tuple[DeferredTrace, ...]


@dataclass(frozen=True)
class Begin:
    """The page at Read when there is no trace to read next."""

    can_lead: bool
    can_annotate: bool
    trace_count: int
    form: BatchForm
    done: Done | None


def begin(session: Session, member: Member, batch: Batch | None, default_size: int) -> Begin:
    """Build the page; `batch` is the member's current one, if the project has any."""
    batches_so_far = session.exec(batches.count(member.project_id)).one()
    unbatched = session.exec(batches.unbatched_count(member.project_id)).one()
    return Begin(
        can_lead=member.may_lead,
        can_annotate=member.may_annotate,
        trace_count=session.exec(traces.count(member.project_id)).one(),
        form=BatchForm(unbatched, min(default_size, unbatched), batches_so_far + 1),
        done=None if batch is None else _done(session, member, batch),
    )


def _done(session: Session, member: Member, batch: Batch) -> Done:
    rows = session.execute(readings.readings_of_batch(batch, member.id)).all()
    values = [value for _, _, value, _ in rows]
    seconds = [taken for _, _, _, taken in rows if taken is not None]
    return Done(
        batch=batch.name,
        read=len(rows),
        total=session.exec(readings.batch_size(stored_id(batch))).one(),
        passed=values.count(VerdictValue.PASS),
        failed=values.count(VerdictValue.FAIL),
        median_seconds=median(seconds) if seconds else None,
        timed=len(seconds),
        deferred=tuple(
            DeferredTrace(name, f"/projects/{member.project.slug}/read/{trace_id}")
            for trace_id, name, value, _ in rows
            if value is VerdictValue.DEFER
        ),
    )
