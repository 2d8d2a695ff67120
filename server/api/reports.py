"""The report of the round, and what changed on the same items."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from server.api.filters import FiltersQuery
from server.api.lenses import PendingBody, pending
from server.api.limits import LimitedRoute
from server.api.runs import RunBody
from server.models.run import RunKind
from server.routes.analysis_files import seeing_modes
from server.routes.screen import AnnotatorScreen, Reader, Screen
from server.services import lens_runs
from server.views.long_pages import PageAtHand
from server.views.regression import regression_answer
from server.views.report_files import ReportFormat, written

router = APIRouter(prefix="/projects/{slug}", tags=["reports"], route_class=LimitedRoute)

_CONTENT: dict[str, dict[str, str]] = {
    kind.media_type.partition(";")[0]: {} for kind in ReportFormat
}


class RegressionBody(BaseModel):
    """The same items in two versions; `rows` are the verdict and each failure mode."""

    lens: str
    parameters: Annotated[dict[str, Any], Field(description="What was compared with what.")]
    n: Annotated[int, Field(description="Items judged in both.")]
    results: dict[str, Any]
    reading: str


@router.get(
    "/report/{kind}",
    response_class=Response,
    responses={200: {"content": _CONTENT}, 202: {"model": PendingBody}},
)
def show_report(screen: Reader, kind: ReportFormat) -> Response:
    """The round as a whole, as far as you may see it: its numbers, Markdown, or one HTML page.

    In the JSON, `event_log.head` is what it rests on. 202 where it takes longer than a request may
    and was never computed.
    """
    hand = _report(screen)
    if hand.page is None:
        run = RunBody.model_validate(hand.run) if hand.run else None
        return pending(run, hand.why_pending)
    return Response(written(hand.report, kind), media_type=kind.media_type)


@router.post("/report", status_code=202)
def request_report(screen: AnnotatorScreen) -> RunBody:
    """Have the report computed as a job; the one under way or done for these data is returned."""
    hand = _report(screen)
    asked = (hand.parameters, hand.digest)
    run = lens_runs.request(screen.session, screen.jobs, screen.member, *asked, kind=RunKind.PAGE)
    return RunBody.model_validate(run)


def _report(screen: Screen) -> PageAtHand:
    seeing_modes(screen)
    return PageAtHand(screen.session, screen.member, screen.settings, "report", ())


@router.get("/regression")
def show_regression(
    screen: Reader,
    filters: FiltersQuery,
    by: Annotated[
        str, Query(max_length=200, description="pipeline_version, model, task or params.NAME.")
    ] = "",
    before: Annotated[str, Query(max_length=1_000, description="The value to start from.")] = "",
    after: Annotated[str, Query(max_length=1_000, description="The value to compare.")] = "",
) -> RegressionBody:
    """What newly fails and what is fixed, mode by mode; the two latest versions by default."""
    wanted = {"by": by, "before": before, "after": after}
    answer = regression_answer(screen.session, screen.member, filters, **wanted)
    return RegressionBody.model_validate(answer.as_json())
