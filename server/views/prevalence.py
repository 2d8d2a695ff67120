"""Prevalence of each failure mode over randomly drawn traces, as rows with bars."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.estimates import Estimate
from analysis.frames import MODE, SOURCE, TRACE_ID, VALUE, LabelSource
from analysis.percentages import percent, percents
from analysis.prevalence import ModePrevalence, combine_labels, prevalence
from analysis.sampling import INCLUSION_WEIGHT
from server.frames import BATCH_ID, SAMPLED_BY
from server.models.base import stored_id
from server.models.mode import FailureMode
from server.models.verdict import VerdictValue
from server.sampling.wanted import feeds_rates, feeds_saturation
from server.views.facts import Facts
from server.views.tally import seen_verdicts

_TICK = 0.25


@dataclass(frozen=True)
class Bar:
    """Value and interval in per cent of the bar's width."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class PrevalenceRow:
    """One mode; without an estimate while every value follows from a Pass, or there is none."""

    mode_id: int
    name: str
    hue: int
    present: int
    n: int
    estimate: Estimate | None
    interval: str
    bar: Bar | None
    drafts: int
    """Traces with a note under the mode that no label confirms or denies."""
    draft_width: float
    """Their share of the traces read, in per cent of the bar's width."""
    words: str


@dataclass(frozen=True)
class PrevalenceTable:
    rows: tuple[PrevalenceRow, ...]
    axis_end: float
    """The share at which the bars' axis ends."""
    is_weighted: bool
    """Whether traces count by their weight: some were likelier to be drawn than others."""
    n: str
    """Over how many traces: "42", or "38 to 42" where the modes differ; empty without labels."""
    read: int
    """Traces drawn by chance that were read."""
    excluded: int
    """Traces with a value that were not drawn by chance."""
    derived: int
    """Traces with an "absent" that follows from a Pass."""
    undecided: int
    """Pairs of trace and mode on which annotators are tied."""
    unlabelled_failures: int
    """Failed random traces that lack a value for some mode: with it, rates may change."""


@dataclass(frozen=True)
class RateSample:
    """The traces that rates are computed over, and what each weighs."""

    trace_ids: frozenset[int]
    weights: Mapping[Hashable, float]
    is_weighted: bool
    """Whether some were likelier to be drawn than others."""


