"""Verdicts: pass, fail or defer of each annotator on a trace."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from server.api.fields import Asked, Number, PathId, QueryId, Version, Words
from server.api.limits import LimitedRoute
from server.api.pages import Page, SpanQuery
from server.db import shares_commit, writes
from server.models.verdict import VerdictValue
from server.routes.screen import AnnotatorScreen, Reader
from server.services import readings, verdicts
from server.views import listings

router = APIRouter(prefix="/projects/{slug}", tags=["verdicts"], route_class=LimitedRoute)

FirstFailureStep = Annotated[
    Number | None,
    Field(description="0-based position of the first failing step, as stored; fail only."),
]


class VerdictBody(BaseModel):
    """One annotator's verdict on a trace in a round."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    trace_id: int
    annotator_id: int
    round_id: int
    value: VerdictValue
    first_failure_step: FirstFailureStep
    submitted_at: Annotated[
        datetime | None, Field(description="When the reading was declared finished; null: not yet.")
    ]
    seconds: Annotated[float | None, Field(description="How long the reading took.")]
    reason: Annotated[str, Field(description="Why it was deferred.")]
    minimal_repro: Annotated[str, Field(description="Least input that still fails.")]
    version: int
    created_at: datetime


class NewVerdict(Asked):
    """What your verdict is to be."""

    value: VerdictValue
    first_failure_step: FirstFailureStep = None
    version: Annotated[
        Version | None,
        Field(description="Give it to be refused (409) where it was changed meanwhile."),
    ] = None


class Finished(Asked):
    """How the reading went."""

    seconds: Annotated[float | None, Field(ge=0, le=1e9, allow_inf_nan=False, strict=True)] = None
    lease: Annotated[
        Words,
        Field(
            max_length=200,
            description="Token of your claim; 409 where it ended and others have your place. "
            "Without one the reading is taken as it is.",
        ),
    ] = ""


@router.get("/verdicts")
@writes
def list_verdicts(
    screen: Reader, span: SpanQuery, trace_id: QueryId = None, annotator_id: QueryId = None
) -> Page[VerdictBody]:
    """Your verdicts, and the submitted ones of others that you may see."""
    found = listings.verdicts(
        screen.session, screen.member, span, trace_id=trace_id, annotator_id=annotator_id
    )
    readings.reveal_all(screen.session, screen.member, found.rows)
    return Page[VerdictBody].of(found)


@router.put("/traces/{trace_id}/verdict")
@shares_commit
def put_verdict(screen: AnnotatorScreen, trace_id: PathId, wanted: NewVerdict) -> VerdictBody:
    """Make your verdict on a trace in the current round just this."""
    verdict = verdicts.put(
        screen.session,
        screen.member,
        trace_id,
        wanted.value,
        first_failure_step=wanted.first_failure_step,
        version=wanted.version,
    )
    return VerdictBody.model_validate(verdict)


@router.post("/traces/{trace_id}/verdict/submit")
@shares_commit
def submit_verdict(
    screen: AnnotatorScreen, trace_id: PathId, wanted: Finished | None = None
) -> VerdictBody:
    """Declare your reading finished; from now on you see others' work on this trace."""
    wanted = wanted or Finished()
    verdict = readings.finish(
        screen.session, screen.member, trace_id, seconds=wanted.seconds, lease=wanted.lease
    )
    return VerdictBody.model_validate(verdict)
