"""What one member may see of one trace, loaded once for the page or for parts of it."""

from dataclasses import dataclass
from enum import StrEnum

from sqlmodel import Session

from server.models.base import stored_id
from server.models.display_profile import DisplayProfile
from server.models.mode import HUES
from server.models.note import Note
from server.models.project import Annotator, Member
from server.models.trace import Trace
from server.models.verdict import Verdict
from server.queries import events, verdicts
from server.queries import readings as queries
from server.views.conversation import Annotated, Outline


class Sight(StrEnum):
    """Why others' work on the trace is shown, or what would show it."""

    SHOWN = "shown"
    HIDDEN = "hidden"
    """Until one's own verdict is submitted."""
    OFFERED = "offered"
    """Hidden, but a lead may look, which is logged."""


@dataclass(frozen=True)
class Reading:
    """What one member sees of one trace: loaded once, shown as page or as parts of it."""

    session: Session
    member: Member
    trace: Trace
    url: str
    outline: Outline
    verdict: Verdict | None
    sight: Sight
    own: tuple[Note, ...]
    foreign: tuple[tuple[Note, Annotator], ...]

    @property
    def first_failure(self) -> int | None:
        return self.verdict.first_failure_step if self.verdict else None

    @property
    def can_annotate(self) -> bool:
        return self.member.may_annotate

    @property
    def annotated(self) -> tuple[Annotated, ...]:
        notes = (*self.own, *(note for note, _ in self.foreign))
        return tuple(Annotated(note, place % HUES + 1) for place, note in enumerate(notes))


def reading(session: Session, member: Member, trace: Trace) -> Reading:
    """Load what the member may see of a trace."""
    trace_id = stored_id(trace)
    verdict = _own_verdict(session, member, trace_id)
    sight = _sight(session, member, trace_id)
    rows = [
        (note, author)
        for note, author in session.execute(queries.notes_with_authors(), {"trace_id": trace_id})
    ]
    return Reading(
        session=session,
        member=member,
        trace=trace,
        url=f"/projects/{member.project.slug}/read/{trace_id}",
        outline=Outline(session, trace_id, DisplayProfile.read(member.project.display_profile)),
        verdict=verdict,
        sight=sight,
        own=tuple(note for note, author in rows if author.id == member.id),
        foreign=tuple(
            (note, author)
            for note, author in rows
            if author.id != member.id and sight is Sight.SHOWN
        ),
    )


def _own_verdict(session: Session, member: Member, trace_id: int) -> Verdict | None:
    asked = {
        "trace_id": trace_id,
        "annotator_id": member.id,
        "project_id": member.project_id,
    }
    return session.exec(verdicts.own_in_latest_round(), params=asked).first()


def _sight(session: Session, member: Member, trace_id: int) -> Sight:
    asked = {"annotator_id": member.id, "trace_id": trace_id}
    if not member.project.blind or session.exec(verdicts.submitted(), params=asked).first():
        return Sight.SHOWN
    if member.is_blind:
        return Sight.HIDDEN
    looked = events.revealed(member.project_id, member.id, trace_id)
    return Sight.SHOWN if session.exec(looked).first() is not None else Sight.OFFERED