def drawn_at_random(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of traces that were as likely to be drawn as any others."""
    return frame[frame[SAMPLED_BY].fillna("").map(feeds_saturation).astype(bool)]


def rate_sample(sampling: pd.DataFrame) -> RateSample:
    """Return which traces feed rates: random ones at weight 1, unevenly drawn ones by theirs.

    Weights are divided by their mean over the batch, so that a small batch does not outweigh a
    large one: each batch stands for all traces, and both for the same.
    """
    drawn = sampling[sampling[SAMPLED_BY].fillna("").map(feeds_rates).astype(bool)]
    even = drawn[SAMPLED_BY].map(feeds_saturation).astype(bool)
    mean = drawn.groupby(BATCH_ID)[INCLUSION_WEIGHT].transform("mean")
    weights = (drawn[INCLUSION_WEIGHT] / mean).where(~even, 1.0)
    ids = [int(trace_id) for trace_id in drawn[TRACE_ID]]
    found: dict[Hashable, float] = dict(zip(ids, weights.tolist(), strict=True))
    return RateSample(frozenset(ids), found, bool((~even).any()))


def prevalence_table(facts: Facts) -> PrevalenceTable:
    """Build the table of modes in use, the most prevalent first."""
    return facts.counted("prevalence", lambda: _table(facts))


def _table(facts: Facts) -> PrevalenceTable:
    in_use, labels, drafts = facts.modes, facts.labels_in_batches, facts.drafts
    sample = rate_sample(facts.sampling)
    random = sample.trace_ids
    sampled = labels[labels[TRACE_ID].isin(random)]
    drafted = drafts[drafts[TRACE_ID].isin(random)].groupby(MODE)[TRACE_ID].nunique().to_dict()
    found = prevalence(sampled, modes=[stored_id(mode) for mode in in_use], weights=sample.weights)
    verdicts = seen_verdicts(facts)
    read = verdicts[verdicts[TRACE_ID].isin(random)]
    counts = [
        _Counts(
            mode, found[stored_id(mode)], int(drafted.get(mode.id, 0)), read[TRACE_ID].nunique()
        )
        for mode in in_use
    ]
    end = _axis_end(counts)
    rows = sorted((_row(of_mode, end) for of_mode in counts), key=_rank)
    values = combine_labels(sampled)
    return PrevalenceTable(
        rows=tuple(rows),
        axis_end=end,
        is_weighted=sample.is_weighted,
        n=_span([row.n for row in rows if row.estimate]),
        read=read[TRACE_ID].nunique(),
        excluded=len(facts.decided_traces - random),
        derived=_derived(values),
        undecided=int(values[VALUE].isna().sum()),
        unlabelled_failures=_unlabelled_failures(read, values, len(in_use)),
    )


def _rank(row: PrevalenceRow) -> tuple[float, int, str]:
    return (-(row.estimate.value if row.estimate else 0), -row.drafts, row.name)


@dataclass(frozen=True)
class _Counts:
    mode: FailureMode
    found: ModePrevalence
    drafts: int
    read: int

    @property
    def estimate(self) -> Estimate | None:
        """None where only passes speak: over those alone every mode is absent by definition."""
        labelled = self.found.estimate.n > self.found.derived
        return self.found.estimate if labelled else None

    @property
    def draft_share(self) -> float:
        return self.drafts / self.read if self.read else 0.0


def _row(counts: _Counts, end: float) -> PrevalenceRow:
    mode, estimate = counts.mode, counts.estimate
    bar, interval = None, ""
    words = f"{mode.name}: not labelled yet, noted on {counts.drafts} of {counts.read} traces read"
    if estimate:
        interval = f"{100 * estimate.low:.0f}–{100 * estimate.high:.0f}"
        bar = Bar(*(100 * share / end for share in (estimate.value, estimate.low, estimate.high)))
        words = (
            f"{mode.name}: {counts.found.n_present} of {estimate.n} traces, "
            f"{percent(estimate.value)}{' weighted' if estimate.method != 'wilson' else ''}, "
            f"95 % interval {percents(estimate.low, estimate.high)}"
        )
    return PrevalenceRow(
        mode_id=stored_id(mode),
        name=mode.name,
        hue=mode.colour,
        present=counts.found.n_present,
        n=counts.found.estimate.n,
        estimate=estimate,
        interval=interval,
        bar=bar,
        drafts=counts.drafts,
        draft_width=100 * counts.draft_share / end,
        words=words,
    )


def _axis_end(every: list[_Counts]) -> float:
    ends = [of.estimate.high if of.estimate else of.draft_share for of in every]
    return min(1.0, _TICK * max(1, math.ceil(max(ends, default=0) / _TICK)))


def _span(sizes: list[int]) -> str:
    if not sizes:
        return ""
    low, high = min(sizes), max(sizes)
    return f"{high:,}" if low == high else f"{low:,} to {high:,}"


def _derived(values: pd.DataFrame) -> int:
    derived = values[values[VALUE].notna() & (values[SOURCE] == LabelSource.DERIVED)]
    return int(derived[TRACE_ID].nunique())


def _unlabelled_failures(read: pd.DataFrame, values: pd.DataFrame, mode_count: int) -> int:
    failed = read.loc[read[VALUE] == VerdictValue.FAIL, TRACE_ID].drop_duplicates()
    decided = values.groupby(TRACE_ID)[MODE].nunique()
    return int((failed.map(decided).fillna(0) < mode_count).sum())
