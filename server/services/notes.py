"""Notes: open codes on a trace, anchored to words, to a step, or to the whole run."""

from sqlmodel import Session, col, select

from server.db import lock
from server.errors import Conflict, Forbidden, Invalid, NotFound
from server.models.grouping import Grouping
from server.models.mode import ModeExample
from server.models.note import Anchor, Note
from server.models.project import Member
from server.queries import comments as comment_queries
from server.queries import notes as queries
from server.queries import traces as trace_queries
from server.services import traces
from server.services.events import Decision

NOTE_LIMIT = 20_000
_SUMMARY_LENGTH = 60


def add_note(
    session: Session,
    member: Member,
    trace_id: int,
    text: str,
    *,
    anchor: Anchor | None = None,
    is_first_failure: bool = False,
    is_independent: bool = False,
    again: bool = False,
) -> Note:
    """Write a note.

    Where it is sent `again`, because no answer came to an earlier try that may have been kept, the
    same words at the same place stay one note.

    Raises:
        Invalid: The text is empty or too long, or the anchor lies outside the step's text.
    """
    trace_name = traces.name_of(session, member, trace_id)
    text = _checked(text)
    anchor = anchor or Anchor()
    quote = _quote(session, trace_id, anchor)
    kept = session.exec(queries.same(trace_id, member.id, text, anchor)).first() if again else None
    if kept is not None:
        return kept
    decision = Decision(session, member, "note.added")
    note = decision.add(
        Note(
            trace_id=trace_id,
            annotator_id=member.id,
            text=text,
            is_first_failure=is_first_failure,
            is_independent=is_independent,
            step=anchor.step,
            start=anchor.start,
            end=anchor.end,
            quote=quote,
        )
    )
    decision.record(f"note «{shortened(text)}» on {trace_name}")
    return note


def edit_note(session: Session, member: Member, note_id: int, text: str, *, version: int) -> Note:
    """Change the words of one's own note.

    Raises:
        Conflict: The note was changed since `version`; `detail` holds both texts.
        Forbidden: It is somebody else's.
    """
    note = own_note(session, member, note_id)
    text = _checked(text)
    if note.version != version:
        raise Conflict(
            "This note was changed meanwhile, in another tab. Both texts are kept: choose.",
            detail={
                "note_id": note_id,
                "yours": text,
                "theirs": note.text,
                "version": note.version,
            },
        )
    if note.text != text:
        decision = Decision(session, member, "note.edited")
        decision.change(note, text=text, version=note.version + 1)
        decision.record(f"edit of note «{shortened(text)}»")
    return note


def mark_independent(session: Session, member: Member, note_id: int, value: bool) -> Note:
    """Say of one's own note whether it tells of a failure that does not follow from the first."""
    note = own_note(session, member, note_id)
    if note.is_independent != value:
        decision = Decision(session, member, "note.marked")
        decision.change(note, is_independent=value)
        said = "an independent failure" if value else "no independent failure"
        decision.record(f"mark of note «{shortened(note.text)}» as {said}")
    return note


def remove_note(session: Session, member: Member, note_id: int) -> Note:
    """Take one's own note away, with its place in the codebook; undo brings both back.

    What others said under it stays, in the discussion of the trace.
    """
    note = own_note(session, member, note_id)
    decision = Decision(session, member, "note.removed")
    for dependent in (
        *session.exec(select(Grouping).where(col(Grouping.note_id) == note_id)),
        *session.exec(select(ModeExample).where(col(ModeExample.note_id) == note_id)),
    ):
        decision.remove(dependent)
    for comment in session.exec(comment_queries.under_note(note_id)):
        decision.change(comment, note_id=None)
    session.flush()
    decision.remove(note)
    decision.record(f"removal of note «{shortened(note.text)}»")
    return note


def own_note(session: Session, member: Member, note_id: int) -> Note:
    """Return a note of the member's own."""
    note = session.exec(queries.one(member.project_id, note_id)).first()
    if note is None or (note.annotator_id != member.id and member.is_blind):
        raise NotFound(f"This project has no note {note_id}.")
    if note.annotator_id != member.id:
        raise Forbidden("This is somebody else's note: write one of your own beside it.")
    lock(session, note)
    return note


def shortened(text: str) -> str:
    """Return the first words of a text, for one line of a log."""
    line = " ".join(text.split())
    return line if len(line) <= _SUMMARY_LENGTH else f"{line[: _SUMMARY_LENGTH - 1]}…"


def _checked(text: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid("The note is empty: write what went wrong.")
    if len(text) > NOTE_LIMIT:
        raise Invalid(f"The note has {len(text):,} characters; at most {NOTE_LIMIT:,} fit.")
    return text


def _quote(session: Session, trace_id: int, anchor: Anchor) -> str:
    if anchor.step is None:
        if anchor.start is not None or anchor.end is not None:
            raise Invalid("An anchor needs the step that its characters lie in.")
        return ""
    step = session.exec(trace_queries.step_at(trace_id, anchor.step)).first()
    if step is None:
        raise Invalid(f"This trace has no step {anchor.step + 1}.")
    if anchor.start is None or anchor.end is None:
        return ""
    if not 0 <= anchor.start < anchor.end <= len(step.text):
        raise Invalid(
            f"Characters {anchor.start} to {anchor.end} lie outside step {anchor.step + 1}, "
            f"which has {len(step.text)}."
        )
    return step.text[anchor.start : anchor.end]
