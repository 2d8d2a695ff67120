"""People at work on a codebook, in any order: a state machine over the services.

After every decision it may be taken back and made again, which has to give the same rows byte for
byte; at the end the log has to tell the same story.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis.strategies as st
import sqlalchemy as sa
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlmodel import Session, col, select

from server.db import Database
from server.errors import FaultbookError
from server.models.base import stored_id
from server.models.event import Event
from server.models.grouping import Grouping
from server.models.journal import JOURNALED, as_json
from server.models.label import Label, LabelValue, merged_value
from server.models.mode import FailureMode, ModeStatus
from server.models.note import Note
from server.models.project import Member
from server.models.trace import Trace
from server.queries import modes as queries
from server.queries.filters import Filters
from server.services import (
    bulk_labels,
    events,
    groupings,
    labels,
    mode_splits,
    mode_upkeep,
    modes,
    notes,
    projects,
)
from server.services.bulk_labels import Bulk
from server.services.mode_splits import Part
from server.services.modes import Wording
from tests.factories import PROJECT_NAME, make_trace, member

Rows = dict[str, list[dict[str, Any]]]
PEOPLE = ("Lead", "Annotator A")
NOTES = ("adds wrong", "counts wrong", "invents a rule", "forgets the user", "stops early")
FIRST = ("Slip", "Miscount", "Invention", "Amnesia")
"""Modes that are there from the start."""
NAMES = (*FIRST, "Stop", "Other", "Loop", "Silence")

people = st.sampled_from(PEOPLE)
places = st.integers(0, 7)
values = st.sampled_from([*LabelValue, None])
chosen = st.lists(st.integers(0, len(NOTES) - 1), min_size=1, max_size=3)


def every_row(session: Session) -> Rows:
    """Every row that people decide, as the log would write it."""
    session.expire_all()
    return {
        table: [as_json(row) for row in session.exec(select(model).order_by(col(model.id))).all()]
        for table, model in JOURNALED.items()
    }


def check_replay(session: Session, project_id: int) -> None:
    """Forget what people decided and replay the log: the same rows come out."""
    expected = every_row(session)
    # Modes refer to modes: no order of taking them away would do.
    session.execute(sa.update(FailureMode).values(parent_id=None, merged_into=None))
    for model in reversed(JOURNALED.values()):
        if model.__name__ not in ("Project", "Round"):
            session.execute(sa.delete(model))
    session.expunge_all()
    events.replay(session, project_id)
    assert every_row(session) == expected


def prepare(database: Database) -> None:
    """A project with a trace for each of five notes, and four modes with two of the notes."""
    with database.writing() as session:
        project = projects.create(session, PROJECT_NAME)
        for number, text in enumerate(NOTES):
            trace = make_trace(session, project, f"t{number}", model=f"model-{number % 2}")
            notes.add_note(session, member(session, PEOPLE[number % 2]), stored_id(trace), text)
        made = [stored_id(modes.create(session, member(session), name)) for name in FIRST]
        for note_id, mode_id in zip((1, 2), made, strict=False):
            groupings.place(session, member(session), [note_id], mode_id)


class Deciding(RuleBasedStateMachine):
    """One project, several people; everything is rolled back at the end."""

    database: Database

    @initialize()
    def open(self) -> None:
        self.session = Session(self.database.engine)
        self.trace_ids = [*self.session.exec(select(col(Trace.id)).order_by(col(Trace.id)))]
        self.note_ids = [*self.session.exec(select(col(Note.id)).order_by(col(Note.id)))]

    def teardown(self) -> None:
        if hasattr(self, "session"):
            try:
                self._replay()
            finally:
                self.session.rollback()
                self.session.close()

    def _replay(self) -> None:
        check_replay(self.session, self._member("Lead").project_id)

    def _member(self, name: str) -> Member:
        return member(self.session, name)

    def _mode(self, place: int) -> int:
        """A mode: one in use for most places, any for the last two."""
        every = queries.of_project(self._member("Lead").project_id)
        some = queries.in_use(self._member("Lead").project_id)
        found = self.session.exec(every if place >= 6 else some).all()
        return stored_id(found[place % len(found)]) if found else 0

    def _notes(self, chosen: list[int]) -> list[int]:
        return [self.note_ids[place] or 0 for place in chosen]

    def _decide(self, name: str, decide: Callable[[Member], object], *, back: bool) -> bool:
        """Decide, and where `back` undo and redo it; what is refused is rolled back."""
        before = every_row(self.session)
        logged = self._events()
        request = self.session.begin_nested()
        try:
            decide(self._member(name))
        except FaultbookError:
            request.rollback()
            return False
        request.commit()
        if back and self._events() > logged:
            after = every_row(self.session)
            events.undo(self.session, self._member(name))
            assert every_row(self.session) == before
            events.redo(self.session, self._member(name))
            assert every_row(self.session) == after
        return True

    def _events(self) -> int:
        return len(self.session.exec(select(Event.id)).all())

    @rule(chosen=chosen, name=st.sampled_from(NAMES), back=st.booleans())
    def accept(self, chosen: list[int], name: str, back: bool) -> None:
        self._decide(
            "Lead",
            lambda who: groupings.accept_as_mode(self.session, who, self._notes(chosen), name),
            back=back,
        )

    @rule(chosen=chosen, place=places, back=st.booleans())
    def move(self, chosen: list[int], place: int, back: bool) -> None:
        self._decide(
            "Lead",
            lambda who: groupings.place(self.session, who, self._notes(chosen), self._mode(place)),
            back=back,
        )

    @rule(chosen=chosen, back=st.booleans())
    def take_out(self, chosen: list[int], back: bool) -> None:
        self._decide(
            "Lead",
            lambda who: groupings.take_out(self.session, who, self._notes(chosen)[0]),
            back=back,
        )

    @rule(chosen=chosen, back=st.booleans())
    def dismiss(self, chosen: list[int], back: bool) -> None:
        self._decide(
            "Lead",
            lambda who: groupings.dismiss(self.session, who, self._notes(chosen)),
            back=back,
        )

    @rule(source=places, into=places, back=st.booleans())
    def merge(self, source: int, into: int, back: bool) -> None:
        one, other = self._mode(source), self._mode(into)
        grouped = self._grouped()
        said = self._labels()
        if self._decide(
            "Lead", lambda who: modes.merge(self.session, who, source=one, into=other), back=back
        ):
            now = self._grouped()
            assert now[other] == grouped[one] + grouped[other]
            assert now.total() == grouped.total()
            pairs = {(trace, who) for mode, trace, who in said if mode in (one, other)}
            expected = {
                (other, *pair): value
                for pair in pairs
                if (value := merged_value(said.get((one, *pair)), said.get((other, *pair))))
            }
            kept = {key: value for key, value in said.items() if key[0] != other}
            assert self._labels() == kept | expected

    @rule(
        place=places,
        names=st.lists(st.sampled_from(NAMES), min_size=2, max_size=3),
        parts=st.lists(st.sampled_from([0, 1, None]), min_size=5, max_size=5),
        back=st.booleans(),
    )
    def split(self, place: int, names: list[str], parts: list[int | None], back: bool) -> None:
        mode_id = self._mode(place)
        inside = [x.note_id for x in self._groupings() if x.mode_id == mode_id]
        placed = dict(zip(inside, parts, strict=False))
        grouped, said = self._grouped(), self._labels()
        wanted = [Part(f"{name} {number}") for number, name in enumerate(names)]
        if self._decide(
            "Lead",
            lambda who: mode_splits.split(self.session, who, mode_id, wanted, placed),
            back=back,
        ):
            deferred = sum(part is None for part in placed.values())
            assert self._grouped().total() == grouped.total() - deferred
            assert self._labels() == said

    @rule(place=places, name=st.sampled_from(NAMES), back=st.booleans())
    def rename(self, place: int, name: str, back: bool) -> None:
        self._decide(
            "Lead",
            lambda who: modes.rename(self.session, who, self._mode(place), name),
            back=back,
        )

    @rule(place=places, parent=st.none() | places, back=st.booleans())
    def move_mode(self, place: int, parent: int | None, back: bool) -> None:
        under = None if parent is None else self._mode(parent)
        self._decide(
            "Lead",
            lambda who: mode_upkeep.reparent(self.session, who, self._mode(place), under),
            back=back,
        )

    @rule(place=places, status=st.sampled_from(ModeStatus), back=st.booleans())
    def set_status(self, place: int, status: ModeStatus, back: bool) -> None:
        self._decide(
            "Lead",
            lambda who: mode_upkeep.set_status(self.session, who, self._mode(place), status),
            back=back,
        )

    @rule(place=places, words=st.sampled_from(NAMES), back=st.booleans())
    def redefine(self, place: int, words: str, back: bool) -> None:
        def decide(who: Member) -> object:
            mode = modes.find(self.session, who, self._mode(place))
            wording = Wording(definition=words)
            return modes.redefine(self.session, who, stored_id(mode), wording, version=mode.version)

        self._decide("Lead", decide, back=back)

    @rule(name=people, trace=chosen, place=places, value=values, back=st.booleans())
    def label(
        self, name: str, trace: list[int], place: int, value: LabelValue | None, back: bool
    ) -> None:
        trace_id = self.trace_ids[trace[0]] or 0
        self._decide(
            name,
            lambda who: labels.label(self.session, who, trace_id, {self._mode(place): value}),
            back=back,
        )

    @rule(
        name=people,
        place=places,
        value=values,
        model=st.sampled_from(["", "model-0", "model-1"]),
        back=st.booleans(),
    )
    def label_in_bulk(
        self, name: str, place: int, value: LabelValue | None, model: str, back: bool
    ) -> None:
        filters = Filters.parse({"model": model} if model else {})
        wanted = Bulk(self._mode(place), value, filters)
        others = self._labels_but_of(name)
        counted: list[int] = []

        def decide(who: Member) -> None:
            told = bulk_labels.effect(self.session, who, wanted)
            before = self._labels()
            done = bulk_labels.apply(self.session, who, wanted, expected=told.total)
            now = self._labels()
            counted.append(sum(before.get(key) != now.get(key) for key in {*before, *now}))
            assert counted[0] == done.added + done.changed + done.removed

        self._decide(name, decide, back=back)
        assert self._labels_but_of(name) == others

    @rule(name=people)
    def undo(self, name: str) -> None:
        self._decide(name, lambda who: events.undo(self.session, who), back=False)

    @rule()
    def undo_with_dependents(self) -> None:
        self._decide(
            "Lead",
            lambda who: events.undo(self.session, who, with_dependents=True),
            back=False,
        )

    @rule(name=people)
    def redo(self, name: str) -> None:
        self._decide(name, lambda who: events.redo(self.session, who), back=False)

    @invariant()
    def nothing_stands_under_what_is_gone(self) -> None:
        """A note stands under one mode, and no mode above itself."""
        if not hasattr(self, "session"):
            return
        placed = [grouping.note_id for grouping in self._groupings()]
        assert len(placed) == len(set(placed))
        parents = {m.id: m.parent_id for m in self.session.exec(select(FailureMode))}
        for mode_id in parents:
            assert mode_id not in [*_above(parents, mode_id)]

    def _groupings(self) -> list[Grouping]:
        return [*self.session.exec(select(Grouping).order_by(col(Grouping.note_id)))]

    def _grouped(self) -> Counter[int]:
        return Counter(grouping.mode_id for grouping in self._groupings())

    def _labels(self) -> dict[tuple[int, int, int], LabelValue]:
        found = self.session.exec(select(Label))
        return {(x.mode_id, x.trace_id, x.annotator_id): x.value for x in found}

    def _labels_but_of(self, name: str) -> dict[tuple[int, int, int], LabelValue]:
        own = self._member(name).id
        return {key: value for key, value in self._labels().items() if key[2] != own}


def _above(parents: dict[int | None, int | None], mode_id: int | None) -> Iterator[int | None]:
    """The modes over a mode, until one comes twice."""
    seen: set[int | None] = set()
    current = parents[mode_id]
    while current is not None and current not in seen:
        seen.add(current)
        yield current
        current = parents[current]
