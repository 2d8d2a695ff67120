"""Overview of a project."""

from fastapi import APIRouter, Response

from server.routes.screen import Reader
from server.views.overview import overview

router = APIRouter(tags=["overview"])


@router.get("/projects/{slug}")
def show_overview(screen: Reader) -> Response:
    """Where the round stands, and one button: the next useful thing to do."""
    view = overview(screen.session, screen.member)
    return screen.show("overview/show.html", view, section="overview")
