"""A trace as a conversation: steps in blocks, windows of blocks, and a map of all of them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from server.markdown import Mark
from server.models.display_profile import DisplayProfile, Place, StepGroup
from server.models.note import Note
from server.models.trace import Step, StepKind
from server.queries import readings as queries
from server.queries import token_series, turns
from server.views.attachments import files_of
from server.views.hits import Hits
from server.views.outline import ALL_AT_ONCE, WINDOW, Block, OutlineRow, Ties
from server.views.step import Gutter, GutterLine, GutterNote, StepView, icon_of, label_of, step_view

_MAP_FROM = 8
_MAP_MARKS = 160
MOST_FIRST = 20
"""Steps that come before the conversation at most, beside the final output."""
AS_USUAL = DisplayProfile()
NO_SEARCH = Hits()


@dataclass(frozen=True)
class Annotated:
    """A note as the conversation shows it: in its colour, at its anchor."""

    note: Note
    hue: int


@dataclass(frozen=True)
class MapMark:
    """One line of the map: a step, or several where there are many."""

    number: int
    label: str
    hue: int | None
    is_first_failure: bool
    has_hit: bool
    url: str


@dataclass(frozen=True)
class BlockView:
    """What stands together: one step, or a tool call with its result."""

    position: int
    step: StepView
    result: StepView | None
    gutter: Gutter
    is_raw: bool


@dataclass(frozen=True)
class MovedBlock:
    """Where a block stood that comes before the conversation."""

    number: int
    label: str


@dataclass(frozen=True)
class Conversation:
    """The part of a trace that is shown, and how to reach the rest.

    `url` is the trace's address on Read; `can_choose` says whether a step may be chosen as the
    first failing one here.
    """

    url: str
    leading: tuple[BlockView, ...]
    """What the project's display profile puts before all others."""
    blocks: tuple[BlockView | MovedBlock, ...]
    step_count: int
    shown: str
    earlier: str
    later: str
    marks: tuple[MapMark, ...]
    can_choose: bool


