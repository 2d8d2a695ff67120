"""Background work: how far a run is, and asking it to stop."""

from typing import Any

from fastapi import APIRouter, Response

from server.routes.screen import STOP_POLLING, AnnotatorScreen, Reader
from server.services import runs
from server.views.runs import RunPage, run_page

router = APIRouter(prefix="/projects/{slug}/runs", tags=["runs"])


@router.get("/{run_id}")
def show_run(screen: Reader, run_id: int) -> Response:
    """How far a run is; the fragment asks again until the run is over."""
    run = runs.find(screen.session, screen.member, run_id)
    return _show(screen, run_page(screen.session, screen.member, run))


@router.post("/{run_id}/cancel")
def cancel_run(screen: AnnotatorScreen, run_id: int) -> Response:
    """Ask a run to stop; what it finished stays."""
    run = runs.cancel(screen.session, screen.member, run_id)
    if not screen.wants_fragment:
        return screen.back(message="The run is asked to stop; what it finished stays.")
    return _show(screen, run_page(screen.session, screen.member, run))


def _show(screen: Reader, page: RunPage) -> Response:
    status = 200
    if page.run.is_over and screen.wants_fragment:
        status = STOP_POLLING
        over: dict[str, Any] = {"run:over": {"id": page.run.id, "status": page.run.status}}
        screen.announce(f"{page.run.name}: {page.run.status}", **over)
    return screen.show("runs/show.html", page, section="settings", blocks=("run",), status=status)
