"""A trace as a conversation: steps in blocks, windows of blocks, and a map of all of them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from sqlmodel import Session

from server.markdown import Mark
from server.models.note import Note
from server.models.trace import Step, StepKind
from server.queries import readings as queries
from server.views.hits import Hits
from server.views.step import Gutter, GutterLine, StepView, icon_of, label_of, step_view

WINDOW = 200
"""Steps that a page begins with; the rest comes when it is scrolled to."""
_MAP_FROM = 8
_MAP_MARKS = 160
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
class Conversation:
    """The part of a trace that is shown, and how to reach the rest.

    `url` is the trace's address on Read; `can_choose` says whether a step may be chosen as the
    first failing one here.
    """

    url: str
    blocks: tuple[BlockView, ...]
    step_count: int
    shown: str
    earlier: str
    later: str
    marks: tuple[MapMark, ...]
    can_choose: bool


class _Row(NamedTuple):
    position: int
    role: str
    kind: StepKind
    name: str
    call_id: str


class _Block(NamedTuple):
    head: _Row
    result: _Row | None

    @property
    def rows(self) -> tuple[_Row, ...]:
        return (self.head,) if self.result is None else (self.head, self.result)


class Outline:
    """Every step of a trace without its text, tool calls tied to their results."""

    def __init__(self, session: Session, trace_id: int) -> None:
        self._session = session
        self._trace_id = trace_id
        rows = [_Row._make(row) for row in session.execute(queries.outline(trace_id))]
        self._blocks = _tied(rows)
        self._by_position = {row.position: block for block in self._blocks for row in block.rows}

    @property
    def step_count(self) -> int:
        return len(self._by_position)

    def label(self, position: int) -> str:
        """Return how a step is called: "2 · assistant"."""
        block = self._by_position.get(position)
        row = next((row for row in block.rows if row.position == position), None) if block else None
        return f"{position + 1} · {label_of(row.role, row.kind, row.name)}" if row else ""

    def options(self) -> tuple[tuple[int, str], ...]:
        """Return every step with its name, for a list to choose from."""
        return tuple((position, self.label(position)) for position in sorted(self._by_position))

    def gutters(
        self, positions: Iterable[int | None], first_failure: int | None
    ) -> tuple[Gutter, ...]:
        """Return the gutters of the blocks in which these steps stand."""
        found = {
            block.head.position: _gutter(block, first_failure)
            for position in positions
            if position is not None and (block := self._by_position.get(position)) is not None
        }
        return tuple(found.values())

    def window(self, first: int) -> list[_Block]:
        """Return the blocks that begin in the window from step `first` on."""
        return [b for b in self._blocks if first <= b.head.position < first + WINDOW]

    def around(self, position: int) -> list[_Block]:
        """Return the block of one step, if the trace has it."""
        block = self._by_position.get(position)
        return [block] if block else []

    def blocks(
        self,
        chosen: Sequence[_Block],
        annotated: Sequence[Annotated],
        first_failure: int | None,
        *,
        raw: bool = False,
        whole: bool = False,
        hits: Hits = NO_SEARCH,
    ) -> tuple[BlockView, ...]:
        """Read the texts of these blocks; `whole` leaves nothing of long ones out."""
        positions = [row.position for block in chosen for row in block.rows]
        found = self._session.exec(queries.steps_at(self._trace_id, positions))
        steps = {step.position: step for step in found}
        marks = _marks(annotated, hits)

        def view(row: _Row) -> StepView:
            step: Step = steps[row.position]
            return step_view(
                step,
                marks.get(row.position, ()),
                raw=raw,
                whole=whole,
                is_first_failure=row.position == first_failure,
            )

        return tuple(
            BlockView(
                position=block.head.position,
                step=view(block.head),
                result=None if block.result is None else view(block.result),
                gutter=_gutter(block, first_failure),
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
        if len(self._blocks) <= _MAP_FROM:
            return ()
        shown = _Shown(
            hues={item.note.step: item.hue for item in reversed(annotated)},
            failure=first_failure,
            hits=frozenset(hit.step for hit in hits.found),
            first=first,
            query=hits.query,
        )
        size = -(-len(self._blocks) // _MAP_MARKS)
        parts = groupby(enumerate(self._blocks), key=lambda item: item[0] // size)
        return tuple(_map_mark([block for _, block in part], url, shown) for _, part in parts)


def conversation(
    outline: Outline,
    url: str,
    annotated: Sequence[Annotated],
    first_failure: int | None,
    *,
    can_choose: bool,
    first: int = 0,
    hits: Hits = NO_SEARCH,
) -> Conversation:
    """Build the window of a trace that begins at step `first` (0-based)."""
    count = outline.step_count
    query = f"&{hits.query}" if hits.query else ""
    chosen = outline.window(first)
    after = first + WINDOW
    return Conversation(
        url=url,
        blocks=outline.blocks(chosen, annotated, first_failure, hits=hits),
        step_count=count,
        shown=f"steps {first + 1:,} to {min(after, count):,} of {count:,}",
        earlier=f"?first={max(0, first - WINDOW)}{query}" if first > 0 else "",
        later=f"?first={after}{query}" if after < count else "",
        marks=outline.map_marks(url, annotated, first_failure, first, hits),
        can_choose=can_choose,
    )


def _tied(rows: Sequence[_Row]) -> list[_Block]:
    """Put each result under the latest call of its id that has none yet."""
    waiting: dict[str, int] = {}
    results: dict[int, _Row] = {}
    taken: set[int] = set()
    for row in rows:
        if row.kind is StepKind.TOOL_CALL and row.call_id:
            waiting[row.call_id] = row.position
        elif row.kind is StepKind.TOOL_RESULT and row.call_id in waiting:
            results[waiting.pop(row.call_id)] = row
            taken.add(row.position)
    return [_Block(row, results.get(row.position)) for row in rows if row.position not in taken]


def _marks(annotated: Sequence[Annotated], hits: Hits) -> dict[int, tuple[Mark, ...]]:
    marks = dict(hits.marks())
    for note, hue in ((item.note, item.hue) for item in annotated):
        if note.step is not None and note.start is not None and note.end is not None:
            mark = Mark(note.id or 0, note.start, note.end, hue)
            marks[note.step] = (*marks.get(note.step, ()), mark)
    return marks


def _gutter(block: _Block, first_failure: int | None) -> Gutter:
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
    )


class _Shown(NamedTuple):
    """What the map marks, by step, and the window that is on the page."""

    hues: dict[int | None, int]
    failure: int | None
    hits: frozenset[int]
    first: int
    query: str


def _map_mark(blocks: Collection[_Block], url: str, shown: _Shown) -> MapMark:
    rows = [row for block in blocks for row in block.rows]
    head = rows[0]
    here = shown.first <= head.position < shown.first + WINDOW
    query = f"&{shown.query}" if shown.query else ""
    window = f"{url}?first={head.position // WINDOW * WINDOW}{query}"
    hue = next((shown.hues[row.position] for row in rows if row.position in shown.hues), None)
    failed = any(row.position == shown.failure for row in rows)
    has_hit = any(row.position in shown.hits for row in rows)
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
