"""What routes share: who acts in which project, and how a page or a part of it is shown."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from anyio import to_thread
from fastapi import Depends, Request, Response
from sqlmodel import Session

from server.db import SAFE_METHODS, SessionDep, save_now
from server.errors import Conflict, Forbidden
from server.jobs import Jobs
from server.models.project import Member, Role
from server.render import is_fragment, part, render
from server.routes.navigation import FLASH, came_from, flash, go_to
from server.routes.principal import Principal, principal
from server.services.tokens import Scope
from server.settings import Settings
from server.views.facts import Facts
from server.views.shell import Shell, shell

STOP_POLLING = 286
"""The status that tells htmx to ask no more: what ran is over, and may have made rows."""

_COUNTING = frozenset({"groups", "modes", "labels"})
"""Screens on which a decision changes the rail's numbers; elsewhere counting only costs time."""


@dataclass
class Screen:
    """One request of somebody in a project: enough to call a service and to answer."""

    request: Request
    session: SessionDep
    member: Member
    who: Principal
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

    def save(self) -> None:
        """Put what was decided on disk, so that nobody waits to write while the answer is made."""
        save_now(self.session)

    def announce(
        self, message: str, *, undo: bool = False, href: str = "", **triggers: Any
    ) -> None:
        """Tell the person what happened, as a toast and to screen readers, with htmx answers.

        Args:
            message: What happened.
            undo: Whether the toast offers to take it back.
            href: Where it happened, for those who look at another page.
            triggers: More events for the page.
        """
        told = {"announce": {"message": message, "undo": undo, "href": href}, **triggers}
        self._headers["HX-Trigger"] = json.dumps(told)

    def show(
        self,
        template: str,
        view: object,
        *,
        section: str,
        blocks: Sequence[str] = (),
        status: int = 200,
        facts: Facts | None = None,
    ) -> Response:
        """Render a page of the project, or only the named blocks where htmx asks.

        With the `facts` that the page was built from, the rail counts nothing twice.
        """
        decides = self.wants_fragment and self.request.method not in SAFE_METHODS
        is_over = status == STOP_POLLING
        counted = not self.wants_fragment or is_over or (decides and section in _COUNTING)
        counts = (facts or Facts(self.session, self.member)) if counted else None
        is_part = self.wants_fragment and bool(blocks)
        frame = shell(self.session, self.member, section, self.who.user, counts, is_part=is_part)
        response = show_page(
            self.request, template, view, frame, blocks=blocks, status=status, headers=self._headers
        )
        if decides or is_over:
            response.body = bytes(response.body) + _rail(frame, counted=counted)
            response.headers["Content-Length"] = str(len(response.body))
        return response

    def redirect(self, path: str, *, message: str = "", undo: bool = False) -> Response:
        """Go on to another page of the project, which then shows `message`."""
        response = go_to(self.request, self.url(path), message=message, undo=undo)
        if self.wants_fragment:
            response.headers.update(self._headers)
        return response

    def back(self, *, message: str = "", undo: bool = False) -> Response:
        """Go back to the page the request came from, which then shows `message`."""
        url = came_from(self.request) or self.url()
        return go_to(self.request, url, message=message, undo=undo)

    def changed_by(
        self, message: str, *, undo: bool = False, trace_id: int | None = None
    ) -> Response:
        """Have the page brought up to date where it stands, whichever it is, and say why.

        With scripts, `page:stale` has it ask for itself again; without, the way leads back to it.
        """
        if not self.wants_fragment:
            return self.back(message=message, undo=undo)
        href = "" if trace_id is None else self.url(f"/read/{trace_id}")
        self.announce(message, undo=undo, href=href, **{"page:stale": {"message": message}})
        facts = Facts(self.session, self.member)
        frame = shell(self.session, self.member, "", self.who.user, facts, is_part=True)
        return Response(_rail(frame, counted=True), media_type="text/html", headers=self._headers)


