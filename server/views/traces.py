"""The list of traces: one page of rows, how it is sorted and filtered, and the way on."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from server import search
from server.models.label import LabelValue
from server.models.project import Member
from server.queries import modes
from server.queries import trace_lists as queries
from server.queries.filter_conditions import BySignal, Names, by_signal_alone
from server.queries.filters import SIGNAL, Filters
from server.queries.paging import Cursor, Window
from server.search import SnippetPart
from server.views.facts import Facts
from server.views.filter_bar import FilterBar, filter_bar, url
from server.views.large_lists import sources
from server.views.links import Link, link
from server.views.trace_signals import (
    FIELD,
    SignalCell,
    SignalColumns,
    signal_cells,
    signal_columns,
)
from server.views.trace_sorting import Sorting, sortable
from server.views.window import Count, Found, read_window

PAGE_SIZE = 50
COUNTED = 200_000
"""Traces of a project up to which everything that matches is counted."""
MOST_COUNTED = 1_000
"""How far is counted in larger ones, whose filters would else be asked of every trace."""
PAGE_FIELDS = ("sort", "after", "before", FIELD)
_COLUMNS = (
    ("trace", "trace", False),
    ("", "first words", False),
    ("model", "model", False),
    ("outcome", "outcome", False),
    ("", "your verdict", False),
    ("", "modes", False),
    ("", "notes", True),
    ("tokens", "tokens", True),
    ("steps", "steps", True),
)
_SIGNALS_AT = 4
"""Signals stand behind the outcome: what lies to their right is empty at first."""


@dataclass(frozen=True)
class Column:
    """A head of the table; without `href` it can't be sorted by."""

    label: str
    href: str
    direction: str
    numeric: bool


@dataclass(frozen=True)
class ModeDot:
    """A failure mode on a trace; a draft is a grouped note that nobody confirmed yet."""

    name: str
    hue: int
    is_draft: bool


@dataclass(frozen=True)
class TraceRow:
    id: int
    external_id: str
    href: str
    words: str
    snippet: tuple[SnippetPart, ...]
    model: str
    outcome: str | None
    """None where a blind annotator may not see it yet."""
    verdict: str | None
    failed_at: str
    """The first failing step that one chose, with its turn where there are several."""
    modes: tuple[ModeDot, ...]
    notes: int
    tokens: int | None
    steps: int
    signals: tuple[SignalCell, ...]
    link: Link | None


@dataclass(frozen=True)
class TraceList:
    bar: FilterBar
    columns: tuple[Column, ...]
    signals: SignalColumns
    kept: tuple[tuple[str, str], ...]
    """Fields that the choice of columns keeps: filters and the sorting."""
    left_out: int | None
    """Traces that match and lack the signal that is sorted by; None where nobody counted them."""
    sorted_by: str
    """That signal, in words; empty for any other order."""
    unsorted_url: str
    usual_url: str
    """The same list with the usual columns."""
    rows: tuple[TraceRow, ...]
    total: int
    has_more: bool
    """Whether more match than `total`, uncounted since the project is large."""
    first: int
    last: int
    previous: str
    next: str
    is_filtered: bool
    export_url: str
    batch_url: str
    draw_url: str
    """Where a batch is drawn from what matches."""
    label_url: str
    """Where what matches is labelled at once; empty for whom may not yet."""
    hides_outcomes: bool
    has_sessions: bool

    @property
    def has_links(self) -> bool:
        return any(row.link for row in self.rows)


