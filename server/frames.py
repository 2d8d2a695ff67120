"""SQL → DataFrames with exactly the columns named in `analysis.frames`.

Only people's work enters; what machines say (judges, machine labels) never does. Modes are those
in use today, by id. With `member`, a blind annotator's frame holds only what they may see.
"""

from collections.abc import Collection, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlmodel import Session

from analysis.agreement_units import IS_FIRST_FAILURE, VERSION
from analysis.frames import (
    ANNOTATOR,
    MODE,
    NOTE_ID,
    SOURCE,
    TEXT,
    TRACE_ID,
    VALUE,
    LabelSource,
    LabelValue,
)
from analysis.sampling import INCLUSION_WEIGHT
from analysis.transitions import KIND, NAME, POSITION, ROLE
from analysis.uncertainty.packed_features import columns, unpacked
from server.models.project import Member
from server.queries import findings, ratings, token_features
from server.queries import frames as queries

FIRST_FAILURE_STEP = "first_failure_step"
SAMPLED_BY = "sampled_by"
BATCH_ID = "batch_id"
ROUND_ID = "round_id"
AT = "at"
JUDGE = "judge"
_TRACES_AT_ONCE = 5_000
"""Ids in one statement; both databases take some 30,000 at most."""
_ROWS_AT_ONCE = 250
"""Fewer than make the garbage collector begin."""
_FACTS = tuple(column.key for column in (*token_features.SETTINGS, *token_features.LENGTHS))


def label_frame(
    session: Session,
    project_id: int,
    *,
    member: Member | None = None,
    trace_ids: queries.TraceIds | None = None,
) -> pd.DataFrame:
    """What is decided on each trace × mode: trace_id, mode, value, source, annotator.

    `derived`: a submitted Pass is absent for every mode that existed when it was submitted. A
    pair that nobody decided has no row. `analysis.prevalence.combine_labels` takes it from here.
    With `trace_ids`, of these traces only.
    """
    gold = _columns(session, queries.gold(project_id, member, trace_ids))
    human = _columns(session, queries.human_labels(project_id, member, trace_ids))
    passes = _columns(session, queries.passes(project_id, member, trace_ids))
    modes = _rows(session, queries.modes_since(project_id)) if passes[0] else ()
    both = [first + second for first, second in zip(gold, human, strict=True)]
    decided = _of_columns(both, TRACE_ID, MODE, VALUE, ANNOTATOR)
    decided[SOURCE] = _told_by((LabelSource.GOLD, len(gold[0])), (LabelSource.HUMAN, len(human[0])))
    parts = [part for part in (decided, _derived(passes, modes)) if len(part)]
    frame = pd.concat(parts, ignore_index=True) if parts else decided
    return frame[[TRACE_ID, MODE, VALUE, SOURCE, ANNOTATOR]]


def _derived(passes: Sequence[list[Any]], modes: Sequence[Any]) -> pd.DataFrame:
    """The absent that follows from each Pass, for each mode that there was: millions of rows."""
    traces, annotators = (np.array(column, dtype=np.int64) for column in passes[:2])
    moments = np.array([at.timestamp() for at in passes[2]])
    since = np.array([at.timestamp() for _, at in modes])
    of_pass, of_mode = np.nonzero(since[np.newaxis, :] <= moments[:, np.newaxis])
    found = {
        TRACE_ID: traces[of_pass],
        MODE: np.array([mode for mode, _ in modes], dtype=np.int64)[of_mode],
        VALUE: _told_by((LabelValue.ABSENT, len(of_pass))),
        SOURCE: _told_by((LabelSource.DERIVED, len(of_pass))),
        ANNOTATOR: annotators[of_pass],
    }
    return pd.DataFrame(found)


def _told_by(*runs: tuple[StrEnum, int]) -> Any:
    """A column of text with each value so many times, made without an object a row."""
    values = pd.array([value.value for value, _ in runs], dtype="str")
    return values.take(np.repeat(np.arange(len(runs)), [count for _, count in runs]))


