"""Groupings: under which failure mode each note stands. A note stands under one mode at most."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from server.api.fields import Asked, Id, PathId, QueryId
from server.api.limits import LimitedRoute
from server.api.modes import ModeBody
from server.api.pages import Page, SpanQuery
from server.routes.screen import LeadScreen, Reader
from server.services import groupings
from server.views import listings

router = APIRouter(
    prefix="/projects/{slug}/groupings", tags=["groupings"], route_class=LimitedRoute
)


class GroupingBody(BaseModel):
    """A note under a mode."""

    model_config = ConfigDict(from_attributes=True)

    note_id: int
    mode_id: int
    created_by: int | None
    created_at: datetime


class Placement(Asked):
    """Notes, and the mode they are to stand under."""

    mode_id: Id
    note_ids: Annotated[list[Id], Field(min_length=1, max_length=1000)]


@router.get("")
def list_groupings(screen: Reader, span: SpanQuery, mode_id: QueryId = None) -> Page[GroupingBody]:
    """Where the notes stand."""
    found = listings.groupings(screen.session, screen.member, span, mode_id=mode_id)
    return Page[GroupingBody].of(found)


@router.put("")
def place_notes(screen: LeadScreen, wanted: Placement) -> ModeBody:
    """Put notes under a mode, wherever they stood before, as one decision."""
    mode = groupings.place(screen.session, screen.member, wanted.note_ids, wanted.mode_id)
    return ModeBody.model_validate(mode)


@router.delete("/{note_id}", status_code=204)
def take_note_out(screen: LeadScreen, note_id: PathId) -> None:
    """Take a note out of its mode; that pair is never suggested again."""
    groupings.take_out(screen.session, screen.member, note_id)
