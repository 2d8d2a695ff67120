"""Which failed traces look committed, which persistent, and how sure that is."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.cohorts.threads import one_thread
from analysis.spreading import spread
from analysis.uncertainty.failure_scores import folds_of, out_of_fold
from analysis.uncertainty.feature_table import FEATURES, FeatureTable, Span
from analysis.uncertainty.nested import Nested
from analysis.uncertainty.windows import Mode, Thresholds

REPEATS = 20
"""Cross-validations, each with folds of its own."""
READING, PROBABILITY, EARLY, FULL = "reading", "probability", "early", "full"


class TraceReading(StrEnum):
    """What a failed trace looks like."""

    COMMITTED = "committed"
    PERSISTENT = "persistent"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class TraceReadings:
    """The readings of the failed traces, or why there are none."""

    frame: pd.DataFrame
    """Indexed as the table's frame; columns reading, probability (of committed), early, full."""
    window: int | None
    reason: str
    """What the readings rest on, or why there are none."""


def trace_readings(
    table: FeatureTable,
    found: Nested,
    *,
    cuts: Thresholds | None = None,
    repeats: int = REPEATS,
    executor: Executor | None = None,
) -> TraceReadings:
    """Read each failed trace as committed or persistent, where the population supports that.

    A trace looks committed where its first tokens single it out among the correct traces better
    than all of its tokens do. `early` and `full` are the shares of correct traces that it outranks
    by models of the first tokens of `found.compared_window` and of all tokens, out of fold, the
    mean over `repeats` cross-validations. `probability` is the share of those in which `early` is
    the larger, ties counting half: it tells how far the reading depends on which traces the models
    saw, and not what caused the failure. It is a reading from `cuts.reading` on (persistent: up to
    one minus it); between them it is unclear.

    Empty input: no rows, where the nested verdict is undecided or rests on too little.

    Citation: ours; placement values after DeLong et al. (1988), Biometrics 44:837–845.
    """
    cuts = cuts or Thresholds()
    empty = pd.DataFrame(columns=[READING, PROBABILITY, EARLY, FULL])
    window = found.compared_window
    if found.mode in (Mode.UNDECIDED, Mode.NOT_ENOUGH) or window is None:
        reason = found.mode.value.replace("_", " ")
        return TraceReadings(empty, None, f"No trace is read: the population is {reason}.")
    early, full = _placements(table, window, repeats, executor)
    known = np.flatnonzero(~np.isnan(early).any(axis=0))
    sure = (early > full).mean(axis=0) + 0.5 * (early == full).mean(axis=0)
    frame = pd.DataFrame(
        {
            READING: [_read(value, cuts) for value in sure],
            PROBABILITY: sure,
            EARLY: early.mean(axis=0),
            FULL: full.mean(axis=0),
        },
        index=table.frame.index[table.failed],
    )
    return TraceReadings(
        frame.iloc[known],
        window,
        f"{len(known)} failures: the first {window} tokens against all, {repeats} repeats.",
    )


def _read(probability: float, cuts: Thresholds) -> str:
    if probability >= cuts.reading:
        return TraceReading.COMMITTED.value
    if probability <= 1 - cuts.reading:
        return TraceReading.PERSISTENT.value
    return TraceReading.UNCLEAR.value


def _placements(
    table: FeatureTable, window: int, repeats: int, executor: Executor | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    matrices = [table.matrix(FEATURES, span) for span in (Span(window, table.prefinal), table.full)]
    seeds = [(seed,) for seed in range(repeats)]
    shared = (table.failed, table.items, matrices)
    early, full = zip(*spread(_of_repeat, seeds, executor, shared=shared), strict=True)
    return np.array(early), np.array(full)


@one_thread()
def _of_repeat(
    failed: NDArray[np.bool_],
    items: NDArray[np.object_] | None,
    matrices: Sequence[NDArray[np.float64]],
    seed: int,
) -> list[NDArray[np.float64]]:
    order = np.random.default_rng(seed).permutation(len(failed))
    shuffled = folds_of(failed[order], None if items is None else items[order], seed=seed)
    folds = [(order[train], order[held_out]) for train, held_out in shuffled]
    return [placement(failed, out_of_fold(own, failed, folds).score) for own in matrices]


def placement(failed: NDArray[np.bool_], score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each failure the share of correct traces that it outranks, ties counting half."""
    others = np.sort(score[~failed & ~np.isnan(score)])
    own = score[failed]
    if not len(others):
        return np.full(len(own), np.nan)
    below = np.searchsorted(others, own, side="left")
    not_above = np.searchsorted(others, own, side="right")
    return np.where(np.isnan(own), np.nan, (below + not_above) / 2 / len(others))