def draft_frame(
    session: Session,
    project_id: int,
    *,
    member: Member | None = None,
    trace_ids: Collection[int] | None = None,
) -> pd.DataFrame:
    """Notes grouped under a mode where no label or gold says whether it is there.

    Columns trace_id, mode, annotator (who wrote the note), note_id. A draft is no value: it
    counts once somebody labels the trace.
    """
    rows = _rows(session, queries.drafts(project_id, member, trace_ids))
    return _frame(rows, TRACE_ID, MODE, ANNOTATOR, NOTE_ID)


def verdict_frame(
    session: Session, project_id: int, *, member: Member | None = None
) -> pd.DataFrame:
    """Everybody's latest submitted verdict: trace_id, annotator, value, first_failure_step.

    Rows in the order of submission; steps are 0-based, as stored.
    """
    found = _columns(session, queries.verdicts(project_id, member))
    return _of_columns(found, TRACE_ID, ANNOTATOR, VALUE, FIRST_FAILURE_STEP)


def judged_frame(session: Session, project_id: int) -> pd.DataFrame:
    """What machines said of whole traces, by their names: judge, trace_id, value."""
    return _of_columns(_columns(session, findings.judged(project_id)), JUDGE, TRACE_ID, VALUE)


def each_label_frame(
    session: Session, project_id: int, *, member: Member | None = None
) -> pd.DataFrame:
    """Every label as it was given: trace_id, mode, annotator, value, mode_version, at."""
    rows = _rows(session, ratings.labels(project_id, member))
    return _frame(rows, TRACE_ID, MODE, ANNOTATOR, VALUE, VERSION, AT)


def each_verdict_frame(
    session: Session, project_id: int, *, member: Member | None = None
) -> pd.DataFrame:
    """Every submitted verdict of every round, the earlier rounds first.

    Columns trace_id, annotator, value, first_failure_step (0-based), round_id, at.
    """
    rows = _rows(session, ratings.verdicts(project_id, member))
    return _frame(rows, TRACE_ID, ANNOTATOR, VALUE, FIRST_FAILURE_STEP, ROUND_ID, AT)


def code_frame(session: Session, project_id: int, *, member: Member | None = None) -> pd.DataFrame:
    """Notes but those on independent failures, with who wrote them and where they stand.

    Columns trace_id, annotator, note_id, mode (empty where ungrouped), is_first_failure, at.
    """
    rows = _rows(session, ratings.codes(project_id, member))
    return _frame(rows, TRACE_ID, ANNOTATOR, NOTE_ID, MODE, IS_FIRST_FAILURE, AT)


def note_frame(session: Session, project_id: int, *, member: Member | None = None) -> pd.DataFrame:
    """Every note: note_id, text, trace_id, mode (empty where it stands under none)."""
    rows = session.exec(queries.notes(project_id, member)).all()
    return _frame(rows, NOTE_ID, TEXT, TRACE_ID, MODE)


def sampling_frame(session: Session, project_id: int) -> pd.DataFrame:
    """How each trace first came into a batch: trace_id, sampled_by, inclusion_weight, batch_id."""
    rows = _rows(session, queries.drawn_by(project_id))
    return _frame(rows, TRACE_ID, SAMPLED_BY, INCLUSION_WEIGHT, BATCH_ID).drop_duplicates(
        TRACE_ID, ignore_index=True
    )


