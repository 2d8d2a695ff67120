"""The life of a project: its archive, a copy of its codebook, putting it away, deleting it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import FileResponse

from server.errors import Conflict, Forbidden, Invalid
from server.models.user import can_destroy
from server.routes.navigation import go_to
from server.routes.screen import KeeperScreen, Reader, Screen, reader
from server.services import archive_files, erasure, lifecycle, traces
from server.services.tokens import Scope
from server.views.lifecycle import erasure_page, lifecycle_page

router = APIRouter(prefix="/projects/{slug}", tags=["lifecycle"])

_PAGE = "lifecycle/show.html"


def _destroyer(screen: Annotated[Screen, Depends(reader)]) -> Screen:
    if not can_destroy(screen.member, screen.who.user) or not screen.who.may(Scope.LEAD):
        raise Forbidden("Only an admin may delete or erase for good.")
    return screen


DestroyerScreen = Annotated[Screen, Depends(_destroyer)]
"""An admin who takes part, or the local lead where nobody signs in; in closed projects, too."""


@router.get("/lifecycle")
def show(screen: Reader) -> Response:
    """What can be done with the project as a whole."""
    view = lifecycle_page(screen.session, screen.member, screen.who.user)
    return screen.show(_PAGE, view, section="settings", blocks=("archive",))


@router.post("/lifecycle/archive")
def make_archive(screen: KeeperScreen) -> Response:
    """Write the project's archive in the background."""
    archive_files.request(screen.session, screen.jobs, screen.member)
    return screen.redirect("/lifecycle")


@router.get("/lifecycle/archive/{run_id}")
def download_archive(screen: KeeperScreen, run_id: int) -> Response:
    """The archive that was written."""
    path = archive_files.find(screen.session, screen.settings, screen.member, run_id)
    name = f"{screen.member.project.slug}.faultbook.zip"
    return FileResponse(path, filename=name, media_type="application/zip")


@router.post("/lifecycle/copy")
def copy_codebook(screen: KeeperScreen, name: Annotated[str, Form()]) -> Response:
    """Begin a project with this one's codebook."""
    user = screen.who.user
    try:
        copy = lifecycle.begin_with_codebook(screen.session, screen.member, name, leader=user)
    except Invalid as error:
        return _refused(screen, error, name)
    url = f"/projects/{copy.slug}/imports"
    return go_to(screen.request, url, message="The codebook is copied: now import traces")


@router.post("/lifecycle/put-away")
def put_away(screen: KeeperScreen) -> Response:
    """Archive the project: read-only, and out of every list."""
    lifecycle.put_away(screen.session, screen.member)
    return screen.redirect("/lifecycle", message="Archived", undo=True)


@router.post("/lifecycle/bring-back")
def bring_back(screen: KeeperScreen) -> Response:
    """Take the project out of the archive."""
    lifecycle.bring_back(screen.session, screen.member)
    return screen.redirect("", message=f"«{screen.member.project.name}» is back", undo=True)


@router.post("/lifecycle/delete")
def delete(screen: DestroyerScreen, confirmed: Annotated[str, Form()] = "") -> Response:
    """Delete the archived project with everything in it."""
    name = screen.member.project.name
    try:
        lifecycle.delete(screen.session, screen.settings, screen.member, confirmed=confirmed)
    except (Conflict, Invalid) as error:
        return _refused(screen, error, confirmed)
    return go_to(screen.request, "/", message=f"«{name}» is deleted")


@router.get("/traces/{trace_id}/erase")
def ask_to_erase(screen: DestroyerScreen, trace_id: int) -> Response:
    """Say exactly what would go."""
    trace = traces.find(screen.session, screen.member, trace_id)
    view = erasure_page(screen.session, screen.member, trace)
    return screen.show("lifecycle/erase.html", view, section="read")


@router.post("/traces/{trace_id}/erase")
def erase(screen: DestroyerScreen, trace_id: int) -> Response:
    """Erase a trace's words for good."""
    erasure.erase(screen.session, screen.settings, screen.member, trace_id)
    return screen.redirect(f"/read/{trace_id}", message="The trace is erased")


def _refused(screen: Screen, error: Conflict | Invalid, typed: str) -> Response:
    view = lifecycle_page(
        screen.session, screen.member, screen.who.user, error=error.message, typed=typed
    )
    return screen.show(_PAGE, view, section="settings", status=error.status)
