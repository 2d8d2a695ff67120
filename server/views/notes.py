"""Notes as lists show them: their words, and the way to where they were written."""

from dataclasses import dataclass

from sqlmodel import Session

from server.models.base import stored_id
from server.models.project import Member
from server.queries import notes as queries


@dataclass(frozen=True)
class NoteView:
    """A note with the external id of its trace and the path to it there."""

    id: int
    text: str
    trace: str
    path: str


def visible_notes(session: Session, member: Member) -> dict[int, NoteView]:
    """Return the notes people wrote, as far as the member may see them, by id."""
    base = f"/projects/{member.project.slug}/read"
    return {
        stored_id(note): NoteView(
            stored_id(note), note.text, trace, f"{base}/{note.trace_id}#note-{note.id}"
        )
        for note, trace in session.exec(queries.by_people(member.project_id, member))
    }
