"""Do the first tokens tell failures better than all of them? One window after the other."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import numpy as np
from numpy.typing import NDArray

from analysis.estimates import Estimate
from analysis.thresholds import threshold
from analysis.uncertainty.average_precision import (
    DRAWS,
    SEED,
    auroc,
    average_precision,
    drawn_precisions,
    interval_of,
    ranking,
)
from analysis.uncertainty.failure_scores import Scores, folds_of, out_of_fold
from analysis.uncertainty.feature_table import FEATURES, LEAST_FAILURES, FeatureTable, Span


class WindowVerdict(StrEnum):
    """What one window says."""

    COMMITTED = "committed"
    FULL_BETTER = "full_better"
    NEAR_COMMITTED = "near_committed"
    AMBIGUOUS = "ambiguous"


class Mode(StrEnum):
    """How traces of a population fail."""

    COMMITTED = "committed"
    NEAR_COMMITTED = "near_committed"
    PERSISTENT = "persistent"
    UNDECIDED = "undecided"
    NOT_ENOUGH = "not_enough_data"


@dataclass(frozen=True)
class Thresholds:
    """Cut-offs of the verdicts."""

    near_share: float = threshold(
        0.8, "share of draws in which a window beats all tokens: near-committed", maximum=1.0
    )
    false_discovery: float = threshold(
        0.05, "false discovery rate over windows, in the nested verdict", maximum=1.0
    )
    failures: int = threshold(20, "failures needed for the nested verdict", minimum=5)
    reading: float = threshold(
        0.8, "probability from which a trace is read as committed or persistent", minimum=0.5
    )


@dataclass(frozen=True)
class Window:
    """The first tokens against all of them."""

    window: int
    early: Estimate
    """PR-AUC of the first tokens."""
    auroc: float
    delta: Estimate
    """Mean over the draws of PR-AUC(first) − PR-AUC(all), as published."""
    spread: float
    """Standard deviation of that over the draws (ddof 0)."""
    p_better: float
    """Share of draws in which the first tokens do better."""
    p: float
    """Two-sided bootstrap p of a difference of 0."""
    q: float
    """p, corrected over the windows (Benjamini-Hochberg)."""
    verdict: WindowVerdict

    @property
    def z(self) -> float:
        """Mean difference in standard deviations of its draws."""
        return self.delta.value / self.spread if self.spread else float("nan")


@dataclass(frozen=True)
class Comparison:
    """All windows of a population against its full traces."""

    n: int
    failures: int
    full: Estimate
    full_auroc: float
    windows: tuple[Window, ...]
    mode: Mode
    """As published, without correction over windows."""
    window: int | None
    """The commitment point; for other modes the window with the highest PR-AUC."""
    grouped: bool
    """Whether folds and draws are of items."""


def compare(
    table: FeatureTable,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    cuts: Thresholds | None = None,
    executor: Executor | None = None,
) -> Comparison | None:
    """Compare each window with all tokens, as published.

    Formula: out-of-fold scores of standardised features by logistic regression; their pooled
    average precision; 95 % by the percentile bootstrap over rows in fold order; the difference by a
    paired bootstrap over rows in their own order, the same draws for each window.

    Assumptions: traces are independent (items, where `table.items` says so), labels are right.

    Empty input: None where no fold could be scored (fewer than 5 failures, one class only).

    Citation: How Language Models Fail, steps 4–9 of its failure-mode analysis.
    """
    cuts = cuts or Thresholds()
    folds = folds_of(table.failed, table.items) if table.failures >= LEAST_FAILURES else []
    scored = {
        span: out_of_fold(table.matrix(FEATURES, span), table.failed, folds) for span in table.spans
    }
    full = scored[table.full]
    if not full.known.any():
        return None
    usable = {span: found for span, found in scored.items() if found.known.any()}
    drawn = _drawn(table, usable, draws, seed, executor)
    pooled = partial(_pooled, table, drawn)
    early = [span for span in usable if span.window is not None]
    found = [_window(table, span, scored, drawn, cuts) for span in early]
    mode, window = _verdict(found)
    return Comparison(
        n=int(full.known.sum()),
        failures=int(table.failed[full.known].sum()),
        full=pooled(table.full, full),
        full_auroc=auroc(table.failed[full.known], full.score[full.known]),
        windows=tuple(_corrected(found)),
        mode=mode,
        window=window,
        grouped=table.items is not None,
    )


@dataclass(frozen=True)
class _Drawn:
    """PR-AUC of each draw, with rows in their own order and fold after fold."""

    own: dict[Span, NDArray[np.float64]]
    by_fold: dict[Span, NDArray[np.float64]]


def _drawn(
    table: FeatureTable,
    scored: dict[Span, Scores],
    draws: int,
    seed: int,
    executor: Executor | None,
) -> _Drawn:
    first = scored[table.full]
    known = first.known
    items = None if table.items is None else table.items[known]
    own = {s: ranking(table.failed[known], found.score[known]) for s, found in scored.items()}
    order = first.order
    fold_after_fold = {
        s: ranking(table.failed[order], found.score[order]) for s, found in scored.items()
    }
    # Items are the same draws in either order.
    rankings = [*own.values(), *(fold_after_fold.values() if items is None else ())]
    found = drawn_precisions(rankings, draws, seed=seed, items=items, executor=executor)
    joined = dict(zip(scored, found[: len(scored)], strict=True))
    if items is not None:
        return _Drawn(joined, joined)
    return _Drawn(joined, dict(zip(scored, found[len(scored) :], strict=True)))


def _pooled(table: FeatureTable, drawn: _Drawn, span: Span, scores: Scores) -> Estimate:
    known = scores.known
    value = average_precision(table.failed[known], scores.score[known])
    grouped = table.items is not None
    return interval_of(value, drawn.by_fold[span], int(known.sum()), grouped=grouped)


def _window(
    table: FeatureTable, span: Span, scored: dict[Span, Scores], drawn: _Drawn, cuts: Thresholds
) -> Window:
    scores = scored[span]
    difference = drawn.own[span] - drawn.own[table.full]
    difference = difference[~np.isnan(difference)]
    better = float((difference > 0).mean())
    delta = interval_of(
        float(difference.mean()),
        difference,
        int(scores.known.sum()),
        grouped=table.items is not None,
    )
    p = two_sided(difference)
    return Window(
        window=span.window or 0,
        early=_pooled(table, drawn, span, scores),
        auroc=auroc(table.failed[scores.known], scores.score[scores.known]),
        delta=delta,
        spread=float(difference.std()),
        p_better=better,
        p=p,
        q=p,
        verdict=window_verdict(delta, better, cuts),
    )


def two_sided(differences: NDArray[np.float64]) -> float:
    """Return the bootstrap p of a difference of 0: twice the smaller tail, one draw added.

    Citation: Davison & Hinkley (1997), Bootstrap Methods and their Application, section 4.2.
    """
    tail = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (len(differences) + 1))


def window_verdict(delta: Estimate, p_better: float, cuts: Thresholds) -> WindowVerdict:
    """Return what one window says, as published."""
    if delta.low > 0:
        return WindowVerdict.COMMITTED
    if delta.high < 0:
        return WindowVerdict.FULL_BETTER
    if p_better > cuts.near_share and delta.value > 0:
        return WindowVerdict.NEAR_COMMITTED
    return WindowVerdict.AMBIGUOUS


def _verdict(windows: Sequence[Window]) -> tuple[Mode, int | None]:
    """Return the published verdict of a population: none of its windows is corrected for.

    Without any window nothing is compared, and nothing is said.
    """
    if not windows:
        return Mode.NOT_ENOUGH, None
    committed = [one for one in windows if one.verdict is WindowVerdict.COMMITTED]
    near = any(one.verdict is WindowVerdict.NEAR_COMMITTED for one in windows)
    mode = Mode.COMMITTED if committed else Mode.NEAR_COMMITTED if near else Mode.PERSISTENT
    return mode, highest(committed or windows)


def highest(windows: Sequence[Window]) -> int | None:
    """Return the window with the highest PR-AUC, the shorter one of equals."""
    return max(windows, key=lambda one: one.early.value).window if windows else None


def _corrected(windows: Sequence[Window]) -> list[Window]:
    from dataclasses import replace

    from scipy.stats import false_discovery_control

    if not windows:
        return []
    corrected = false_discovery_control([one.p for one in windows])
    return [replace(one, q=float(q)) for one, q in zip(windows, corrected, strict=True)]
