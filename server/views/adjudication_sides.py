"""What everybody says of one trace, person by person, and the last words to choose from."""

from dataclasses import dataclass

from sqlmodel import Session

from server.models.base import stored_id
from server.models.display_profile import DisplayProfile
from server.models.label import Label, LabelValue
from server.models.mode import HUES, FailureMode
from server.models.note import Note
from server.models.project import AnnotatorKind, Member
from server.models.trace import Trace
from server.models.verdict import Verdict, VerdictValue
from server.queries import gold as queries
from server.queries import labels, modes, notes, readings, verdicts
from server.queries import ratings as people_queries
from server.views.conversation import Annotated, Conversation, Outline, conversation

_KEYS = "123456789"


@dataclass(frozen=True)
class NoteOfSide:
    text: str
    quote: str
    href: str
    hue: int
    mode: str
    """Name of the mode it stands under."""


@dataclass(frozen=True)
class Side:
    """One person's answer with all they wrote on the trace."""

    name: str
    answer: str
    is_stale: bool
    version: int
    verdict: str
    step: str
    notes: tuple[NoteOfSide, ...]


@dataclass(frozen=True)
class Option:
    """One last word to choose; `value` is what the form sends."""

    value: str
    label: str
    key: str
    is_chosen: bool


@dataclass(frozen=True)
class Decided:
    """The last word that stands."""

    choice: str
    """The value of its option."""
    words: str
    reason: str
    by: str


class TraceSaid:
    """What everybody says of one trace, read once."""

    def __init__(
        self, session: Session, member: Member, trace: Trace, mode: FailureMode | None
    ) -> None:
        self._session = session
        self._trace = trace
        self._mode = mode
        trace_id = stored_id(trace)
        profile = DisplayProfile.read(member.project.display_profile)
        self._outline = Outline(session, trace_id, profile)
        names = session.execute(people_queries.names(member.project_id))
        self._people = {who: name for who, name in names if who is not None}
        self._labels: dict[int, Label] = {}
        if mode is not None:
            every = session.exec(labels.of_trace(trace_id)).all()
            self._labels = {x.annotator_id: x for x in every if x.mode_id == mode.id}
        self._verdicts: dict[int, Verdict] = {
            x.annotator_id: x for x in session.exec(verdicts.of_trace(trace_id)) if x.submitted_at
        }
        self._notes = [
            note
            for note, author in session.execute(
                readings.notes_with_authors(), {"trace_id": trace_id}
            )
            if author.kind is AnnotatorKind.HUMAN
        ]
        self._under = {
            grouping.note_id: grouping.mode_id
            for grouping in session.exec(notes.groupings_on_trace(trace_id))
        }
        every_mode = session.exec(modes.of_project(member.project_id)).all()
        self._modes = {stored_id(one): one for one in every_mode}
        self._gold_verdict = session.exec(queries.verdict(trace_id)).first()
        self._gold_label = (
            session.exec(queries.label(trace_id, stored_id(mode))).first() if mode else None
        )

    def _who(self) -> list[int]:
        said = {*self._labels, *self._verdicts, *(note.annotator_id for note in self._notes)}
        return sorted(who for who in said if who in self._people)

    def sides(self) -> tuple[Side, ...]:
        """Return what each person says, in the order in which they joined."""
        return tuple(self._side(who, place) for place, who in enumerate(self._who()))

    def _side(self, who: int, place: int) -> Side:
        verdict, label = self._verdicts.get(who), self._labels.get(who)
        step = verdict.first_failure_step if verdict else None
        is_stale = bool(self._mode and label and label.mode_version < self._mode.version)
        value = verdict.value.value if verdict else ""
        answer = value or "no verdict" if self._mode is None else "unseen"
        return Side(
            name=self._people[who],
            answer=label.value.value if label else answer,
            is_stale=is_stale,
            version=label.mode_version if label else 0,
            verdict=value,
            step="" if step is None else f"step {self._outline.label(step)}",
            notes=tuple(
                self._note(note, place) for note in self._notes if note.annotator_id == who
            ),
        )

    def _note(self, note: Note, place: int) -> NoteOfSide:
        mode = self._modes.get(self._under.get(stored_id(note), 0))
        anchor = f"#anchor-{note.id}" if note.start is not None else f"#step-{(note.step or 0) + 1}"
        return NoteOfSide(
            text=note.text,
            quote=note.quote,
            href="" if note.step is None else anchor,
            hue=place % HUES + 1,
            mode=mode.name if mode else "",
        )

    def options(self, typed: str) -> tuple[Option, ...]:
        """Return the last words to choose from: those that people gave, and what else there is."""
        decided = self.decided()
        chosen = typed or (decided.choice if decided else "")
        pairs = self._verdict_options()
        if self._mode is not None:
            pairs = [(value.value, value.value) for value in LabelValue]
        keys = [*_KEYS, *[""] * len(pairs)]
        return tuple(
            Option(value, label, key, value == chosen)
            for (value, label), key in zip(pairs, keys, strict=False)
        )

    def _verdict_options(self) -> list[tuple[str, str]]:
        named = {said.first_failure_step for said in self._verdicts.values()}
        if self._gold_verdict:
            named.add(self._gold_verdict.first_failure_step)
        steps = sorted(step for step in named if step is not None)
        failed = VerdictValue.FAIL.value
        return [
            (VerdictValue.PASS.value, "pass"),
            *((f"{failed}:{step}", f"fail at step {self._outline.label(step)}") for step in steps),
            (failed, "fail, no step" if steps else "fail"),
        ]

    def decided(self) -> Decided | None:
        """Return the last word that stands, if there is one."""
        label, verdict = self._gold_label, self._gold_verdict
        if self._mode is not None:
            if label is None:
                return None
            return Decided(
                label.value.value, label.value.value, label.reason, self._by(label.decided_by)
            )
        if verdict is None:
            return None
        step, value = verdict.first_failure_step, verdict.value.value
        by = self._by(verdict.decided_by)
        if step is None:
            return Decided(value, value, verdict.reason, by)
        words = f"{value} at step {self._outline.label(step)}"
        return Decided(f"{value}:{step}", words, verdict.reason, by)

    def _by(self, annotator_id: int | None) -> str:
        return self._session.exec(queries.author(annotator_id)).first() or "somebody"

    def conversation(self, base: str) -> Conversation:
        """Return the trace with everybody's notes, each person's in one colour."""
        places = {who: place for place, who in enumerate(self._who())}
        hues = {who: place % HUES + 1 for who, place in places.items()}
        annotated = [Annotated(note, hues[note.annotator_id]) for note in self._notes]
        url = f"{base}/read/{stored_id(self._trace)}"
        return conversation(self._outline, url, annotated, None, can_choose=False)
