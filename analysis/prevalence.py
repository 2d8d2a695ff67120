"""How common each failure mode is, over the traces on which somebody decided."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import pandas as pd

from analysis.estimates import Estimate, wilson
from analysis.frames import (
    ANNOTATOR,
    MODE,
    N_ABSENT,
    N_ANNOTATORS,
    N_PRESENT,
    SOURCE,
    TRACE_ID,
    VALUE,
    LabelSource,
    LabelValue,
    require,
)

_PAIR = [TRACE_ID, MODE]


@dataclass(frozen=True)
class ModePrevalence:
    """Prevalence of one mode and what its denominator is made of."""

    mode: Hashable
    estimate: Estimate
    n_present: int
    undecided: int
    """Traces left out because the annotators are tied."""
    derived: int
    """Traces in the denominator whose value follows from a verdict, not from a label."""


def combine_labels(frame: pd.DataFrame) -> pd.DataFrame:
    """Combine all labels of each trace × mode into one value.

    Formula: gold if there is one; else the majority of the human labels, a tie being undecided;
    else the majority of the derived values.

    Assumptions: one row per trace, mode, source and annotator; machine labels are left out by the
    caller; a pair without a row is unseen and stays without one.

    Empty input: an empty frame with the result's columns.

    Citation: majority vote, see Artstein & Poesio (2008), Computational Linguistics 34:555–596.

    Args:
        frame: Columns trace_id, mode, source (`LabelSource`), value (`LabelValue`), annotator.

    Returns:
        One row per trace × mode: trace_id, mode, value (empty = undecided), source, and
        n_present, n_absent, n_annotators counting the human labels.

    Raises:
        ValueError: On a missing column, an unknown source or value, or a repeated label.
    """
    require(frame, TRACE_ID, MODE, SOURCE, VALUE, ANNOTATOR)
    _check_labels(frame)
    votes = _count_votes(frame)
    combined = _decide(votes)
    combined[N_PRESENT] = votes[_column(LabelSource.HUMAN, LabelValue.PRESENT)]
    combined[N_ABSENT] = votes[_column(LabelSource.HUMAN, LabelValue.ABSENT)]
    combined[N_ANNOTATORS] = combined[N_PRESENT] + combined[N_ABSENT]
    return combined.reset_index()


def prevalence(
    frame: pd.DataFrame, *, modes: Iterable[Hashable] = (), confidence: float = 0.95
) -> dict[Hashable, ModePrevalence]:
    """Estimate the share of traces on which each mode is present.

    Formula: present / (present + absent) over the combined values of `combine_labels`, with
    Wilson's interval.

    Assumptions: the traces are a random (or equally weighted) sample; undecided and unseen traces
    are in neither count.

    Empty input: a mode of `modes` without a decided trace has n = 0 and nan.

    Citation: Wilson (1927), JASA 22:209–212.

    Args:
        frame: The labels, as `combine_labels` takes them.
        modes: Modes to report even if no trace was labelled for them; they come first.
        confidence: Coverage of the intervals.
    """
    combined = combine_labels(frame)
    value = combined[VALUE]
    counts = pd.DataFrame(
        {
            MODE: combined[MODE],
            "present": value == LabelValue.PRESENT,
            "decided": value.notna(),
            "undecided": value.isna(),
            "derived": value.notna() & (combined[SOURCE] == LabelSource.DERIVED),
        }
    )
    per_mode = counts.groupby(MODE, sort=False).sum()
    order = list(dict.fromkeys([*modes, *per_mode.index.tolist()]))
    table = per_mode.reindex(order, fill_value=0).to_numpy().astype(int).tolist()
    return {
        mode: ModePrevalence(mode, wilson(present, n, confidence), present, undecided, derived)
        for mode, (present, n, undecided, derived) in zip(order, table, strict=True)
    }


def _check_labels(frame: pd.DataFrame) -> None:
    for column, kind in ((SOURCE, LabelSource), (VALUE, LabelValue)):
        unknown = sorted({str(value) for value in frame[column].unique()} - set(kind))
        if unknown:
            raise ValueError(
                f"Column {column} has {', '.join(unknown)}; allowed are {', '.join(kind)}."
            )
    # Gold is one decision per trace and mode, whoever signed it.
    voter = frame[ANNOTATOR].where(frame[SOURCE] != LabelSource.GOLD, other=None)
    repeated = frame[[*_PAIR, SOURCE]].assign(voter=voter).duplicated()
    if repeated.any():
        first = frame.loc[repeated, _PAIR].iloc[0].tolist()
        raise ValueError(
            f"{int(repeated.sum())} repeated labels, the first for trace {first[0]}, mode "
            f"{first[1]}; keep one row per trace, mode, source and annotator."
        )


def _count_votes(frame: pd.DataFrame) -> pd.DataFrame:
    """Count the labels of each trace × mode, one column per source and value."""
    marks = {
        _column(source, value): (frame[SOURCE] == source) & (frame[VALUE] == value)
        for source in LabelSource
        for value in LabelValue
    }
    return frame[_PAIR].assign(**marks).groupby(_PAIR, sort=False).sum().astype(int)


def _column(source: LabelSource, value: LabelValue) -> str:
    return f"{source}_{value}"


def _decide(votes: pd.DataFrame) -> pd.DataFrame:
    """Give each trace × mode its strongest source and that source's majority."""
    decided = pd.DataFrame({VALUE: None, SOURCE: None}, index=votes.index, dtype="str")
    for source in reversed(LabelSource):
        present = votes[_column(source, LabelValue.PRESENT)]
        absent = votes[_column(source, LabelValue.ABSENT)]
        decided.loc[present + absent > 0, SOURCE] = str(source)
        decided.loc[present + absent > 0, VALUE] = None
        decided.loc[present > absent, VALUE] = str(LabelValue.PRESENT)
        decided.loc[present < absent, VALUE] = str(LabelValue.ABSENT)
    return decided
