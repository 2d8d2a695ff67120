"""Finishing the reading of a trace, and looking at others' work before that."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Protocol

from sqlmodel import Session

from server.errors import Conflict, NotFound
from server.models.journal import RowName
from server.models.note import Anchor
from server.models.project import Member
from server.models.verdict import Verdict
from server.queries import events as queries
from server.queries import readings as reading_queries
from server.queries import verdicts as verdict_queries
from server.services import batches, events, notes, queue, traces, verdicts


class OthersRow(Protocol):
    """What somebody made on a trace."""

    trace_id: int
    annotator_id: int


def finish(
    session: Session,
    member: Member,
    trace_id: int,
    *,
    text: str = "",
    anchor: Anchor | None = None,
    seconds: float | None = None,
    lease: str = "",
    again: bool = False,
) -> Verdict:
    """Keep a note still in the box, if there is one, submit the verdict, give the claim back.

    Args:
        session: An open, writing session.
        member: Who read.
        trace_id: What.
        text: The note still in the box.
        anchor: What that note is about.
        seconds: How long they read.
        lease: Token of the claim under which they read; empty where they read without one.
        again: No answer came to an earlier try, which may have kept the note.

    Raises:
        Invalid: There is no verdict yet; nothing is kept then.
        Conflict: The claim ended and somebody else has their place.
    """
    verdict = verdicts.submit(session, member, trace_id, seconds=seconds)
    if not queue.hand_in(session, member, trace_id, lease):
        raise Conflict(
            "Your claim on this trace had ended, and somebody else has taken your place meanwhile. "
            "What you typed is kept here: save again to hand it in as an extra reading."
        )
    if text.strip():
        notes.add_note(session, member, trace_id, text, anchor=anchor, again=again)
    return verdict


def next_trace_id(
    session: Session,
    member: Member,
    *,
    after: int | None = None,
    lasting: timedelta = queue.LEASE,
) -> int | None:
    """Return the next trace to read, claimed for those who may judge it; None at the end."""
    if not member.may_annotate:
        return batches.next_trace_id(session, member, after=after)
    claim = queue.claim_next(session, member, after=after, lasting=lasting)
    return None if claim is None else claim.trace_id


def reveal(session: Session, member: Member, trace_id: int) -> None:
    """Let a lead see what others say about a trace before submitting; the log says so."""
    trace = traces.find(session, member, trace_id)
    if not has_revealed(session, member, trace_id):
        events.note_event(
            session,
            member,
            queries.REVEALED,
            f"looked at others' work on {trace.external_id} before submitting",
            {"trace_id": trace_id},
            about=[RowName("trace", str(trace_id))],
        )


def reveal_all(session: Session, member: Member, rows: Iterable[OthersRow]) -> None:
    """Log which traces a lead now knows others' work on without having submitted their own.

    Where nothing may be written in the project, nothing is: no verdict can follow, either.
    """
    if member.is_blind or not (member.project.blind and member.project.is_open):
        return
    looked = {row.trace_id for row in rows if row.annotator_id != member.id}
    for submitted in session.exec(verdict_queries.submitted_among(member.id, looked)):
        looked.discard(submitted)
    for known in session.exec(queries.revealed_among(member.project_id, member.id, looked)):
        looked.discard(int(known))
    if looked:
        number = f"{len(looked):,} {'trace' if len(looked) == 1 else 'traces'}"
        events.note_event(
            session,
            member,
            queries.REVEALED,
            f"looked at others' work on {number} before submitting",
            {"trace_ids": sorted(looked)},
            about=[RowName("trace", str(trace_id)) for trace_id in sorted(looked)],
        )


def may_see_others(session: Session, member: Member, trace_id: int) -> bool:
    """Whether the member may see what others say of a trace; leads may, which is logged."""
    if not member.is_blind:
        return True
    return session.exec(verdict_queries.submitted_on(member.id, trace_id)).first() is not None


def open_to(session: Session, member: Member, trace_id: int) -> None:
    """Let the member look at others' work; what a lead sees before submitting is logged.

    Raises:
        Conflict: They have to submit their own verdict first.
    """
    if not may_see_others(session, member, trace_id):
        raise Conflict("Submit your own verdict first: until then others' work stays hidden.")
    submitted = session.exec(verdict_queries.submitted_on(member.id, trace_id)).first()
    if member.project.blind and submitted is None:
        reveal(session, member, trace_id)


def has_revealed(session: Session, member: Member, trace_id: int) -> bool:
    """Whether the member has looked at others' work on a trace before submitting."""
    statement = queries.revealed(member.project_id, member.id, trace_id)
    return session.exec(statement).first() is not None


def locate(session: Session, member: Member, wanted: str, *, beside: int | None = None) -> int:
    """Return the trace of that external id, or at that place of the batch that `beside` is in.

    Raises:
        NotFound: There is no such trace.
    """
    wanted = wanted.strip()
    found = session.exec(reading_queries.called(member.project_id, wanted)).first()
    if found is None and wanted.isdecimal():
        asked = {"project_id": member.project_id, "trace_id": beside or 0}
        here = session.exec(reading_queries.place_in_batch(), params=asked).first()
        if here is not None:
            found = session.exec(reading_queries.at_place(here.batch_id, int(wanted) - 1)).first()
    if found is None:
        raise NotFound(
            f"No trace is called «{wanted}». Give its id, or its number in the batch you read."
        )
    return found
