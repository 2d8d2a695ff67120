"""Retention of a project: how long traces that nobody judged are kept."""

from typing import Annotated

from fastapi import APIRouter, Form, Response

from server.errors import Invalid
from server.models.retention import RetentionRule
from server.routes.screen import LeadScreen, Reader
from server.services import retention
from server.views.retention import retention_page

router = APIRouter(prefix="/projects/{slug}/retention", tags=["retention"])
_PAGE = "retention/show.html"
Days = Annotated[int | None, Form()]
LiveOnly = Annotated[bool, Form()]


@router.get("")
def show_retention(screen: Reader) -> Response:
    """The rule as it stands, and what it would do now."""
    return screen.show(_PAGE, retention_page(screen.session, screen.member), section="settings")


@router.post("")
def change_retention(
    screen: LeadScreen, days: Days = None, live_only: LiveOnly = False
) -> Response:
    """Set the rule, or keep everything where no days are given."""
    try:
        rule = retention.change(screen.session, screen.member, days, live_only=live_only)
    except Invalid as error:
        typed = RetentionRule(days or 0, live_only, screen.member.id)
        view = retention_page(screen.session, screen.member, typed=typed, error=error.message)
        return screen.show(_PAGE, view, section="settings", status=error.status)
    told = "Traces go by this rule from today on" if rule else "Everything is kept"
    return screen.redirect("/retention", message=told, undo=True)


@router.post("/try")
def try_retention(screen: LeadScreen, days: Days = None, live_only: LiveOnly = False) -> Response:
    """Say what a rule would do now; nothing is saved and nothing deleted."""
    rule = retention.checked(screen.member, days, live_only=live_only)
    view = retention_page(screen.session, screen.member, typed=rule)
    return screen.show(_PAGE, view, section="settings")