def trace_list(
    session: Session,
    member: Member,
    filters: Filters,
    fields: Mapping[str, str],
    *,
    base: str,
    columns: Sequence[str] = (),
    facts: Facts | None = None,
) -> TraceList:
    """Build a page of the list of those that match, as the member may see it.

    `fields` holds `sort`, and `after` or `before`, from the URL; `base` is the path of the project;
    `columns` are the signals to show, without any the usual ones. `facts` are those of the page.

    Raises:
        Invalid: There is no such order or column.
    """
    facts = facts or Facts(session, member)
    sorting = Sorting.read(fields.get("sort", ""), facts)
    names = search.names(session, member)
    where = search.matching(session, member, filters, known=names)
    found, left_out = _page(facts, where, sorting, fields, filters, names)
    path = f"{base}/traces"
    signals = signal_columns(facts, columns, sorting.name)
    asked, shown = filters.to_query(), [*sorting.fields(), *signals.fields()]
    return TraceList(
        bar=filter_bar(session, member, filters, action=path, names=names, keep=shown, facts=facts),
        columns=_columns(path, filters, sorting, member, signals),
        signals=signals,
        kept=(*asked, *sorting.fields()),
        left_out=left_out,
        sorted_by=signals.label(sorting.signal),
        unsorted_url=url(path, [*asked, *signals.fields()]),
        usual_url=url(path, [*asked, *sorting.fields()]),
        rows=_rows(session, member, filters, signals, [place.id for place in found.places], base),
        total=found.total,
        has_more=found.has_more,
        first=found.first,
        last=found.first + len(found.places) - 1,
        previous=_way(path, [*asked, *shown], "before", found.places[0]) if found.back else "",
        next=_way(path, [*asked, *shown], "after", found.places[-1]) if found.on else "",
        is_filtered=bool(filters),
        export_url=url(f"{base}/exports", asked),
        batch_url=f"{path}/batch",
        draw_url=url(f"{base}/batches/new", asked),
        label_url=url(f"{base}/labels/bulk", asked) if _may_label(member) else "",
        hides_outcomes=member.is_blind,
        has_sessions=facts.has_sessions,
    )


def _without(
    facts: Facts,
    where: Sequence[sa.ColumnElement[bool]],
    found: Found,
    filters: Filters,
    alone: BySignal | None,
) -> int | None:
    if not filters:
        return facts.trace_count - found.total
    if facts.trace_count > COUNTED:
        return None
    return int(facts.session.execute(queries.count(where, alone)).scalar_one()) - found.total


def _page(
    facts: Facts,
    where: Sequence[sa.ColumnElement[bool]],
    sorting: Sorting,
    fields: Mapping[str, str],
    filters: Filters,
    names: Names,
) -> tuple[Found, int | None]:
    """Read a page, and count what is not in its order."""
    is_filtered = bool(filters)
    order = sorting.order(facts.project_id)
    after, before = (
        Cursor.read(fields[name], order.kind) if fields.get(name) else None
        for name in ("after", "before")
    )
    window = Window(PAGE_SIZE, sorting.descending, after, None if after else before)
    is_huge = facts.trace_count > COUNTED
    alone = by_signal_alone(filters, facts.member)
    most = MOST_COUNTED if is_huge else None
    large = sources(facts, filters, names, order, window, MOST_COUNTED) if is_huge else None
    once = is_filtered and not is_huge
    source = queries.source(order, where, once=once, filtered=is_filtered, alone=alone)
    page, counted = large or (source, source)
    known = None if is_filtered else facts.having(sorting.signal)
    found = read_window(facts.session, page, window, Count(known, most), counted=counted)
    if not found.places and (after or before):
        return _page(facts, where, sorting, {}, filters, names)
    return found, _without(facts, where, found, filters, alone) if sorting.signal else 0


def _may_label(member: Member) -> bool:
    return member.may_annotate and member.sees_modes


def _way(path: str, kept: Sequence[tuple[str, str]], side: str, place: Cursor) -> str:
    return url(path, [*kept, (side, place.written())])


def _columns(
    path: str, filters: Filters, sorting: Sorting, member: Member, signals: SignalColumns
) -> tuple[Column, ...]:
    own = ((SIGNAL + known.name, known.label, True) for known in signals.definitions)
    heads = (*_COLUMNS[:_SIGNALS_AT], *own, *_COLUMNS[_SIGNALS_AT:])
    return tuple(_column(path, filters, sorting, member, signals, *head) for head in heads)


