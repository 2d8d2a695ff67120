"""The queue: what is left to read, and claims on traces, so that nobody reads one twice."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from server.api.fields import Asked, Id, PathId, Words
from server.api.limits import LimitedRoute
from server.db import shares_commit
from server.errors import Conflict
from server.routes.screen import AnnotatorScreen, Reader
from server.services import queue
from server.views.queue_board import live_claims, queue_counts

router = APIRouter(prefix="/projects/{slug}/queue", tags=["queue"], route_class=LimitedRoute)


class BatchQueue(BaseModel):
    """Where one batch stands. Counts are of readings: one that two people read counts twice."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    round_number: int
    is_current: Annotated[bool, Field(description="Whether its round is the one that is read.")]
    traces: int
    asked: int
    done: int
    in_review: int
    pending: Annotated[int, Field(description="Asked less done, always.")]


class ClaimInReview(BaseModel):
    """What somebody has now."""

    model_config = ConfigDict(from_attributes=True)

    trace_id: int
    annotator_id: int
    since: datetime
    until: datetime
    is_stale: Annotated[bool, Field(description="It ran out: others are given the trace.")]


class QueueBody(BaseModel):
    """The queue of a project."""

    remaining: Annotated[int, Field(description="Traces that you may still be given.")]
    batches: list[BatchQueue]
    in_review: list[ClaimInReview]


class NextWanted(Asked):
    """Which trace to claim."""

    after: Annotated[
        Id | None, Field(description="Go on behind this trace, instead of with what you hold.")
    ] = None


class ClaimBody(BaseModel):
    """A trace that is yours to read until then. Nobody else is given your place."""

    model_config = ConfigDict(from_attributes=True)

    trace_id: int
    token: Annotated[str, Field(description="Give it as `lease` when you submit the verdict.")]
    expires_at: datetime


class PutOff(Asked):
    """Why not now."""

    reason: Annotated[Words, Field(max_length=2_000)] = ""


@router.get("")
def show_queue(screen: Reader) -> QueueBody:
    """What is left, batch by batch, and who has what."""
    counts = queue_counts(screen.session, screen.member)
    return QueueBody(
        remaining=counts.remaining,
        batches=[BatchQueue.model_validate(row) for row in counts.batches],
        in_review=[
            ClaimInReview.model_validate(row) for row in live_claims(screen.session, screen.member)
        ],
    )


@router.post("/claim")
@shares_commit
def claim_next(screen: AnnotatorScreen, wanted: NextWanted | None = None) -> ClaimBody | None:
    """Claim the next trace you have to read; null when nothing is left for you."""
    after = None if wanted is None else wanted.after
    lasting = screen.settings.lease
    claim = queue.claim_next(screen.session, screen.member, after=after, lasting=lasting)
    return None if claim is None else ClaimBody.model_validate(claim)


@router.post("/claims/{trace_id}/renew")
@shares_commit
def renew_claim(screen: AnnotatorScreen, trace_id: PathId) -> ClaimBody:
    """Keep your claim on a trace, or claim it if a place is free."""
    claim = queue.renew(screen.session, screen.member, trace_id, lasting=screen.settings.lease)
    if claim is None:
        raise Conflict(
            "There is no place for you: others read this trace, or no batch asks for it."
        )
    return ClaimBody.model_validate(claim)


@router.delete("/claims/{trace_id}", status_code=204)
def release_claim(screen: AnnotatorScreen, trace_id: PathId) -> None:
    """Give your claim on a trace back, so that others are given it."""
    queue.release(screen.session, screen.member, trace_id)


@router.post("/claims/{trace_id}/skip", status_code=204)
def put_off(screen: AnnotatorScreen, trace_id: PathId, wanted: PutOff | None = None) -> None:
    """Put a trace off: it comes back to you at the end, and others are given it before."""
    queue.skip(screen.session, screen.member, trace_id, "" if wanted is None else wanted.reason)
