"""All projects, and making one."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from server.db import SessionDep
from server.errors import Forbidden
from server.routes.multipart import ReceivedArchive
from server.routes.navigation import go_to
from server.routes.principal import Maker, PrincipalDep
from server.routes.screen import show_page
from server.services import archive_files, projects
from server.services.tokens import Scope
from server.settings import Settings
from server.views.projects import project_list
from server.views.shell import shell

router = APIRouter(tags=["projects"])


@router.get("/")
def list_projects(request: Request, session: SessionDep, who: PrincipalDep) -> Response:
    """The projects one takes part in."""
    if not who.may(Scope.READ):
        raise Forbidden("This token may not read: its scopes lack «read».")
    frame = shell(session, None, "projects", who.user)
    return show_page(request, "projects/list.html", project_list(session, who.user), frame)


@router.post("/projects")
def create_project(session: SessionDep, who: Maker, name: Annotated[str, Form()]) -> Response:
    """Make an empty project, lead it, and go on to importing traces into it."""
    project = projects.create(session, name, leader=who.user)
    return RedirectResponse(f"/projects/{project.slug}/imports", status_code=303)


@router.post("/projects/open")
def open_archive(
    request: Request, files: ReceivedArchive, session: SessionDep, who: Maker
) -> Response:
    """Make a project of an archive, the same as the one it was made from."""
    settings: Settings = request.app.state.settings
    project = archive_files.open_upload(session, settings, files, leader=who.user)
    message = f"«{project.name}» is here, as it was archived"
    return go_to(request, f"/projects/{project.slug}", message=message)
