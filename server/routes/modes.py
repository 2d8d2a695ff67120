"""Codebook: failure modes, their wording, examples and history; changed by leads only."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Response
from pydantic import BaseModel

from server.errors import Conflict, Invalid
from server.models.mode import ModeVersion
from server.routes.screen import LeadScreen, Reader, Screen
from server.services import groupings, modes
from server.services.modes import Wording
from server.views.assistance import model_to_ask
from server.views.merges import merge_page
from server.views.mode_page import Edit, mode_page
from server.views.modes import NewModeForm, codebook

router = APIRouter(prefix="/projects/{slug}/modes", tags=["modes"])


class Definition(BaseModel):
    """The wording of a mode as somebody typed it, and the version they began from."""

    version: int
    definition: str = ""
    apply_when: str = ""
    not_when: str = ""
    pass_rule: str = ""
    fail_rule: str = ""
    reason: str = ""

    @property
    def wording(self) -> Wording:
        """The texts without the blank space around them."""
        return Wording(**{name: getattr(self, name).strip() for name in vars(Wording())})


@router.get("")
def list_modes(screen: Reader, order: str = "") -> Response:
    """Every failure mode with its definition, notes, labels, prevalence and decision."""
    if not screen.member.sees_modes:
        return screen.show("modes/early.html", None, section="modes")
    page = codebook(screen.session, screen.member, by_weight=order == "weight")
    return screen.show("modes/list.html", page, section="modes")


@router.post("")
def create_mode(
    screen: LeadScreen, name: Annotated[str, Form()] = "", definition: Annotated[str, Form()] = ""
) -> Response:
    """Make a failure mode by hand."""
    try:
        wording = Wording(definition=definition.strip())
        mode = modes.create(screen.session, screen.member, name, wording)
    except Invalid as problem:
        form = NewModeForm(name, definition, problem.message)
        page = codebook(screen.session, screen.member, form)
        return screen.show("modes/list.html", page, section="modes", blocks=("new",), status=422)
    return screen.redirect(
        f"/modes/{mode.id}", message=f"New failure mode «{mode.name}»", undo=True
    )


@router.get("/merge")
def preview_merge(
    screen: LeadScreen, source: int | None = None, into: int | None = None
) -> Response:
    """Choose two modes and see exactly what a merge would move."""
    page = merge_page(screen.session, screen.member, source, into)
    return screen.show("modes/merge.html", page, section="modes", blocks=("preview",))


@router.post("/merge")
def merge(
    screen: LeadScreen, source: Annotated[int, Form()], into: Annotated[int, Form()]
) -> Response:
    """Merge one mode into another, as one decision that undo takes back whole."""
    name = modes.find(screen.session, screen.member, source).name
    target = modes.merge(screen.session, screen.member, source=source, into=into)
    return screen.redirect(
        f"/modes/{target.id}", message=f"Merged «{name}» into «{target.name}»", undo=True
    )


@router.get("/{mode_id}")
def show_mode(screen: Reader, mode_id: int) -> Response:
    """One failure mode with its notes, the nearest notes outside, and its history."""
    if not screen.member.sees_modes:
        return screen.show("modes/early.html", None, section="modes")
    return _show(screen, mode_id)


@router.post("/{mode_id}/name")
def rename(screen: LeadScreen, mode_id: int, name: Annotated[str, Form()] = "") -> Response:
    """Give a mode another name."""
    try:
        mode = modes.rename(screen.session, screen.member, mode_id, name)
    except Invalid as problem:
        return _show(screen, mode_id, Edit(name=name, name_error=problem.message), status=422)
    return _changed(screen, mode_id, f"Renamed to «{mode.name}»")


@router.post("/{mode_id}/definition")
def redefine(screen: LeadScreen, mode_id: int, form: Annotated[Definition, Form()]) -> Response:
    """Write a new version of the definition; where somebody was faster, show both."""
    try:
        saved = _redefine(screen, mode_id, form)
    except Conflict:
        edit = Edit(texts=vars(form.wording), reason=form.reason, is_conflict=True)
        return _show(screen, mode_id, edit, status=409)
    return _changed(screen, mode_id, f"Saved as version {saved.number}")


@router.post("/{mode_id}/retire")
def retire(screen: LeadScreen, mode_id: int) -> Response:
    """Take a mode out of use; its notes and labels stay with it."""
    mode = modes.retire(screen.session, screen.member, mode_id)
    return screen.redirect(f"/modes/{mode_id}", message=f"Retired «{mode.name}»", undo=True)


@router.post("/{mode_id}/examples")
def add_example(
    screen: LeadScreen,
    mode_id: int,
    note: Annotated[int, Form()],
    positive: Annotated[bool, Form()] = False,
) -> Response:
    """Show a note as an example, or as a counter-example, of the mode."""
    modes.add_example(screen.session, screen.member, mode_id, note, positive=positive)
    return _changed(screen, mode_id, "Example added" if positive else "Counter-example added")


@router.post("/{mode_id}/examples/{example_id}/remove")
def remove_example(screen: LeadScreen, mode_id: int, example_id: int) -> Response:
    """Take an example out of the codebook."""
    modes.remove_example(screen.session, screen.member, mode_id, example_id)
    return _changed(screen, mode_id, "Example removed")


@router.post("/{mode_id}/notes")
def place_note(screen: LeadScreen, mode_id: int, note: Annotated[int, Form()]) -> Response:
    """Put a note from outside under the mode."""
    groupings.place(screen.session, screen.member, [note], mode_id)
    return _changed(screen, mode_id, "Note placed under this mode")


@router.post("/{mode_id}/notes/{note_id}/take-out")
def take_out(screen: LeadScreen, mode_id: int, note_id: int) -> Response:
    """Take a note out of its mode."""
    groupings.take_out(screen.session, screen.member, note_id)
    return _changed(screen, mode_id, "Note taken out")


def _redefine(screen: Screen, mode_id: int, form: Definition) -> ModeVersion:
    reason = form.reason.strip()
    return modes.redefine(
        screen.session, screen.member, mode_id, form.wording, version=form.version, reason=reason
    )


def _changed(screen: Screen, mode_id: int, message: str) -> Response:
    if not screen.wants_fragment:
        return screen.redirect(f"/modes/{mode_id}", message=message, undo=True)
    saved: dict[str, Any] = {"draft:saved": {"key": f"mode-{mode_id}"}}
    screen.announce(message, undo=True, **saved)
    screen.save()
    return _show(screen, mode_id)


def _after(screen: Screen) -> int:
    """How many notes are on earlier pages; kept by what is done on one of them."""
    asked = screen.request.query_params.get("after", "")
    return int(asked) if asked.isdecimal() and len(asked) < 10 else 0


def _show(screen: Screen, mode_id: int, edit: Edit | None = None, *, status: int = 200) -> Response:
    mode = modes.find(screen.session, screen.member, mode_id)
    data: Path = screen.settings.data
    model = model_to_ask(screen.member, screen.settings)
    page = mode_page(screen.session, screen.member, mode, data, edit, after=_after(screen))
    return screen.show(
        "modes/show.html",
        replace(page, assistant=model),
        section="modes",
        blocks=("title_bar", "page"),
        status=status,
    )
