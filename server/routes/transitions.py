"""The transition failure matrix, and the rules that say which state a step is in."""

from typing import Annotated

from fastapi import APIRouter, Form, Response

from server.errors import Invalid
from server.routes.long_pages import show_long
from server.routes.screen import LeadScreen, Reader
from server.services import step_states
from server.views.transitions import transitions_page

router = APIRouter(prefix="/projects/{slug}/transitions", tags=["transitions"])

PAGE = "transitions/show.html"


@router.get("")
def show_transitions(screen: Reader) -> Response:
    """From which state runs fail, into which; with a cell chosen, its runs."""
    return show_long(screen, "transitions", PAGE)


@router.post("")
def change_states(
    screen: LeadScreen, rules: Annotated[str, Form(max_length=20_000)] = ""
) -> Response:
    """Say which steps are in which state."""
    try:
        step_states.change(screen.session, screen.member, rules)
    except Invalid as error:
        view = transitions_page(screen.session, screen.member, typed=rules, error=error.message)
        return screen.show(PAGE, view, section="overview", status=422)
    return screen.redirect("/transitions", message="States saved", undo=True)
