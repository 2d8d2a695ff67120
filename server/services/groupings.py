"""Axial coding: placing notes under failure modes, and refusing suggestions for good."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlmodel import Session, col, select

from server.errors import Conflict, Invalid, NotFound
from server.models.base import stored_id, utc_now
from server.models.grouping import (
    Grouping,
    Rejection,
    Suggestion,
    SuggestionDecision,
    SuggestionKind,
)
from server.models.mode import FailureMode
from server.models.note import Note
from server.models.project import Member
from server.queries import notes as queries
from server.services import modes
from server.services.assistant_runs import Taken
from server.services.events import Decision
from server.services.modes import Wording
from server.services.suggestion_answers import ShownModes, answer_for_note


@dataclass(frozen=True)
class Offer:
    """The draft group that a decision answers: the run it came from and what it proposed."""

    run_id: int
    candidates: tuple[dict[str, Any], ...] = ()


def accept_as_mode(
    session: Session,
    member: Member,
    note_ids: Sequence[int],
    name: str,
    *,
    wording: Wording | None = None,
    offer: Offer | None = None,
    shown: ShownModes | None = None,
    taken: Taken | None = None,
) -> FailureMode:
    """Make a failure mode of a group of notes, as one undoable decision.

    With `shown`, the modes that were suggested for a single note and of which none was taken; with
    `taken`, the machine's proposal that its name and definition come from.
    """
    notes = _find_notes(session, member, note_ids)
    decision = Decision(session, member, "mode.created")
    suggestion = _answer(decision, member, notes, offer, SuggestionDecision.ACCEPTED)
    mode = modes.add_mode(session, member, decision, name, wording or Wording())
    if shown is not None and suggestion is None:
        suggestion = answer_for_note(decision, member, notes, shown, stored_id(mode))
    _place_all(session, decision, member, notes, mode, suggestion)
    said, proposal = (taken.words, {"proposal": asdict(taken)}) if taken else ("", {})
    decision.record(f"new failure mode «{mode.name}» from {_count(notes)}{said}", **proposal)
    return mode


def place(
    session: Session,
    member: Member,
    note_ids: Sequence[int],
    mode_id: int,
    *,
    offer: Offer | None = None,
    shown: ShownModes | None = None,
) -> FailureMode:
    """Put notes under an existing mode, wherever they stood before.

    With `shown`, the modes that were suggested for a single note: what was taken is kept.
    """
    notes = _find_notes(session, member, note_ids)
    mode = modes.find_in_use(session, member, mode_id)
    decision = Decision(session, member, "notes.grouped")
    suggestion = _answer(decision, member, notes, offer, SuggestionDecision.ACCEPTED)
    if shown is not None and suggestion is None:
        suggestion = answer_for_note(decision, member, notes, shown, mode_id)
    _place_all(session, decision, member, notes, mode, suggestion)
    decision.record(f"{_count(notes)} to «{mode.name}»")
    return mode


def take_out(session: Session, member: Member, note_id: int) -> Note:
    """Take a note out of its mode; that pair is never suggested again."""
    note = _find_notes(session, member, [note_id])[0]
    grouping = session.exec(queries.grouping_of(note_id)).first()
    if grouping is None:
        raise Conflict("This note stands under no failure mode.")
    mode = modes.find(session, member, grouping.mode_id)
    decision = Decision(session, member, "note.ungrouped")
    _refuse(session, member, decision, grouping)
    decision.record(f"note taken out of «{mode.name}»")
    return note


def take_all_out(session: Session, member: Member, note_ids: Sequence[int]) -> int:
    """Take those of the notes that stand under a mode out of it, as one undoable decision.

    Returns:
        How many did.

    Raises:
        Conflict: None of them stands under a mode.
    """
    notes = _find_notes(session, member, note_ids)
    found = [session.exec(queries.grouping_of(stored_id(note))).first() for note in notes]
    groupings = [grouping for grouping in found if grouping is not None]
    if not groupings:
        raise Conflict("None of these notes stands under a failure mode.")
    decision = Decision(session, member, "note.ungrouped")
    for grouping in groupings:
        _refuse(session, member, decision, grouping)
    taken = "note" if len(groupings) == 1 else f"{len(groupings)} notes"
    decision.record(f"{taken} taken out of failure modes")
    return len(groupings)


def _refuse(session: Session, member: Member, decision: Decision, grouping: Grouping) -> None:
    """Take a note out of its mode, and remember that it does not belong there."""
    note_id, mode_id = grouping.note_id, grouping.mode_id
    decision.remove(grouping)
    if (known := _rejection(session, note_id, mode_id)) is not None:
        # Anew, for an edit of the note since then would let the old refusal lapse.
        decision.remove(known)
    decision.add(
        Rejection(
            project_id=member.project_id, note_id=note_id, mode_id=mode_id, created_by=member.id
        )
    )


def dismiss(
    session: Session, member: Member, note_ids: Sequence[int], *, offer: Offer | None = None
) -> None:
    """Refuse a draft group: these notes are never offered as one group again."""
    notes = _find_notes(session, member, note_ids)
    decision = Decision(session, member, "group.dismissed")
    _answer(decision, member, notes, offer, SuggestionDecision.REJECTED)
    decision.add(
        Rejection(
            project_id=member.project_id,
            note_ids=sorted(set(note_ids)),
            created_by=member.id,
        )
    )
    decision.record(f"dismissal of a group of {_count(notes)}")


def _find_notes(session: Session, member: Member, note_ids: Sequence[int]) -> list[Note]:
    if not note_ids:
        raise Invalid("No notes chosen: select at least one.")
    wanted = set(note_ids)
    statement = queries.of_project(member.project_id).where(col(Note.id).in_(wanted))
    notes = list(session.exec(statement))
    if missing := wanted - {stored_id(note) for note in notes}:
        gone = ", ".join(map(str, sorted(missing)))
        raise NotFound(f"These notes are gone meanwhile: {gone}. Nothing was changed.")
    return notes


def _answer(
    decision: Decision,
    member: Member,
    notes: Sequence[Note],
    offer: Offer | None,
    answer: SuggestionDecision,
) -> Suggestion | None:
    if offer is None:
        return None
    return decision.add(
        Suggestion(
            project_id=member.project_id,
            run_id=offer.run_id,
            kind=SuggestionKind.GROUP,
            target={"notes": [stored_id(note) for note in notes]},
            candidates=list(offer.candidates),
            decision=answer,
            decided_by=member.id,
            decided_at=utc_now(),
        )
    )


def _place_all(
    session: Session,
    decision: Decision,
    member: Member,
    notes: Sequence[Note],
    mode: FailureMode,
    suggestion: Suggestion | None,
) -> None:
    mode_id = stored_id(mode)
    for note in notes:
        note_id = stored_id(note)
        if (refused := _rejection(session, note_id, mode_id)) is not None:
            decision.remove(refused)
        grouping = session.exec(queries.grouping_of(note_id)).first()
        suggestion_id = None if suggestion is None else suggestion.id
        if grouping is None:
            decision.add(
                Grouping(
                    note_id=note_id,
                    mode_id=mode_id,
                    created_by=member.id,
                    suggestion_id=suggestion_id,
                )
            )
        elif grouping.mode_id != mode_id:
            decision.change(
                grouping, mode_id=mode_id, created_by=member.id, suggestion_id=suggestion_id
            )


def _rejection(session: Session, note_id: int, mode_id: int) -> Rejection | None:
    return session.exec(
        select(Rejection).where(Rejection.note_id == note_id, Rejection.mode_id == mode_id)
    ).first()


def _count(notes: Sequence[Note]) -> str:
    return "1 note" if len(notes) == 1 else f"{len(notes)} notes"
