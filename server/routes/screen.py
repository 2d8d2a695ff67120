"""What routes share: who acts in which project, and how a page or a part of it is shown."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Annotated, Any
from urllib.parse import quote, unquote, urlsplit

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from server.db import SAFE_METHODS, SessionDep
from server.errors import Forbidden
from server.jobs import Jobs
from server.models.project import LEAD, Member, Role
from server.render import is_fragment, part, render
from server.services import projects
from server.settings import Settings
from server.views.shell import shell

ACTING = "faultbook_acting"
"""Cookie with the name of the local person that somebody without login acts as."""
FLASH = "faultbook_flash"
"""Cookie with what the next page says, such as "Undone: …"."""
_OWN_PATH = re.compile(r"/(?![/\\])")
"""Browsers read a path that begins with two slashes (or a backslash) as another host."""
VERSION = version("faultbook")


def flash(request: Request) -> dict[str, Any] | None:
    """Return what the page before wants said on this one."""
    stored = request.cookies.get(FLASH)
    if not stored:
        return None
    try:
        told = json.loads(unquote(stored))
    except ValueError:
        return None
    return {"message": str(told.get("message", "")), "undo": bool(told.get("undo"))}


def acting_name(request: Request) -> str:
    """Return the local person whom somebody without login acts as."""
    return unquote(request.cookies.get(ACTING, LEAD))


def came_from(request: Request) -> str | None:
    """Return path and query of the page a request came from, if that was one of ours."""
    page = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("referer") or "")
    if not _OWN_PATH.match(page.path) or page.netloc != request.headers.get("host"):
        return None
    return f"{page.path}?{page.query}" if page.query else page.path


@dataclass
class Screen:
    """One request of somebody in a project: enough to call a service and to answer."""

    request: Request
    session: SessionDep
    member: Member
    _headers: dict[str, str] = field(default_factory=dict)

    @property
    def jobs(self) -> Jobs:
        """The queue that long work goes to."""
        jobs: Jobs = self.request.app.state.jobs
        return jobs

    @property
    def settings(self) -> Settings:
        settings: Settings = self.request.app.state.settings
        return settings

    @property
    def wants_fragment(self) -> bool:
        """Whether htmx asks for a part of the page."""
        return is_fragment(self.request)

    def url(self, path: str = "") -> str:
        """Return the URL of a path inside the project."""
        return f"/projects/{self.member.project.slug}{path}"

    def announce(self, message: str, *, undo: bool = False, **triggers: Any) -> None:
        """Tell the person what happened, as a toast and to screen readers, with htmx answers."""
        told = {"announce": {"message": message, "undo": undo}, **triggers}
        self._headers["HX-Trigger"] = json.dumps(told)

    def show(
        self,
        template: str,
        view: object,
        *,
        section: str,
        blocks: Sequence[str] = (),
        status: int = 200,
    ) -> Response:
        """Render a page of the project, or only the named blocks where htmx asks."""
        context = {
            "view": view,
            "shell": shell(self.session, self.member, section, VERSION),
            "flash": flash(self.request),
            "swap": False,
        }
        response = render(
            self.request, template, context, blocks=blocks, status=status, headers=self._headers
        )
        if self.wants_fragment and self.request.method not in SAFE_METHODS:
            response.body = bytes(response.body) + part("ui/undo.html", {**context, "swap": True})
            response.headers["Content-Length"] = str(len(response.body))
        elif FLASH in self.request.cookies:
            response.delete_cookie(FLASH)
        return response

    def redirect(self, path: str, *, message: str = "", undo: bool = False) -> Response:
        """Go on to another page of the project, which then shows `message`."""
        return self._go_to(self.url(path), message, undo=undo)

    def back(self, *, message: str = "", undo: bool = False) -> Response:
        """Go back to the page the request came from, which then shows `message`."""
        return self._go_to(came_from(self.request) or self.url(), message, undo=undo)

    def _go_to(self, url: str, message: str, *, undo: bool) -> Response:
        response = (
            Response(status_code=204, headers={"HX-Redirect": url})
            if self.wants_fragment
            else RedirectResponse(url, status_code=303)
        )
        if message:
            flash = quote(json.dumps({"message": message, "undo": undo}))
            response.set_cookie(FLASH, flash, max_age=30, httponly=True, samesite="lax")
        return response


def reader(
    request: Request,
    session: SessionDep,
    slug: str,
) -> Screen:
    """Anybody who may see the project."""
    project = projects.find(session, slug)
    return Screen(request, session, projects.local_member(session, project, acting_name(request)))


def _allowed(may: Callable[[Role], bool], refusal: str) -> Callable[[Screen], Screen]:
    def check(screen: Annotated[Screen, Depends(reader)]) -> Screen:
        if screen.member.project.read_only:
            raise Forbidden("This project is read-only: copy its codebook into one of your own.")
        if not may(screen.member.role):
            raise Forbidden(refusal)
        return screen

    return check


annotator = _allowed(lambda role: role.can_annotate, "Only annotators and leads may do this.")
lead = _allowed(lambda role: role.can_lead, "Only a lead may do this.")

Reader = Annotated[Screen, Depends(reader)]
AnnotatorScreen = Annotated[Screen, Depends(annotator)]
LeadScreen = Annotated[Screen, Depends(lead)]