def _rail(frame: Shell, *, counted: bool) -> bytes:
    """Undo and redo as they are now, and the numbers of the rail where those changed."""
    undo = part("ui/undo.html", {"shell": frame, "swap": True})
    return undo + (part("ui/counts.html", {"shell": frame}) if counted else b"")


def show_page(
    request: Request,
    template: str,
    view: object,
    frame: Shell,
    *,
    blocks: Sequence[str] = (),
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Render a page in its frame (or parts of it), with what the page before wants said, once."""
    context = {"view": view, "shell": frame, "flash": flash(request), "swap": False}
    response = render(request, template, context, blocks=blocks, status=status, headers=headers)
    if FLASH in request.cookies and not is_fragment(request):
        response.delete_cookie(FLASH)
    return response


def entered(request: Request, session: Session, who: Principal, slug: str) -> Screen:
    """Let in anybody who may see the project; for everybody else it does not exist."""
    if not who.may(Scope.READ):
        raise Forbidden("This token may not read: its scopes lack «read».")
    return Screen(request, session, who.member_in(session, slug), who)


async def reader(request: Request, session: SessionDep, slug: str) -> Screen:
    """Find out who asks and let them in.

    Both at one go: each function that the framework itself calls in a thread costs as much as
    three statements, which is most of what a save takes.
    """

    def enter() -> Screen:
        return entered(request, session, principal(request, session), slug)

    return await to_thread.run_sync(enter)


@dataclass(frozen=True)
class Door:
    """Lets those through who may do something; a dependency, and a check of a screen at hand."""

    may: Callable[[Role], bool]
    scope: Scope
    refusal: str
    although_closed: bool = False
    needs_modes: bool = False

    async def __call__(self, screen: Annotated[Screen, Depends(reader)]) -> Screen:
        """Return the screen of somebody who may."""
        return self.check(screen)

    def check(self, screen: Screen) -> Screen:
        """Return the screen of somebody who may.

        Raises:
            Forbidden: They may not, or their token may not, or the project is closed.
            Conflict: It is about failure modes, which they may not learn yet.
        """
        if (closed := screen.member.project.why_closed) and not self.although_closed:
            raise Forbidden(closed)
        if not self.may(screen.member.role):
            raise Forbidden(self.refusal)
        if not screen.who.may(self.scope):
            raise Forbidden(f"This token may not: its scopes lack «{self.scope}».")
        if self.needs_modes and not screen.member.sees_modes:
            raise Conflict("Labels wait until a lead opens axial coding.")
        return screen


_ONLY_ANNOTATORS = "Only annotators and leads may do this."
_ONLY_LEADS = "Only a lead may do this."
annotator = Door(lambda role: role.can_annotate, Scope.ANNOTATE, _ONLY_ANNOTATORS)
_labeller = Door(lambda role: role.can_annotate, Scope.ANNOTATE, _ONLY_ANNOTATORS, needs_modes=True)
lead = Door(lambda role: role.can_lead, Scope.LEAD, _ONLY_LEADS)
_undoer = Door(
    lambda role: role.can_annotate, Scope.ANNOTATE, _ONLY_ANNOTATORS, although_closed=True
)
_keeper = Door(lambda role: role.can_lead, Scope.LEAD, _ONLY_LEADS, although_closed=True)

Reader = Annotated[Screen, Depends(reader)]
AnnotatorScreen = Annotated[Screen, Depends(annotator)]
LeadScreen = Annotated[Screen, Depends(lead)]

LabelScreen = Annotated[Screen, Depends(_labeller)]
"""An annotator who may learn the failure modes: axial coding is open, or they lead."""

UndoScreen = Annotated[Screen, Depends(_undoer)]
"""An annotator, also in an archived project: the archiving itself can be undone there."""

KeeperScreen = Annotated[Screen, Depends(_keeper)]
"""A lead, in read-only and archived projects, too: who decides on their life, or only looks."""
