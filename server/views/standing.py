"""Where the reading of a project stands, as counts that a member may see."""

from dataclasses import dataclass
from statistics import median

import pandas as pd
from sqlmodel import Session

from analysis.frames import ANNOTATOR, TRACE_ID, VALUE
from server import frames
from server.models.base import stored_id
from server.models.batch import Batch
from server.models.project import Member
from server.models.verdict import VerdictValue
from server.queries import batches, readings, verdicts

SPLIT = "split"
_STRATEGIES = {
    "random": "random",
    "random_by_model": "random, stratified by model",
    "random_by_task": "random, stratified by task",
}


@dataclass(frozen=True)
class Tally:
    """Traces of the batches by what was said of them; a trace counts once."""

    total: int
    read: int
    failed: int
    passed: int
    split: int
    """Traces that as many people passed as failed."""
    deferred: int
    outside: int
    """Traces read without being in any batch."""
    median_seconds: int | None
    timed: int
    """Readings whose time is known: what the median is over."""


@dataclass(frozen=True)
class BatchInHand:
    """The batch that a member reads in: how much of it, and how much they have finished."""

    size: int
    read: int


def seen_verdicts(session: Session, member: Member) -> pd.DataFrame:
    """Return the verdicts that the Overview may count for a member."""
    found = frames.verdict_frame(session, member.project_id, member=member)
    return found[found[ANNOTATOR] == member.id] if member.is_blind else found


def verdict_by_trace(found: pd.DataFrame) -> pd.Series:
    """Return what most readers of each trace say; deferred counts where nobody says more."""
    votes = pd.crosstab(found[TRACE_ID], found[VALUE])
    votes = votes.reindex(columns=[value.value for value in VerdictValue], fill_value=0)
    failed, passed = votes[VerdictValue.FAIL], votes[VerdictValue.PASS]
    combined = pd.Series(SPLIT, index=votes.index, dtype="str")
    combined[failed > passed] = VerdictValue.FAIL.value
    combined[passed > failed] = VerdictValue.PASS.value
    combined[(failed == 0) & (passed == 0)] = VerdictValue.DEFER.value
    return combined


def tally(session: Session, member: Member) -> Tally:
    """Count the traces of all batches by the verdicts on them."""
    found = seen_verdicts(session, member)
    batched = frames.sampling_frame(session, member.project_id)[TRACE_ID]
    inside = verdict_by_trace(found[found[TRACE_ID].isin(batched)])
    annotator_id = member.id if member.is_blind else None
    timed = session.exec(verdicts.seconds(member.project_id, annotator_id=annotator_id))
    seconds = [taken for taken in timed if taken is not None]
    return Tally(
        total=len(batched),
        read=len(inside),
        failed=int((inside == VerdictValue.FAIL).sum()),
        passed=int((inside == VerdictValue.PASS).sum()),
        split=int((inside == SPLIT).sum()),
        deferred=int((inside == VerdictValue.DEFER).sum()),
        outside=int(found[TRACE_ID].nunique()) - len(inside),
        median_seconds=round(median(seconds)) if seconds else None,
        timed=len(seconds),
    )


def batch_in_hand(session: Session, member: Member) -> BatchInHand | None:
    """Return the oldest batch with something left to read for the member, else the latest."""
    every = session.exec(batches.of_project(member.project_id)).all()
    if not every:
        return None
    sizes = [_in_hand(session, batch, member) for batch in reversed(every)]
    return next((size for size in sizes if size.read < size.size), sizes[-1])


def _in_hand(session: Session, batch: Batch, member: Member) -> BatchInHand:
    size = session.exec(readings.batch_size(stored_id(batch))).one()
    unread = len(session.exec(batches.unread(batch, member.id)).all())
    return BatchInHand(size, size - unread)


def drawn_how(session: Session, member: Member) -> str:
    """Return in words how the traces of the project's batches were drawn."""
    every = session.exec(batches.of_project(member.project_id)).all()
    strategies = dict.fromkeys(batch.strategy for batch in reversed(every))
    return " and ".join(_STRATEGIES.get(name, name.replace("_", " ")) for name in strategies)
