"""The matrix of labels: trace × mode, each cell present, absent, undecided, draft or unseen."""

from collections.abc import Iterator, Sequence
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
from server import frames
from server.models.base import stored_id
from server.models.label import Label
from server.models.mode import FailureMode
from server.models.project import Member
from server.queries import labels, modes

PAGE = 50


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
    only_own: bool
    newest: str
    following: str
    summary: str


@dataclass(frozen=True)
class _Pairs:
    """What is known of the page's pairs of trace and mode."""

    decided: dict[tuple[int, int], LabelValue | None]
    derived: set[tuple[int, int]]
    drafts: set[tuple[int, int]]
    stale: set[tuple[int, int]]


def label_matrix(
    session: Session, member: Member, *, after: int | None = None, size: int = PAGE
) -> LabelMatrix:
    """Build a page of the matrix: combined values, or one's own where labelling is blind."""
    annotator_id = member.id if member.is_blind else None
    found = session.exec(
        labels.matrix_traces(member.project_id, annotator_id=annotator_id, after=after).limit(
            size + 1
        )
    ).all()
    traces = [(trace_id or 0, title) for trace_id, title in found[:size]]
    in_use = session.exec(modes.in_use(member.project_id)).all()
    pairs = _pairs(session, member, [trace_id for trace_id, _ in traces])
    return LabelMatrix(
        modes=tuple(MatrixMode(stored_id(m), m.name, m.colour) for m in in_use),
        rows=tuple(
            MatrixRow(trace_id, title, tuple(_cell(pairs, trace_id, mode) for mode in in_use))
            for trace_id, title in traces
        ),
        only_own=member.is_blind,
        newest="?" if after else "",
        following=f"?after={traces[-1][0]}" if len(found) > size else "",
        summary=f"{len(traces)} traces shown",
    )


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
