"""Failure modes: the codebook, its wordings, merging and retiring."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from server.api.fields import Asked, Id, PathId, Told, Version, Words
from server.api.limits import LimitedRoute
from server.api.pages import Page, SpanQuery
from server.models.mode import ModeDecision, ModeStatus
from server.routes.screen import LeadScreen, Reader
from server.services import modes
from server.services.modes import NAME_LIMIT, Wording
from server.views import listings
from server.views.codebook_entry import codebook_entry

router = APIRouter(prefix="/projects/{slug}/modes", tags=["modes"], route_class=LimitedRoute)

Name = Annotated[Told, Field(max_length=NAME_LIMIT, examples=["Ignores a changed constraint"])]
Text = Annotated[Words, Field(max_length=20_000)]


class ModeBody(BaseModel):
    """One failure mode. A merged one points to its heir; nothing is ever deleted."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    guid: str
    name: str
    status: ModeStatus
    merged_into: int | None
    parent_id: int | None
    owner_id: int | None
    colour: Annotated[int, Field(description="A hue of the palette, 1 to 12.")]
    decision: ModeDecision | None
    impact: int | None
    version: Annotated[int, Field(description="Number of today's definition.")]
    created_at: datetime


class VersionBody(BaseModel):
    """One wording of a definition."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    definition: str
    apply_when: str
    not_when: str
    pass_rule: str
    fail_rule: str
    reason: Annotated[str, Field(description="Why it was changed to this.")]
    created_by: int | None
    created_at: datetime


class ExampleBody(BaseModel):
    """A note shown in the codebook as an example (positive) or counter-example."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    note_id: int | None
    trace_id: int | None
    step: int | None
    start: int | None
    end: int | None
    quote: str
    positive: bool


class ModeDetail(ModeBody):
    """One failure mode with all its wordings, the latest first, and its examples."""

    versions: list[VersionBody]
    examples: Annotated[
        list[ExampleBody],
        Field(description="Without those on traces that you have still to judge, while blind."),
    ]


class Definition(Asked):
    """What the codebook says of a mode."""

    definition: Text = ""
    apply_when: Text = ""
    not_when: Text = ""
    pass_rule: Text = ""
    fail_rule: Text = ""

    @property
    def wording(self) -> Wording:
        """The texts for the service."""
        return Wording(**{name: getattr(self, name) for name in asdict(Wording())})


class NewMode(Definition):
    """A failure mode to make."""

    name: Name


class NewName(Asked):
    """Another name for a mode."""

    name: Name


class NewDefinition(Definition):
    """Another wording; the labels made under older ones become stale."""

    version: Version
    reason: Text = ""


class Heir(Asked):
    """The mode that another one is merged into."""

    into: Id


@router.get("")
def list_modes(screen: Reader, span: SpanQuery, status: ModeStatus | None = None) -> Page[ModeBody]:
    """Every mode ever made, merged and retired ones included."""
    found = listings.modes(screen.session, screen.member, span, status=status)
    return Page[ModeBody].of(found)


@router.post("", status_code=201)
def create_mode(screen: LeadScreen, wanted: NewMode) -> ModeBody:
    """Make a failure mode."""
    mode = modes.create(screen.session, screen.member, wanted.name, wanted.wording)
    return ModeBody.model_validate(mode)


@router.get("/{mode_id}")
def show_mode(screen: Reader, mode_id: PathId) -> ModeDetail:
    """One mode with its history and examples."""
    mode = modes.find(screen.session, screen.member, mode_id)
    return ModeDetail.model_validate(
        codebook_entry(screen.session, screen.member, mode), from_attributes=True
    )


@router.patch("/{mode_id}")
def rename_mode(screen: LeadScreen, mode_id: PathId, wanted: NewName) -> ModeBody:
    """Give a mode another name; id, colour and history stay."""
    return ModeBody.model_validate(
        modes.rename(screen.session, screen.member, mode_id, wanted.name)
    )


@router.put("/{mode_id}/definition")
def redefine_mode(screen: LeadScreen, mode_id: PathId, wanted: NewDefinition) -> VersionBody:
    """Write a new version of the definition.

    Where it was changed since `version`, nothing is written: 409 holds `yours` and `theirs`.
    """
    new = modes.redefine(
        screen.session,
        screen.member,
        mode_id,
        wanted.wording,
        version=wanted.version,
        reason=wanted.reason,
    )
    return VersionBody.model_validate(new)


@router.post("/{mode_id}/merge")
def merge_mode(screen: LeadScreen, mode_id: PathId, wanted: Heir) -> ModeBody:
    """Merge this mode into another: notes and examples move, labels are combined.

    A label is present where either was, absent where both were, unseen elsewhere. Answers with
    the mode that remains.
    """
    heir = modes.merge(screen.session, screen.member, source=mode_id, into=wanted.into)
    return ModeBody.model_validate(heir)


@router.post("/{mode_id}/retire")
def retire_mode(screen: LeadScreen, mode_id: PathId) -> ModeBody:
    """Take a mode out of use; its notes and labels stay with it."""
    return ModeBody.model_validate(modes.retire(screen.session, screen.member, mode_id))
