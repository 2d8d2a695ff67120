"""Redaction rules: what is replaced in every text at import."""

from typing import Annotated

from fastapi import APIRouter, Form, Response
from pydantic import BaseModel, model_validator

from server.errors import Invalid
from server.importers.redaction import BUILT_IN, Rule
from server.routes.screen import LeadScreen, Reader
from server.services import redaction
from server.views.redaction import RedactionPage, redaction_page

router = APIRouter(prefix="/projects/{slug}/redaction", tags=["redaction"])


class RulesForm(BaseModel):
    """Built-in rules by name, and own ones: `name[i]` replaces `pattern[i]`."""

    built_in: list[str] = []
    name: list[str] = []
    pattern: list[str] = []
    replacement: list[str] = []
    text: str = ""

    @model_validator(mode="after")
    def _together(self) -> "RulesForm":
        if not len(self.name) == len(self.pattern) == len(self.replacement):
            raise ValueError("each rule needs a name, a pattern and a replacement")
        return self

    @property
    def rules(self) -> tuple[Rule, ...]:
        chosen = [Rule(n, "", BUILT_IN[n].replacement) for n in self.built_in if n in BUILT_IN]
        rows = zip(self.name, self.pattern, self.replacement, strict=True)
        own = [Rule(name.strip(), pattern, to) for name, pattern, to in rows if pattern]
        return (*chosen, *own)


@router.get("")
def show_rules(screen: Reader) -> Response:
    """The rules as they stand."""
    return _show(screen, redaction_page(screen.member))


@router.post("")
def change_rules(screen: LeadScreen, form: Annotated[RulesForm, Form()]) -> Response:
    """Replace the rules for the imports to come."""
    try:
        redaction.change(screen.session, screen.member, form.rules)
    except Invalid as error:
        page = redaction_page(screen.member, typed=form.rules, text=form.text, error=error.message)
        return _show(screen, page, status=error.status)
    return screen.redirect("/redaction", message="Rules saved", undo=True)


@router.post("/try")
def try_rules(screen: LeadScreen, form: Annotated[RulesForm, Form()]) -> Response:
    """Show what rules would leave of a text; nothing is saved."""
    try:
        result = redaction.try_on(form.rules, form.text)
    except Invalid as error:
        page = redaction_page(screen.member, typed=form.rules, text=form.text, error=error.message)
        return _show(screen, page, status=error.status)
    page = redaction_page(screen.member, typed=form.rules, text=form.text, result=result)
    return _show(screen, page)


def _show(screen: Reader, page: RedactionPage, *, status: int = 200) -> Response:
    return screen.show("redaction/show.html", page, section="settings", status=status)
