"""The spans of a trace as a tree with their times: what ran when, inside of what, and how long."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from server.errors import NotFound
from server.models.base import stored_id
from server.queries import readings as queries
from server.views.outline import WINDOW
from server.views.reading import Reading, Sight
from server.views.span_rows import Span, StepTimes, every, from_metadata, from_steps
from server.views.trace_title import trace_title

AT_ONCE = 300
"""Spans that a page begins with, those nearest to the root first."""
_MOST_ERRORS = 20
_LEAST_WIDTH = 0.4


@dataclass(frozen=True)
class SpanRow:
    """A span; places in per cent of the trace's duration."""

    key: str
    name: str
    depth: int
    indent: int
    """Pixels."""
    has_children: bool
    x: float
    width: float
    times: str
    sentence: str
    is_error: bool
    message: str
    step_number: int | None
    step_href: str


@dataclass(frozen=True)
class MoreRow:
    """Where more spans come from that lie inside of one."""

    depth: int
    indent: int
    count: int
    query: str


@dataclass(frozen=True)
class SpanLink:
    label: str
    href: str


@dataclass(frozen=True)
class SpansPage:
    title: str
    url: str
    count: int
    duration: str
    rows: tuple[SpanRow | MoreRow, ...]
    errors: tuple[SpanLink, ...]
    error_count: int
    more_errors: int
    inside: str
    """The span whose inside is shown; empty for the whole trace."""


def has_spans(found: Reading) -> bool:
    """Return whether a trace has spans to show."""
    kept = found.trace.metadata_.get("spans")
    if isinstance(kept, list) and kept:
        return True
    within = {"trace_id": stored_id(found.trace), "within": WINDOW}
    return found.session.exec(queries.timed_step(), params=within).first() is not None


def spans_page(found: Reading, *, under: str = "", first: int = 0) -> SpansPage:
    """Build the tree, or what lies inside of the span `under` from its child `first` on.

    Raises:
        NotFound: The trace has no such span.
    """
    roots = _roots(found)
    spans = list(every(roots))
    inside = next((span for span in spans if span.key == under), None) if under else None
    if under and inside is None:
        raise NotFound("This trace has no such span.")
    total = max((span.end for span in spans if span.end is not None), default=0.0)
    rows = _Rows(found.url, total)
    errors = [span for span in spans if span.is_error]
    return SpansPage(
        title=trace_title(found.trace),
        url=found.url,
        count=len(spans),
        duration=seconds(total) if total else "",
        rows=tuple(rows.of(inside, inside.children if inside else roots, first)),
        errors=tuple(SpanLink(span.name, _href(found.url, span)) for span in errors[:_MOST_ERRORS]),
        error_count=len(errors),
        more_errors=max(0, len(errors) - _MOST_ERRORS),
        inside=inside.name if inside else "",
    )


def _roots(found: Reading) -> list[Span]:
    kept = found.trace.metadata_.get("spans")
    if isinstance(kept, list) and kept:
        is_open = found.sight is Sight.SHOWN
        return from_metadata([span for span in kept if is_open or not _judges(span)])
    if not has_spans(found):
        return []
    rows = found.session.execute(queries.step_times(stored_id(found.trace)))
    return from_steps([StepTimes._make(row) for row in rows])


def _judges(span: Any) -> bool:
    """Return whether a span ran a judge, whose name may tell the outcome."""
    attributes = span.get("attributes") if isinstance(span, dict) else None
    kinds = ("openinference.span.kind", "langfuse.observation.type", "type")
    return isinstance(attributes, dict) and any(
        str(attributes.get(kind)).lower() == "evaluator" for kind in kinds
    )


def _href(url: str, span: Span) -> str:
    """Return the address at which a span stands among the first of its siblings."""
    if span.parent is None:
        return f"{url}/spans#span-{span.key}"
    first = span.parent.children.index(span)
    return f"{url}/spans?{urlencode({'under': span.parent.key, 'first': first})}#span-{span.key}"


def seconds(value: float) -> str:
    """Return a duration as "12 ms", "1.3 s" or "4 min 5 s"."""
    if value < 1:
        return f"{1000 * value:,.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    return f"{value // 60:,.0f} min {value % 60:.0f} s"


class _Rows:
    """Lays spans out below each other, as many as a page holds."""

    def __init__(self, url: str, total: float) -> None:
        self._url = url
        self._total = total

    def of(
        self, inside: Span | None, siblings: Sequence[Span], first: int
    ) -> Iterator[SpanRow | MoreRow]:
        """Yield the rows of siblings from `first` on, with what lies in them."""
        taken = _nearest(siblings[first:])
        waiting: deque[tuple[Span, int] | MoreRow] = deque()
        self._put(waiting, inside, siblings[first:], first, taken, 0)
        while waiting:
            row = waiting.popleft()
            if isinstance(row, MoreRow):
                yield row
                continue
            span, depth = row
            yield self._row(span, depth)
            self._put(waiting, span, span.children, 0, taken, depth + 1)

    def _put(
        self,
        waiting: deque[tuple[Span, int] | MoreRow],
        inside: Span | None,
        siblings: Sequence[Span],
        first: int,
        taken: set[int],
        depth: int,
    ) -> None:
        shown = [span for span in siblings if id(span) in taken]
        rest = len(siblings) - len(shown)
        if rest:
            key = inside.key if inside else ""
            query = urlencode({"under": key, "first": first + len(shown)})
            waiting.appendleft(MoreRow(depth, _indent(depth), rest, f"?{query}"))
        waiting.extendleft((span, depth) for span in reversed(shown))

    def _row(self, span: Span, depth: int) -> SpanRow:
        start, duration = span.start or 0.0, span.duration or 0.0
        x = 100 * start / self._total if self._total else 0.0
        width = 100 * duration / self._total if self._total else 0.0
        x = min(x, 100 - _LEAST_WIDTH)
        took = "" if span.duration is None else seconds(span.duration)
        began = "" if span.start is None else f"began at {seconds(span.start)}"
        step = span.step
        return SpanRow(
            key=span.key,
            name=span.name,
            depth=depth,
            indent=_indent(depth),
            has_children=bool(span.children),
            x=round(x, 2),
            width=round(min(max(width, _LEAST_WIDTH), 100 - x), 2),
            times=took,
            sentence=", ".join(word for word in (began, took and f"took {took}") if word),
            is_error=span.is_error,
            message=span.message,
            step_number=None if step is None else step + 1,
            step_href=""
            if step is None
            else f"{self._url}?first={step // WINDOW * WINDOW}#step-{step + 1}",
        )


def _indent(depth: int) -> int:
    """Deep trees are indented only so far that their names stay in view."""
    return 14 * min(depth, 12)


def _nearest(siblings: Sequence[Span]) -> set[int]:
    """Return which spans a page begins with: the higher, then the earlier ones."""
    taken: set[int] = set()
    waiting = deque(siblings)
    while waiting and len(taken) < AT_ONCE:
        span = waiting.popleft()
        taken.add(id(span))
        waiting.extend(span.children)
    return taken
