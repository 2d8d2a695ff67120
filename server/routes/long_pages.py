"""Pages about all that was read: shown, or how far the job is that computes them."""

from enum import StrEnum

from fastapi import APIRouter, Response

from server.models.run import RunKind
from server.routes.screen import Reader, Screen
from server.services import lens_runs
from server.views.long_pages import PageAtHand

router = APIRouter(prefix="/projects/{slug}", tags=["report"])

WAITING = "runs/long.html"


class PageName(StrEnum):
    """Pages that a job computes where much was read."""

    REPORT = "report"
    REGRESSION = "regression"
    TRANSITIONS = "transitions"


@router.post("/{page}/compute")
def compute_page(screen: Reader, page: PageName) -> Response:
    """Compute a page as a job, which changes nothing in the project."""
    hand = page_at_hand(screen, page)
    asked = (hand.parameters, hand.digest)
    lens_runs.request(screen.session, screen.jobs, screen.member, *asked, kind=RunKind.PAGE)
    return screen.redirect(hand.path)


def page_at_hand(screen: Screen, name: str) -> PageAtHand:
    """Find what there is of the page that a request asks for."""
    fields = [(name, value) for name, value in screen.request.query_params.multi_items() if value]
    return PageAtHand(screen.session, screen.member, screen.settings, name, fields)


def show_long(screen: Screen, name: str, template: str) -> Response:
    """Show a long page, or that it is being computed."""
    hand = page_at_hand(screen, name)
    if hand.page is None:
        return screen.show(WAITING, hand.freshness, section="overview")
    return screen.show(template, hand.page, section="overview")