def modes_on_reviewed(
    verdicts: pd.DataFrame,
    labels: pd.DataFrame,
    sampling: pd.DataFrame,
    *,
    drafts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Modes present on the reviewed traces, in the order of review: trace_id, mode, sampled_by.

    One row a pair; a reviewed trace without any mode is a row with an empty mode.

    Args:
        verdicts: From `verdict_frame`.
        labels: From `analysis.prevalence.combine_labels`.
        sampling: From `sampling_frame`.
        drafts: From `draft_frame`, to count a grouped note that nobody confirmed yet as present
            too, which rates never do. Before the labelling stage there is nothing else to see.
    """
    reviewed = verdicts[[TRACE_ID]].drop_duplicates(ignore_index=True).astype("Int64")
    pairs = labels.loc[labels[VALUE] == LabelValue.PRESENT.value, [TRACE_ID, MODE]]
    if drafts is not None:
        pairs = pd.concat([pairs, drafts[[TRACE_ID, MODE]]]).drop_duplicates()
    frame = reviewed.merge(pairs.astype("Int64"), on=TRACE_ID, how="left")
    return frame.merge(sampling[[TRACE_ID, SAMPLED_BY]], how="left")


def step_frame(session: Session, trace_ids: Sequence[int]) -> pd.DataFrame:
    """The steps of some traces without their texts: trace_id, position, role, kind, name."""
    rows: list[Any] = []
    for start in range(0, len(trace_ids), _TRACES_AT_ONCE):
        some = trace_ids[start : start + _TRACES_AT_ONCE]
        rows.extend(_rows(session, queries.shapes_of_steps(some)))
    return _frame(rows, TRACE_ID, POSITION, ROLE, KIND, NAME)


def _rows(session: Session, statement: sa.Executable) -> Sequence[Any]:
    """Read columns as the database gives them: past the session, which looks at each row anew."""
    return session.connection().execute(statement).all()


def _columns(session: Session, statement: sa.Executable) -> list[list[Any]]:
    """Read as `_rows` does, column by column, without keeping a row.

    Hundreds of thousands of rows have the garbage collector walk everything there is many times,
    which takes as long as reading them.
    """
    found = session.connection().execute(statement)
    columns: list[list[Any]] = [[] for _ in found.keys()]  # noqa: SIM118  # a result, not a dict
    for rows in found.partitions(_ROWS_AT_ONCE):
        for column, values in zip(columns, zip(*rows, strict=True), strict=True):
            column.extend(values)
    return columns


def _of_columns(values: Sequence[list[Any]], *columns: str) -> pd.DataFrame:
    return pd.DataFrame(dict(zip(columns, values, strict=True)), columns=list(columns))


def _frame(rows: Sequence[Any], *columns: str) -> pd.DataFrame:
    return pd.DataFrame([tuple(row) for row in rows], columns=list(columns))


def token_feature_frame(session: Session, conditions: Sequence[Any]) -> pd.DataFrame:
    """Token features of the traces that meet conditions, one row each, indexed by trace_id.

    Columns eval_id, top_k, nucleus_q, near_tie_delta, generated_len, prefinal_len,
    hit_max_tokens, degenerate and the features as `analysis.uncertainty.feature_table` names them;
    what is missing is NaN. Traces without features have no row.
    """
    rows = session.execute(token_features.of_traces(conditions)).all()
    ordered = sorted(rows, key=lambda row: tuple(row.windows))
    parts = [
        _features_of(windows, list(own))
        for windows, own in groupby(ordered, key=lambda row: tuple(row.windows))
    ]
    return pd.concat(parts).sort_index() if parts else pd.DataFrame()


def _features_of(windows: tuple[int, ...], rows: Sequence[Any]) -> pd.DataFrame:
    index = pd.Index([row.trace_id for row in rows], name=TRACE_ID)
    values = unpacked([row.packed for row in rows], windows)
    facts = [[getattr(row, name) for name in _FACTS] for row in rows]
    return pd.concat(
        [
            pd.DataFrame({"eval_id": [row.eval_id for row in rows]}, index=index),
            pd.DataFrame(facts, columns=list(_FACTS), index=index).astype(float),
            pd.DataFrame(values, columns=list(columns(windows)), index=index),
        ],
        axis="columns",
    )