def _column(
    path: str,
    filters: Filters,
    sorting: Sorting,
    member: Member,
    signals: SignalColumns,
    order: str,
    label: str,
    numeric: bool,
) -> Column:
    is_label = any(SIGNAL + one.name == order and one.is_label for one in signals.definitions)
    if is_label or (order not in sortable(member) and not order.startswith(SIGNAL)):
        return Column(label, "", "", numeric and not is_label)
    active = sorting.name == order
    turned = Sorting(order, not sorting.descending if active else numeric)
    if active and sorting.descending != numeric:
        turned = Sorting()  # the third press goes back to the order of import
    direction = ("descending" if sorting.descending else "ascending") if active else ""
    kept = [*filters.to_query(), *turned.fields(), *signals.fields()]
    return Column(label, url(path, kept), direction, numeric)


def _rows(
    session: Session,
    member: Member,
    filters: Filters,
    signals: SignalColumns,
    ids: Sequence[int],
    base: str,
) -> tuple[TraceRow, ...]:
    found = {row.id: row for row in session.execute(queries.rows(member, ids))}
    own = {"annotator_id": member.id, "trace_ids": ids}
    verdicts = {row.trace_id: row for row in session.execute(queries.own_verdicts(), own)}
    notes = dict(session.execute(queries.note_counts(member, ids)).all())
    dots = _dots(session, member, ids)
    is_open = {id_: bool(row.is_open) for id_, row in found.items()}
    cells = signal_cells(session, member, signals, ids, is_open)
    text = filters.get("text")
    told = (
        search.snippets(session, " ".join(text.values), list(ids))
        if text is not None and len(text.values) == 1 and not text.negated
        else {}
    )
    return tuple(
        TraceRow(
            id=id_,
            external_id=found[id_].external_id,
            href=f"{base}/read/{id_}",
            words=" ".join(found[id_].words.split()),
            snippet=tuple(told.get(id_, ())),
            model=found[id_].model,
            outcome=found[id_].outcome.value if found[id_].is_open else None,
            verdict=verdicts[id_].value if id_ in verdicts else None,
            failed_at=_failed_at(verdicts[id_]) if id_ in verdicts else "",
            modes=dots.get(id_, ()),
            notes=notes.get(id_, 0),
            tokens=found[id_].completion_tokens,
            steps=found[id_].step_count,
            signals=cells[id_],
            link=link(found[id_].source_url),
        )
        for id_ in ids
    )


def _failed_at(verdict: Any) -> str:
    if verdict.step is None:
        return ""
    turn = f", turn {verdict.turn}" if verdict.turn and verdict.turns > 1 else ""
    return f"step {verdict.step + 1}{turn}"


def _dots(session: Session, member: Member, ids: Sequence[int]) -> dict[int, tuple[ModeDot, ...]]:
    """Gold says; else the majority; else a note that stands under the mode is a draft."""
    if not member.sees_modes:
        return {}
    votes: Counter[tuple[int, int]] = Counter()
    for trace_id, mode_id, value in session.execute(queries.labels(member, ids)):
        votes[trace_id, mode_id] += 1 if value is LabelValue.PRESENT else -1
    present = {pair: vote > 0 for pair, vote in votes.items()}
    for trace_id, mode_id, value in session.execute(queries.gold(member, ids)):
        present[trace_id, mode_id] = value is LabelValue.PRESENT
    drafts = {(trace, mode) for trace, mode in session.execute(queries.grouped(member, ids))}
    shown = {pair: False for pair, is_there in present.items() if is_there}
    shown |= {pair: True for pair in drafts if pair not in present}
    dots: defaultdict[int, list[ModeDot]] = defaultdict(list)
    named = {row.id: row for row in session.execute(modes.named(member.project_id))}
    for trace_id, mode_id in sorted(shown):
        if mode := named.get(mode_id):
            dots[trace_id].append(ModeDot(mode.name, mode.colour, shown[trace_id, mode_id]))
    return {trace_id: tuple(found) for trace_id, found in dots.items()}
