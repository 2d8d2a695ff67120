"""The report of the round, and what changed on the same items."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from server.api.filters import FiltersQuery
from server.api.limits import LimitedRoute
from server.routes.analysis_files import seeing_modes
from server.routes.screen import Reader
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


@router.get("/report/{kind}", response_class=Response, responses={200: {"content": _CONTENT}})
def show_report(screen: Reader, kind: ReportFormat) -> Response:
    """The round as a whole, as far as you may see it: its numbers, Markdown, or one HTML page.

    In the JSON, `event_log.head` is what it rests on.
    """
    seeing_modes(screen)
    made = PageAtHand(screen.session, screen.member, screen.settings, "report", ()).report
    return Response(written(made, kind), media_type=kind.media_type)


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
