"""Regression: the same items in two versions or models, mode by mode."""

from fastapi import APIRouter, Response

from server.queries.filters import Filters
from server.routes.analysis_files import as_file, seeing_modes
from server.routes.long_pages import show_long
from server.routes.screen import Reader
from server.views.answers import FileFormat
from server.views.regression import PAGE_FIELDS, regression_answer

router = APIRouter(prefix="/projects/{slug}/regression", tags=["regression"])


@router.get("")
def show_regression(screen: Reader) -> Response:
    """What newly fails, what is fixed and what stayed, on the items that both have."""
    if not screen.member.sees_modes:
        return screen.show("saturation/early.html", "Regression", section="overview")
    return show_long(screen, "regression", "regression/show.html")


@router.get("/{kind}")
def download_regression(
    screen: Reader, kind: FileFormat, by: str = "", before: str = "", after: str = ""
) -> Response:
    """The same as a file."""
    seeing_modes(screen)
    fields = screen.request.query_params.multi_items()
    filters = Filters.from_query(fields, ignoring=PAGE_FIELDS)
    wanted = {"by": by, "before": before, "after": after}
    answer = regression_answer(screen.session, screen.member, filters, **wanted)
    return as_file(screen, answer, kind)
