"""Notes as lists show them: their words, and the way to where they were written."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from server.models.project import Member
from server.queries import notes as queries


class NoteView(NamedTuple):
    """A note with the external id of its trace and the path to it there."""

    id: int
    text: str
    trace: str
    path: str


def visible_notes(session: Session, member: Member) -> dict[int, NoteView]:
    """Return the notes people wrote, as far as the member may see them, by id."""
    return note_views(session, member, queries.shown(member.project_id, member))


def note_views(
    session: Session, member: Member, statement: sa.Select[int | None, int, str, str]
) -> dict[int, NoteView]:
    """Return the notes whose id, trace, text and trace's external id a statement finds, by id."""
    base = f"/projects/{member.project.slug}/read"
    return {
        note_id: NoteView(note_id, text, trace, f"{base}/{trace_id}#note-{note_id}")
        for note_id, trace_id, text, trace in session.execute(statement)
        if note_id is not None
    }
