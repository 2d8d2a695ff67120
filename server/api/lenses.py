"""Lenses: which there are, and what one answers about the traces of filters."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from server.api.fields import JsonObject
from server.api.filters import FiltersQuery
from server.api.limits import LimitedRoute
from server.api.runs import RunBody
from server.routes.screen import AnnotatorScreen, Reader, Screen
from server.services import lens_runs
from server.views.lenses.asking import asked_as_json
from server.views.lenses.at_hand import AtHand
from server.views.lenses.registry import lens_named, lenses

router = APIRouter(prefix="/projects/{slug}/lenses", tags=["lenses"], route_class=LimitedRoute)

LensName = Annotated[str, Path(max_length=40, pattern="^[a-z]+$")]
Key = Annotated[str, Query(max_length=200, description="Such as `model` or `params.length`.")]


class OptionBody(BaseModel):
    """An option that only this lens has."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    label: str
    default: str
    hint: str


class LensBody(BaseModel):
    """One lens."""

    model_config = ConfigDict(from_attributes=True)

    name: Annotated[str, Field(examples=["hazard"])]
    title: str
    asks: str
    grammar: Annotated[list[str], Field(description="Which of the shared fields it understands.")]
    options: list[OptionBody]


class AnswerBody(BaseModel):
    """What a lens answers: the object that `faultbook analyze … --json` prints."""

    lens: str
    parameters: JsonObject
    n: Annotated[int, Field(description="Traces that it rests on.")]
    results: JsonObject
    reading: str


class PendingBody(BaseModel):
    """There is no answer yet; ask for one with POST, then look at the run."""

    run: RunBody | None
    reason: str


class QuestionFields:
    """The fields of a question, as in the URL of a lens; `options` is a JSON object."""

    def __init__(
        self,
        filters: FiltersQuery,
        group_by: Key = "",
        facet_by: Key = "",
        split_by: Key = "",
        part: Key = "",
        axis: Key = "",
        view: Key = "",
        options: Annotated[str, Query(max_length=4_000, examples=['{"time": "steps"}'])] = "{}",
    ) -> None:
        named = {"group_by": group_by, "facet_by": facet_by, "split_by": split_by, "part": part}
        self.filters = filters
        self.fields = {**named, "axis": axis, "view": view}
        self.options = options


Question = Annotated[QuestionFields, Depends()]


@router.get("")
def list_lenses(_screen: Reader) -> list[LensBody]:
    """Every lens, in the order of the tabs."""
    return [LensBody.model_validate(lens) for lens in lenses().values()]


@router.get("/{lens}", response_model=AnswerBody, responses={202: {"model": PendingBody}})
def show_answer(screen: Reader, lens: LensName, question: Question) -> AnswerBody | JSONResponse:
    """The answer; 202 where it takes longer than a request may and nobody asked for it yet."""
    hand = _hand(screen, lens, question)
    if hand.is_pending:
        run = RunBody.model_validate(hand.run) if hand.run else None
        return pending(run, hand.why_pending)
    return AnswerBody(**hand.told.as_json())


@router.post("/{lens}/runs", status_code=202)
def request_answer(screen: AnnotatorScreen, lens: LensName, question: Question) -> RunBody:
    """Have an answer computed as a job; the one under way or done for these data is returned."""
    hand = _hand(screen, lens, question)
    asked = (hand.parameters, hand.digest)
    run = lens_runs.request(screen.session, screen.jobs, screen.member, *asked)
    return RunBody.model_validate(run)


def _hand(screen: Screen, lens: str, question: QuestionFields) -> AtHand:
    asked = asked_as_json(
        lens_named(lens), question.filters, question.fields, question.options, base=screen.url()
    )
    return AtHand(screen.session, screen.member, screen.settings, asked)


def pending(run: RunBody | None, reason: str) -> JSONResponse:
    """Say that there is no answer yet, why, and which run computes it, if one does."""
    body = PendingBody(run=run, reason=reason)
    return JSONResponse(body.model_dump(mode="json"), status_code=202)
