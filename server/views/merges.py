"""What merging one mode into another would move, before it happens."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from sqlmodel import Session

from server.models.base import stored_id
from server.models.label import LabelValue, merged_value
from server.models.mode import FailureMode
from server.models.project import Member
from server.queries import labels as label_queries
from server.queries import modes as queries
from server.queries import notes as note_queries
from server.queries import traces, visible
from server.views.annotators import annotator_names

GOLD = "gold"
PRESENT, ABSENT = LabelValue.PRESENT, LabelValue.ABSENT
UNSEEN = "unseen"
_NOBODY = 0
LISTED = 200
"""Notes, and labels that change, that the preview lists; the counts are of all."""


@dataclass(frozen=True)
class ModeChoice:
    id: int
    name: str
    hue: int


@dataclass(frozen=True)
class LabelMove:
    """One label that is not afterwards what it is now."""

    trace: str
    annotator: str
    of_source: str
    of_target: str
    becomes: str


@dataclass(frozen=True)
class MergeCount:
    """How many there are before, in each mode, and afterwards in the one that stays."""

    what: str
    source: int
    target: int
    after: int


@dataclass(frozen=True)
class MergePreview:
    source: ModeChoice
    target: ModeChoice
    counts: tuple[MergeCount, ...]
    notes: tuple[str, ...]
    """The first of them."""
    note_count: int
    examples: int
    labels: tuple[LabelMove, ...]
    """The first of those that change."""
    label_count: int
    kept_labels: int
    """Labels of the target that stay as they are."""


@dataclass(frozen=True)
class MergePage:
    path: str
    choices: tuple[ModeChoice, ...]
    source: int | None
    into: int | None
    problem: str
    preview: MergePreview | None


def merge_page(session: Session, member: Member, source: int | None, into: int | None) -> MergePage:
    """Build the choice of two modes and, once both are chosen, exactly what moves."""
    in_use = {stored_id(m): m for m in session.exec(queries.in_use(member.project_id))}
    preview = None
    problem = ""
    if source is not None and source == into:
        problem = "A mode can't be merged into itself: choose two."
    elif source in in_use and into in in_use:
        preview = _preview(session, member, in_use[source], in_use[into])
    elif source is not None and into is not None:
        problem = "One of these modes was merged or retired meanwhile: choose another."
    return MergePage(
        path=f"/projects/{member.project.slug}/modes/merge",
        choices=tuple(_choice(mode) for mode in in_use.values()),
        source=source,
        into=into,
        problem=problem,
        preview=preview,
    )


def _choice(mode: FailureMode) -> ModeChoice:
    return ModeChoice(stored_id(mode), mode.name, mode.colour)


def _preview(
    session: Session, member: Member, source: FailureMode, target: FailureMode
) -> MergePreview:
    source_id, target_id = stored_id(source), stored_id(target)
    values = _Values(_values(session, source_id), _values(session, target_id))
    moves = [who for who in values.everybody if values.after(who) != values.ours.get(who)]
    notes = session.exec(note_queries.under(source_id).limit(LISTED)).all()
    examples = session.exec(visible.count(queries.examples(source_id))).one()
    note_count = session.exec(note_queries.under_count(source_id)).one()
    return MergePreview(
        source=_choice(source),
        target=_choice(target),
        counts=(
            _sum("notes", note_count, session.exec(note_queries.under_count(target_id)).one()),
            _sum(
                "examples", examples, session.exec(visible.count(queries.examples(target_id))).one()
            ),
            *(_label_count(value, values) for value in (PRESENT, ABSENT)),
        ),
        notes=tuple(note.text for note in notes),
        note_count=note_count,
        examples=examples,
        labels=_moves(session, member, values, sorted(moves)[:LISTED]),
        label_count=len(moves),
        kept_labels=len(values.ours) - sum(who in values.ours for who in moves),
    )


def _moves(
    session: Session, member: Member, values: "_Values", moves: Sequence["_Who"]
) -> tuple[LabelMove, ...]:
    names = dict(session.exec(traces.names(member.project_id, {trace for trace, _ in moves})).all())
    people = {**annotator_names(session, member), _NOBODY: GOLD}
    return tuple(
        LabelMove(
            trace=names[who[0]],
            annotator=people[who[1]],
            of_source=_told(values.theirs.get(who)),
            of_target=_told(values.ours.get(who)),
            becomes=_told(values.after(who)),
        )
        for who in moves
    )


def _told(value: LabelValue | None) -> str:
    return UNSEEN if value is None else value.value


def _sum(what: str, source: int, target: int) -> MergeCount:
    return MergeCount(what, source, target, source + target)


_Who = tuple[int, int]
"""Trace and annotator; `_NOBODY` for the gold label."""


@dataclass(frozen=True)
class _Values:
    """Everybody's labels for the mode that goes and for the one that stays."""

    theirs: Mapping[_Who, LabelValue]
    ours: Mapping[_Who, LabelValue]

    @cached_property
    def everybody(self) -> Set[_Who]:
        return {*self.theirs, *self.ours}

    def after(self, who: _Who) -> LabelValue | None:
        return merged_value(self.ours.get(who), self.theirs.get(who))


def _label_count(value: LabelValue, values: _Values) -> MergeCount:
    return MergeCount(
        f"labels {value.value}",
        sum(found is value for found in values.theirs.values()),
        sum(found is value for found in values.ours.values()),
        sum(values.after(who) is value for who in values.everybody),
    )


def _values(session: Session, mode_id: int) -> dict[_Who, LabelValue]:
    labels = session.execute(label_queries.values_of_mode(mode_id))
    gold = session.execute(label_queries.gold_values_of_mode(mode_id))
    return {
        **{(trace_id, annotator_id): value for trace_id, annotator_id, value in labels},
        **{(trace_id, _NOBODY): value for trace_id, value in gold},
    }