class Outline:
    """The steps of a trace without their texts, tool calls tied to their results."""

    def __init__(self, session: Session, trace_id: int, profile: DisplayProfile = AS_USUAL) -> None:
        self._session = session
        self._trace_id = trace_id
        self._profile = profile
        self._ties = Ties(
            session.execute(queries.step_count(), {"trace_id": trace_id}).scalar_one(),
            lambda first, end: self._read(queries.outline(), first=first, end=end),
            lambda ids: self._read(queries.outline_of_calls(trace_id, ids)),
        )

    def _read(
        self, statement: sa.Select[int, str, StepKind, str, str], **within: int
    ) -> list[OutlineRow]:
        asked = {"trace_id": self._trace_id, **within} if within else None
        return [OutlineRow._make(row) for row in self._session.execute(statement, asked)]

    @property
    def step_count(self) -> int:
        return self._ties.count

    def label(self, position: int) -> str:
        """Return how a step is called: "2 · assistant"."""
        rows = (row for block in self.around(position) for row in block.rows)
        row = next((row for row in rows if row.position == position), None)
        return f"{position + 1} · {label_of(row.role, row.kind, row.name)}" if row else ""

    def turn(self, position: int) -> str:
        """Return which turn of the user a step belongs to: "turn 3 of 5"; empty in a single one."""
        number, total = self._session.execute(turns.of_step(self._trace_id, position)).one()
        return f"turn {number} of {total:,}" if number and total > 1 else ""

    def options(self) -> tuple[tuple[int, str], ...]:
        """Return every step with its name, for a list to choose from."""
        return tuple((position, self.label(position)) for position in range(self.step_count))

    def gutters(
        self,
        positions: Iterable[int | None],
        annotated: Sequence[Annotated],
        first_failure: int | None,
    ) -> tuple[Gutter, ...]:
        """Return the gutters of the blocks in which these steps stand."""
        found = {
            block.head.position: _gutter(block, annotated, first_failure, self._with_tokens)
            for position in positions
            if position is not None
            for block in self.around(position)
        }
        return tuple(found.values())

    def window(self, first: int) -> list[Block]:
        """Return the blocks that begin in the window from step `first` on."""
        return [b for b in self._ties.between(first, first + WINDOW) if b.head.position >= first]

    def around(self, position: int) -> list[Block]:
        """Return the block of one step, if the trace has it."""
        return self._ties.between(position, position + 1)

    @cached_property
    def _with_tokens(self) -> frozenset[int]:
        return frozenset(self._session.scalars(token_series.steps_with_series(self._trace_id)))

    @cached_property
    def leading(self) -> tuple[Block, ...]:
        """The blocks that come before the conversation: the final output, then chosen steps."""
        positions: list[int] = []
        if self._profile.final_first:
            found = self._session.exec(queries.final_output(self._trace_id)).first()
            positions.append(self.step_count - 1 if found is None else found)
        if self._profile.first:
            statement = queries.of_groups(self._trace_id, self._profile.first, MOST_FIRST)
            positions += self._session.exec(statement)
        blocks = {block.head.position: block for place in positions for block in self.around(place)}
        return tuple(blocks.values())

    @cached_property
    def _leads(self) -> frozenset[int]:
        return frozenset(block.head.position for block in self.leading)

    def moved(self, block: Block) -> MovedBlock | None:
        """Return what stands in the place of a block that comes before the conversation."""
        head = block.head
        if head.position not in self._leads:
            return None
        return MovedBlock(head.position + 1, label_of(head.role, head.kind, head.name))

    def _place(self, block: Block, row: OutlineRow) -> Place | None:
        """Return how a step is shown; what is said of a tool by its name holds for its result."""
        if block.head.position in self._leads:
            return Place.FIRST
        own = self._profile.place_of(row.kind, row.role, row.name)
        if own is None and row is not block.head and block.head.name:
            return self._profile.steps.get(StepGroup(block.head.kind, block.head.name))
        return own

    def blocks(
        self,
        chosen: Sequence[Block],
        annotated: Sequence[Annotated],
        first_failure: int | None,
        *,
        raw: bool = False,
        whole: bool = False,
        hits: Hits = NO_SEARCH,
    ) -> tuple[BlockView, ...]:
        """Read the texts of these blocks; `whole` leaves nothing of long ones out."""
        if not chosen:
            return ()
        positions = [row.position for block in chosen for row in block.rows]
        found = self._session.exec(queries.steps_at(self._trace_id, positions)).all()
        steps = {step.position: step for step in found}
        files = files_of(self._session, self._trace_id, found)
        marks = _marks(annotated, hits)

        def view(block: Block, row: OutlineRow) -> StepView:
            step: Step = steps[row.position]
            return step_view(
                step,
                marks.get(row.position, ()),
                raw=raw,
                whole=whole,
                is_first_failure=row.position == first_failure,
                place=self._place(block, row),
                files=files.get(row.position, ()),
            )

        return tuple(
            BlockView(
                position=block.head.position,
                step=view(block, block.head),
                result=None if block.result is None else view(block, block.result),
                gutter=_gutter(block, annotated, first_failure, self._with_tokens),
                is_raw=raw,
            )
            for block in chosen
        )

    def map_marks(
        self,
        url: str,
        annotated: Sequence[Annotated],
        first_failure: int | None,
        first: int = 0,
        hits: Hits = NO_SEARCH,
    ) -> tuple[MapMark, ...]:
        """Return the map of the whole trace; none for a short one."""
        if self.step_count <= _MAP_FROM:
            return ()
        shown = _Shown(
            hues={item.note.step: item.hue for item in reversed(annotated)},
            failure=first_failure,
            hits=frozenset(hit.step for hit in hits.found),
            first=first,
            query=hits.query,
        )
        return tuple(_map_mark(head, places, url, shown) for head, places in self._map_parts())

    def _map_parts(self) -> list[tuple[OutlineRow, Collection[int]]]:
        """Return what each line of the map stands for: the first step of it, and all of them."""
        if self.step_count <= ALL_AT_ONCE:
            blocks = self._ties.between(0, self.step_count)
            if len(blocks) <= _MAP_FROM:
                return []
            size = -(-len(blocks) // _MAP_MARKS)
            parts = [blocks[at : at + size] for at in range(0, len(blocks), size)]
            return [
                (part[0].head, [row.position for block in part for row in block.rows])
                for part in parts
            ]
        size = -(-self.step_count // _MAP_MARKS)
        heads = self._read(queries.outline_at(self._trace_id, range(0, self.step_count, size)))
        return [(head, range(head.position, head.position + size)) for head in heads]


def conversation(
    outline: Outline,
    url: str,
    annotated: Sequence[Annotated],
    first_failure: int | None,
    *,
    can_choose: bool,
    first: int = 0,
    hits: Hits = NO_SEARCH,
    is_part: bool = False,
    most: int | None = None,
) -> Conversation:
    """Build the window of a trace that begins at step `first` (0-based).

    `is_part` is for a window that comes later into a page that has the leading blocks; a preview
    shows at most `most` blocks and has no way on.
    """
    count = outline.step_count
    query = f"&{hits.query}" if hits.query else ""
    window = outline.window(first)[:most]
    leading = () if is_part else outline.leading
    stay = [block for block in window if not outline.moved(block)]
    views = outline.blocks([*leading, *stay], annotated, first_failure, hits=hits)
    shown = {view.position: view for view in views}
    after = first + WINDOW
    return Conversation(
        url=url,
        leading=views[: len(leading)],
        blocks=tuple(outline.moved(block) or shown[block.head.position] for block in window),
        step_count=count,
        shown=f"steps {first + 1:,} to {min(after, count):,} of {count:,}",
        earlier=f"?first={max(0, first - WINDOW)}{query}" if first > 0 else "",
        later=f"?first={after}{query}" if after < count and most is None else "",
        marks=outline.map_marks(url, annotated, first_failure, first, hits),
        can_choose=can_choose,
    )


def _marks(annotated: Sequence[Annotated], hits: Hits) -> dict[int, tuple[Mark, ...]]:
    marks = dict(hits.marks())
    for note, hue in ((item.note, item.hue) for item in annotated):
        if note.step is not None and note.start is not None and note.end is not None:
            mark = Mark(note.id or 0, note.start, note.end, hue)
            marks[note.step] = (*marks.get(note.step, ()), mark)
    return marks


def _gutter(
    block: Block,
    annotated: Sequence[Annotated],
    first_failure: int | None,
    with_tokens: Collection[int],
) -> Gutter:
    places = {row.position for row in block.rows}
    return Gutter(
        position=block.head.position,
        lines=tuple(
            GutterLine(
                position=row.position,
                label=label_of(row.role, row.kind),
                icon=icon_of(row.role, row.kind),
                is_first_failure=row.position == first_failure,
            )
            for row in block.rows
        ),
        notes=tuple(
            GutterNote(item.note.id or 0, item.note.text, item.hue)
            for item in annotated
            if item.note.step in places
        ),
        tokens_at=next((place for place in sorted(places) if place in with_tokens), None),
    )


class _Shown(NamedTuple):
    """What the map marks, by step, and the window that is on the page."""

    hues: dict[int | None, int]
    failure: int | None
    hits: frozenset[int]
    first: int
    query: str


def _map_mark(head: OutlineRow, places: Collection[int], url: str, shown: _Shown) -> MapMark:
    here = shown.first <= head.position < shown.first + WINDOW
    query = f"&{shown.query}" if shown.query else ""
    window = f"{url}?first={head.position // WINDOW * WINDOW}{query}"
    hue = next((shown.hues[place] for place in places if place in shown.hues), None)
    failed = shown.failure in places
    has_hit = not shown.hits.isdisjoint(places)
    label = f"Step {head.position + 1}, {label_of(head.role, head.kind, head.name)}"
    return MapMark(
        number=head.position + 1,
        label=label
        + (", note" if hue else "")
        + (", first failing step" if failed else "")
        + (", hit" if has_hit else ""),
        hue=hue,
        is_first_failure=failed,
        has_hit=has_hit,
        url=f"{'' if here else window}#step-{head.position + 1}",
    )
