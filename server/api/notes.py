"""Notes: open codes on a whole trace, on a step, or on words of a step."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from server.api.fields import Asked, Flag, Id, Number, PathId, QueryId, Told, Version
from server.api.limits import LimitedRoute
from server.api.pages import Page, SpanQuery
from server.db import shares_commit, writes
from server.models.note import Anchor
from server.routes.screen import AnnotatorScreen, Reader
from server.services import notes, readings
from server.services.notes import NOTE_LIMIT
from server.views import listings

router = APIRouter(prefix="/projects/{slug}/notes", tags=["notes"], route_class=LimitedRoute)

Text = Annotated[
    Told, Field(max_length=NOTE_LIMIT, examples=["Answers the puzzle it knows, not the one asked"])
]


class NoteBody(BaseModel):
    """One note."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    trace_id: int
    annotator_id: int
    text: str
    is_first_failure: bool
    is_independent: Annotated[
        bool, Field(description="A failure that does not follow from the first one.")
    ]
    step: Annotated[
        int | None, Field(description="0-based position of its step; null: the whole run.")
    ]
    start: Annotated[
        int | None, Field(description="First character (code point) of the step's text.")
    ]
    end: Annotated[int | None, Field(description="The character behind the last one.")]
    quote: Annotated[str, Field(description="The words between start and end.")]
    version: int
    created_at: datetime


class NewNote(Asked):
    """A note to write."""

    trace_id: Id
    text: Text
    step: Annotated[
        Number | None, Field(description="0-based; leave it out for the whole run.")
    ] = None
    start: Annotated[Number | None, Field(description="Needs step and end.")] = None
    end: Number | None = None
    is_first_failure: Flag = False
    is_independent: Flag = False

    @property
    def anchor(self) -> Anchor:
        """Where it is tied to."""
        return Anchor(self.step, self.start, self.end)


class NewText(Asked):
    """Other words for a note."""

    text: Text
    version: Version


@router.get("")
@writes
def list_notes(
    screen: Reader, span: SpanQuery, trace_id: QueryId = None, annotator_id: QueryId = None
) -> Page[NoteBody]:
    """The notes that you may see, in the order of writing."""
    found = listings.notes(
        screen.session, screen.member, span, trace_id=trace_id, annotator_id=annotator_id
    )
    readings.reveal_all(screen.session, screen.member, found.rows)
    return Page[NoteBody].of(found)


@router.post("", status_code=201)
@shares_commit
def create_note(screen: AnnotatorScreen, wanted: NewNote) -> NoteBody:
    """Write a note as yourself."""
    note = notes.add_note(
        screen.session,
        screen.member,
        wanted.trace_id,
        wanted.text,
        anchor=wanted.anchor,
        is_first_failure=wanted.is_first_failure,
        is_independent=wanted.is_independent,
    )
    return NoteBody.model_validate(note)


@router.get("/{note_id}")
@writes
def show_note(screen: Reader, note_id: PathId) -> NoteBody:
    """One note."""
    note = listings.note(screen.session, screen.member, note_id)
    readings.reveal_all(screen.session, screen.member, [note])
    return NoteBody.model_validate(note)


@router.patch("/{note_id}")
def edit_note(screen: AnnotatorScreen, note_id: PathId, wanted: NewText) -> NoteBody:
    """Change the words of your own note.

    Where it was changed since `version`, nothing is written: 409 holds `yours` and `theirs`.
    """
    note = notes.edit_note(
        screen.session, screen.member, note_id, wanted.text, version=wanted.version
    )
    return NoteBody.model_validate(note)


@router.delete("/{note_id}", status_code=204)
def delete_note(screen: AnnotatorScreen, note_id: PathId) -> None:
    """Take your own note away; undo brings it back with its place in the codebook."""
    notes.remove_note(screen.session, screen.member, note_id)
