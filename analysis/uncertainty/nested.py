"""Is the mode real? Window and mode chosen on training traces, the difference on held-out ones."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from analysis.cohorts.threads import one_thread
from analysis.estimates import Estimate
from analysis.spreading import spread
from analysis.uncertainty.average_precision import (
    SEED,
    average_precision,
    drawn_precisions,
    interval_of,
    ranking,
)
from analysis.uncertainty.failure_scores import Fold, fitted, folds_of, out_of_fold
from analysis.uncertainty.feature_table import FEATURES, LEAST_FAILURES, FeatureTable, Span
from analysis.uncertainty.windows import Comparison, Mode, Thresholds, Window, compare, highest

INNER_DRAWS = 1_000
DRAWS = 10_000
_DECIDED = (Mode.COMMITTED, Mode.PERSISTENT)


@dataclass(frozen=True)
class OuterFold:
    """What the traces of four folds say, and what the fifth says of it."""

    n: int
    """Held-out traces."""
    failures: int
    mode: Mode
    """Chosen on the training folds, corrected over windows."""
    window: int
    held_out_delta: float | None
    """PR-AUC(window) − PR-AUC(all) on the held-out traces, by models of the training folds."""
    own_delta: float | None
    """The same by models of the held-out traces themselves, out of fold, as first published."""


@dataclass(frozen=True)
class HeldOut:
    """Held-out traces of all folds together, each at the window that its fold chose."""

    early: Estimate
    """PR-AUC of the chosen windows."""
    full: Estimate
    """PR-AUC of all tokens."""
    delta: Estimate
    """Their difference."""
    p_better: float
    """Share of draws in which it is above 0."""
    base_rate: float
    """Share of failures: PR-AUC of chance."""

    @property
    def is_informative(self) -> bool:
        """Whether the better of the two tells failures better than chance does."""
        better = max(self.early, self.full, key=lambda one: one.value)
        return better.low > self.base_rate


@dataclass(frozen=True)
class Nested:
    """The default verdict of a population."""

    n: int
    failures: int
    mode: Mode
    window: int | None
    """The commitment point of a committed population: what most of its folds chose."""
    compared_window: int | None
    """The window that most folds chose, whatever the mode."""
    held_out: HeldOut | None
    folds: tuple[OuterFold, ...]
    reason: str
    """Why that is the verdict, in words."""


@dataclass(frozen=True)
class _Scored:
    fold: OuterFold
    places: NDArray[np.intp]
    early: NDArray[np.float64]
    full: NDArray[np.float64]


def nested(
    table: FeatureTable,
    *,
    draws: int = DRAWS,
    inner_draws: int = INNER_DRAWS,
    seed: int = SEED,
    cuts: Thresholds | None = None,
    executor: Executor | None = None,
) -> Nested:
    """Choose mode and window on training folds and look at the difference on held-out traces.

    In each of five outer folds (of items where `table.items` has them) the training part is
    compared window by window; a window counts where its difference stands after Benjamini-Hochberg
    over the windows. A better one makes the fold committed, at the window with the highest PR-AUC;
    else one that is worse makes it persistent, at the last such window; else it says nothing.
    Models of the training part then score the held-out traces at that window and with all tokens.
    The population is committed (persistent) where more than half of the folds are and the 95 %
    interval of the pooled held-out difference lies above (below) 0; near-committed where it is
    above 0 in more than `near_share` of the draws. It is undecided, whatever else, where neither
    tells held-out failures better than the base rate.

    Assumptions: traces are independent (or items are), labels are right.

    Empty input: `not_enough_data`, with the reason.

    Citation: Varma & Simon (2006), BMC Bioinformatics 7:91; Benjamini & Hochberg (1995), JRSS B
    57:289–300. The rule of decision is ours.
    """
    cuts = cuts or Thresholds()
    successes = table.n - table.failures
    if min(table.failures, successes) < cuts.failures:
        few = "failures" if table.failures < cuts.failures else "correct traces"
        count = min(table.failures, successes)
        return _nothing(table, f"{count} {few}, {cuts.failures} needed")
    if not table.windows:
        return _nothing(table, "no window of the first tokens is there")
    asked = [(fold,) for fold in folds_of(table.failed, table.items)]
    found = list(spread(_scored, asked, executor, shared=(table, inner_draws, seed, cuts)))
    usable = [one for one in found if one is not None]
    if not usable:
        return _nothing(table, "no fold has both failures and successes")
    return _decided(usable, _pooled(table, usable, draws, seed, executor), cuts)


def _nothing(table: FeatureTable, reason: str) -> Nested:
    return Nested(
        n=table.n,
        failures=table.failures,
        mode=Mode.NOT_ENOUGH,
        window=None,
        compared_window=None,
        held_out=None,
        folds=(),
        reason=f"Not enough data: {reason}.",
    )


@one_thread()
def _scored(
    table: FeatureTable, draws: int, seed: int, cuts: Thresholds, fold: Fold
) -> _Scored | None:
    train, places = fold
    part = table.where(_mask(table.n, train))
    comparison = compare(part, draws=draws, seed=seed, cuts=cuts)
    if comparison is None or not comparison.windows:
        return None
    mode, window = chosen(comparison, cuts)
    full, early = (
        _trained(table, span, train, places) for span in (table.full, Span(window, table.prefinal))
    )
    failed = table.failed[places]
    has_both = bool(failed.any() and not failed.all())
    difference = average_precision(failed, early) - average_precision(failed, full)
    told = OuterFold(
        n=len(places),
        failures=int(failed.sum()),
        mode=mode,
        window=window,
        held_out_delta=difference if has_both else None,
        own_delta=_own_delta(table.where(_mask(table.n, places)), window),
    )
    return _Scored(told, places, early, full)


def chosen(comparison: Comparison, cuts: Thresholds) -> tuple[Mode, int]:
    """Return what a comparison says once it is corrected over windows, and at which window."""
    stands = [one for one in comparison.windows if one.q <= cuts.false_discovery]
    better = [one for one in stands if one.delta.value > 0]
    worse = [one for one in stands if one.delta.value < 0]
    if better:
        return Mode.COMMITTED, _highest(better)
    if worse:
        return Mode.PERSISTENT, max(one.window for one in worse)
    return Mode.UNDECIDED, _highest(comparison.windows)


def _highest(windows: Sequence[Window]) -> int:
    return highest(windows) or windows[0].window


def _mask(n: int, places: NDArray[np.intp]) -> NDArray[np.bool_]:
    found = np.zeros(n, dtype=bool)
    found[places] = True
    return found


def _trained(
    table: FeatureTable, span: Span, train: NDArray[np.intp], places: NDArray[np.intp]
) -> NDArray[np.float64]:
    features = table.matrix(FEATURES, span)
    return fitted(features[train], table.failed[train]).score(features[places])


def _own_delta(part: FeatureTable, window: int) -> float | None:
    if part.failures < LEAST_FAILURES:
        return None
    folds = folds_of(part.failed, part.items)
    full, early = (
        out_of_fold(part.matrix(FEATURES, span), part.failed, folds)
        for span in (part.full, Span(window, part.prefinal))
    )
    known = full.known & early.known
    if not known.any():
        return None
    failed = part.failed[known]
    found = average_precision(failed, early.score[known]) - average_precision(
        failed, full.score[known]
    )
    return None if np.isnan(found) else found


def _pooled(
    table: FeatureTable,
    found: Sequence[_Scored],
    draws: int,
    seed: int,
    executor: Executor | None,
) -> HeldOut:
    places = np.concatenate([one.places for one in found])
    failed = table.failed[places]
    items = None if table.items is None else table.items[places]
    early = np.concatenate([one.early for one in found])
    full = np.concatenate([one.full for one in found])
    rankings = ranking(failed, early), ranking(failed, full)
    drawn_early, drawn_full = drawn_precisions(
        rankings, draws, seed=seed, items=items, executor=executor
    )
    precisions = average_precision(failed, early), average_precision(failed, full)
    estimate = partial(interval_of, n=len(failed), grouped=items is not None)
    difference = drawn_early - drawn_full
    known = difference[~np.isnan(difference)]
    return HeldOut(
        early=estimate(precisions[0], drawn_early),
        full=estimate(precisions[1], drawn_full),
        delta=estimate(precisions[0] - precisions[1], difference),
        p_better=float((known > 0).mean()) if len(known) else float("nan"),
        base_rate=float(failed.mean()),
    )


def _decided(found: Sequence[_Scored], held_out: HeldOut, cuts: Thresholds) -> Nested:
    folds = tuple(one.fold for one in found)
    most, agreeing = Counter(fold.mode for fold in folds).most_common(1)[0]
    is_most = most in _DECIDED and agreeing > len(folds) / 2
    windows = Counter(fold.window for fold in folds if not is_most or fold.mode is most)
    window = min(windows, key=lambda one: (-windows[one], one))
    mode = _mode(most if is_most else None, held_out, cuts)
    return Nested(
        n=sum(fold.n for fold in folds),
        failures=sum(fold.failures for fold in folds),
        mode=mode,
        window=window if mode is Mode.COMMITTED else None,
        compared_window=window,
        held_out=held_out,
        folds=folds,
        reason=_reason(folds, held_out),
    )


def _mode(most: Mode | None, held_out: HeldOut, cuts: Thresholds) -> Mode:
    if not held_out.is_informative:
        return Mode.UNDECIDED
    if most is Mode.COMMITTED and held_out.delta.low > 0:
        return Mode.COMMITTED
    if most is Mode.PERSISTENT and held_out.delta.high < 0:
        return Mode.PERSISTENT
    near = held_out.p_better > cuts.near_share and held_out.delta.value > 0
    return Mode.NEAR_COMMITTED if near else Mode.UNDECIDED


def _reason(folds: Sequence[OuterFold], held_out: HeldOut) -> str:
    counts = Counter(fold.mode for fold in folds).most_common()
    told = ", ".join(f"{count} {mode.value.replace('_', '-')}" for mode, count in counts)
    delta = held_out.delta
    chance = (
        ""
        if held_out.is_informative
        else " Neither tells failures better than chance does: PR-AUC "
        f"{max(held_out.early.value, held_out.full.value):.3f}, "
        f"base rate {held_out.base_rate:.3f}."
    )
    return (
        f"Of {len(folds)} training parts {told}; on held-out traces the difference is "
        f"{delta.value:+.3f} ({delta.low:+.3f} to {delta.high:+.3f}).{chance}"
    )
