"""The matrix of labels: trace × mode, each cell present, absent, undecided, draft or unseen."""

from collections.abc import Sequence
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
from server.models.base import stored_id
from server.models.label import GoldLabel, Label
from server.models.mode import FailureMode
from server.models.note import Note
from server.models.project import Member
from server.models.verdict import Verdict
from server.queries import frames, labels, modes

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
    combined = combine_labels(_votes(session, member, trace_ids))
    values: dict[tuple[int, int], LabelValue | None] = {}
    derived = set()
    for trace_id, mode, value, source in zip(
        *(combined[column].tolist() for column in (TRACE_ID, MODE, VALUE, SOURCE)), strict=True
    ):
        pair = (int(trace_id), int(mode))
        values[pair] = None if pd.isna(value) else LabelValue(value)
        if source == LabelSource.DERIVED:
            derived.add(pair)
    return _Pairs(
        decided=values,
        derived=derived,
        drafts=_drafts(session, member, trace_ids),
        stale=_stale(session, member, trace_ids),
    )


def _votes(session: Session, member: Member, trace_ids: Sequence[int]) -> pd.DataFrame:
    """Return the votes on these traces in the shape of `server.frames.label_frame`."""
    project_id = member.project_id
    gold = frames.gold(project_id, None).where(col(GoldLabel.trace_id).in_(trace_ids))
    human = frames.human_labels(project_id, None).where(col(Label.trace_id).in_(trace_ids))
    passed = frames.passed_modes(project_id, None).where(col(Verdict.trace_id).in_(trace_ids))
    if member.is_blind:
        gold = gold.where(col(GoldLabel.decided_by) == member.id)
        human = human.where(Label.annotator_id == member.id)
        passed = passed.where(Verdict.annotator_id == member.id)
    absent, derived = LabelValue.ABSENT.value, LabelSource.DERIVED.value
    rows: list[tuple[Any, ...]] = [
        *((t, m, v.value, LabelSource.GOLD.value, who) for t, m, v, who in session.exec(gold)),
        *((t, m, v.value, LabelSource.HUMAN.value, who) for t, m, v, who in session.exec(human)),
        *((t, m, absent, derived, who) for t, m, who in session.exec(passed)),
    ]
    return pd.DataFrame(rows, columns=[TRACE_ID, MODE, VALUE, SOURCE, ANNOTATOR])


def _drafts(session: Session, member: Member, trace_ids: Sequence[int]) -> set[tuple[int, int]]:
    drafts = frames.drafts(member.project_id, None).where(col(Note.trace_id).in_(trace_ids))
    if member.is_blind:
        drafts = drafts.where(Note.annotator_id == member.id)
    return {(trace_id, mode_id) for trace_id, mode_id, _, _ in session.exec(drafts)}


def _stale(session: Session, member: Member, trace_ids: Sequence[int]) -> set[tuple[int, int]]:
    stale = labels.stale_of_project(member.project_id).where(col(Label.trace_id).in_(trace_ids))
    if member.is_blind:
        stale = stale.where(Label.annotator_id == member.id)
    return {(label.trace_id, label.mode_id) for label in session.exec(stale)}
