"""The matrix of labels: trace × mode, each cell present, absent, undecided, draft or unseen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pandas as pd
from sqlmodel import Session, col

from analysis.frames import (
    ANNOTATOR,
    MODE,
    SOURCE,
    TRACE_ID,
    VALUE,
    LabelSource,
    LabelValue,
)
from analysis.prevalence import combine_labels
from server import frames, search
from server.models.base import stored_id
from server.models.label import Label
from server.models.mode import FailureMode
from server.models.project import Member
from server.queries import labels, modes
from server.queries import trace_lists as queries
from server.queries.filter_conditions import Names
from server.queries.filters import Filters
from server.queries.paging import Cursor, Window
from server.views.facts import Facts
from server.views.filter_bar import FilterBar, filter_bar, url
from server.views.window import Count, Found, read_window

PAGE = 50
PAGE_FIELDS = ("after", "before", "all")


class CellState(StrEnum):
    PRESENT = "present"
    ABSENT = "absent"
    UNDECIDED = "undecided"
    DRAFT = "draft"
    UNSEEN = "unseen"


@dataclass(frozen=True)
class MatrixMode:
    mode_id: int
    name: str
    hue: int


@dataclass(frozen=True)
class Cell:
    state: CellState
    hue: int
    is_stale: bool
    is_derived: bool
    words: str


@dataclass(frozen=True)
class MatrixRow:
    trace_id: int
    title: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class LabelMatrix:
    """One page of the matrix; `only_own` says that it holds the member's labels alone."""

    modes: tuple[MatrixMode, ...]
    rows: tuple[MatrixRow, ...]
    bar: FilterBar
    fields: tuple[tuple[str, str], ...]
    """The filters, as fields of the form that labels what matches."""
    only_own: bool
    only_read: bool
    """Whether traces that nobody has read or labelled are left out."""
    all_url: str
    is_filtered: bool
    can_label: bool
    total: int
    first: int
    last: int
    previous: str
    next: str


@dataclass(frozen=True)
class _Pairs:
    """What is known of the page's pairs of trace and mode."""

    decided: dict[tuple[int, int], LabelValue | None]
    derived: set[tuple[int, int]]
    drafts: set[tuple[int, int]]
    stale: set[tuple[int, int]]


def label_matrix(
    session: Session,
    member: Member,
    filters: Filters,
    fields: Mapping[str, str],
    *,
    base: str,
    size: int = PAGE,
) -> LabelMatrix:
    """Build a page of the matrix: combined values, or one's own where labelling is blind.

    Args:
        session: An open session.
        member: Who looks.
        filters: Which traces; without filters those that were read or labelled.
        fields: `after` or `before`, and `all`, from the URL.
        base: Path of the project.
        size: Rows of a page.
    """
    path, names = f"{base}/labels/matrix", search.names(session, member)
    only_read = not filters and not fields.get("all")
    found = _found(session, member, filters, fields, names, size=size, only_read=only_read)
    ids = [place.id for place in found.places]
    titles = {row.id: row.external_id for row in session.execute(labels.names_of(ids))}
    in_use = session.exec(modes.in_use(member.project_id)).all()
    pairs = _pairs(session, member, ids)
    keep = [] if only_read or filters else [("all", "true")]
    kept = [*filters.to_query(), *keep]
    return LabelMatrix(
        modes=tuple(MatrixMode(stored_id(m), m.name, m.colour) for m in in_use),
        rows=tuple(
            MatrixRow(id_, titles[id_], tuple(_cell(pairs, id_, mode) for mode in in_use))
            for id_ in ids
        ),
        bar=filter_bar(session, member, filters, action=path, names=names, keep=keep),
        fields=tuple(filters.to_query()),
        only_own=member.is_blind,
        only_read=only_read,
        all_url=url(path, [("all", "true")]),
        is_filtered=bool(filters),
        can_label=member.may_annotate,
        total=found.total,
        first=found.first,
        last=found.first + len(ids) - 1,
        previous=url(path, [*kept, ("before", found.places[0].written())]) if found.back else "",
        next=url(path, [*kept, ("after", found.places[-1].written())]) if found.on else "",
    )


def _found(
    session: Session,
    member: Member,
    filters: Filters,
    fields: Mapping[str, str],
    names: Names,
    *,
    size: int,
    only_read: bool,
) -> Found:
    conditions = search.matching(session, member, filters, known=names)
    if only_read:
        conditions.append(labels.is_read_or_labelled(member.id if member.is_blind else None))
    source = queries.source(
        queries.ORDERS["imported"], conditions, once=bool(filters), filtered=True
    )
    after, before = (
        Cursor.read(fields[name], int) if fields.get(name) else None for name in ("after", "before")
    )
    window = Window(size, False, after, None if after else before)
    is_every = not filters and not only_read
    every = Facts(session, member).trace_count if is_every else None
    found = read_window(session, source, window, Count(known=every))
    if not found.places and (after or before):
        return _found(session, member, filters, {}, names, size=size, only_read=only_read)
    return found


def _cell(pairs: _Pairs, trace_id: int, mode: FailureMode) -> Cell:
    pair = (trace_id, stored_id(mode))
    if pair in pairs.decided:
        value = pairs.decided[pair]
        state = CellState(value.value) if value else CellState.UNDECIDED
    else:
        state = CellState.DRAFT if pair in pairs.drafts else CellState.UNSEEN
    stale, derived = pair in pairs.stale, pair in pairs.derived
    remarks = [", older definition"] * stale + [", from a Pass"] * derived
    words = f"{mode.name}: {state.value}{''.join(remarks)}"
    return Cell(state, mode.colour, stale, derived, words)


def _pairs(session: Session, member: Member, trace_ids: Sequence[int]) -> _Pairs:
    project_id = member.project_id
    votes = _own(frames.label_frame(session, project_id, trace_ids=trace_ids), member)
    drafts = _own(frames.draft_frame(session, project_id, trace_ids=trace_ids), member)
    values: dict[tuple[int, int], LabelValue | None] = {}
    derived = set()
    for *pair, value, source in _rows(combine_labels(votes), TRACE_ID, MODE, VALUE, SOURCE):
        trace_id, mode_id = map(int, pair)
        values[trace_id, mode_id] = None if pd.isna(value) else LabelValue(value)
        if source == LabelSource.DERIVED:
            derived.add((trace_id, mode_id))
    return _Pairs(
        decided=values,
        derived=derived,
        drafts={(trace_id, mode_id) for trace_id, mode_id in _rows(drafts, TRACE_ID, MODE)},
        stale=_stale(session, member, trace_ids),
    )


def _own(frame: pd.DataFrame, member: Member) -> pd.DataFrame:
    """Leave only the member's own rows where labelling is blind."""
    return frame[frame[ANNOTATOR] == member.id] if member.is_blind else frame


def _rows(frame: pd.DataFrame, *columns: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(frame[column].tolist() for column in columns), strict=True)


def _stale(session: Session, member: Member, trace_ids: Sequence[int]) -> set[tuple[int, int]]:
    stale = labels.stale_of_project(member.project_id).where(col(Label.trace_id).in_(trace_ids))
    if member.is_blind:
        stale = stale.where(Label.annotator_id == member.id)
    return {(label.trace_id, label.mode_id) for label in session.exec(stale)}
