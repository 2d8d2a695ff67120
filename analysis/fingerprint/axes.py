"""Accuracy, truncation and tokens of each group on each axis, beside the cohort's."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.frames import require
from analysis.surface.accuracy import from_sums, wilson_bounds
from analysis.thresholds import threshold

GROUP, AXIS, OUTCOME, TOKENS, GUESS_RATE = "group", "axis", "outcome", "tokens", "guess_rate"


@dataclass(frozen=True)
class Thresholds:
    """Cut-offs of archetypes, and of weak and expensive axes."""

    fewest_axes: int = threshold(4, "axes with enough traces that an archetype needs", minimum=2)
    fewest_traces: int = threshold(
        5, "an axis with fewer traces of a group counts for no archetype", minimum=1
    )
    few: int = threshold(8, "axes with fewer traces are drawn hollow", minimum=1)
    truncated: float = threshold(
        0.10,
        "Truncation Victim: on its axes at least this share of traces is truncated …",
        maximum=1,
    )
    truncated_axes: float = threshold(2 / 3, "… on at least this share of the axes", maximum=1)
    tokens_factor: float = threshold(
        1.5, "Inefficient Reasoner: this many times the cohort's median tokens; expensive, too"
    )
    specialist_sd: float = threshold(
        0.20, "Task Specialist: the accuracies of its axes differ by this sd or more …", maximum=1
    )
    specialist_best: float = threshold(
        0.80, "… and the best third of them reaches this on average", maximum=1
    )
    generalist_sd: float = threshold(
        0.10, "Balanced Generalist: the accuracies differ by this sd at most …", maximum=1
    )
    generalist_mean: float = threshold(0.60, "… and reach this on average", maximum=1)
    weak_gap: float = threshold(
        0.10,
        "an axis is weak where accuracy is this far below the cohort's, interval and all",
        maximum=1,
    )


def axis_table(frame: pd.DataFrame, cuts: Thresholds) -> pd.DataFrame:
    """Return one row for each group × axis, by name.

    Formula: accuracy as `analysis.surface.accuracy.from_sums`, truncated counted as failed, with
    Wilson's interval; share not truncated with Wilson's; median tokens with the interval of order
    statistics whose coverage is at least 95 %, relative to the cohort's median, which is that of
    the groups' medians on the axis. The cohort's accuracy on an axis is the mean of its groups'.
    Weak: the interval lies below the cohort's accuracy and the value by `weak_gap`; where there is
    one group alone, its own mean over axes stands for the cohort. Expensive: the relative tokens
    are `tokens_factor` or more and their interval lies above 1.

    Assumptions: traces of a cell are independent; what the cohort has is taken as known.

    Empty input: no rows; nan where a cell has no tokens.

    Citation: as `analysis.surface.accuracy`; Hahn & Meeker (1991), Statistical Intervals, 5.2.

    Args:
        frame: Columns group, axis, outcome (all known), and where there are tokens and guess_rate.
        cuts: Cut-offs.

    Returns:
        Columns group, axis, n, correct, truncated, accuracy, low, high, completed, completed_low,
        completed_high, median_tokens, tokens_relative, tokens_low, tokens_high, cohort_accuracy,
        cohort_tokens, few (drawn hollow), weak, expensive.
    """
    require(frame, GROUP, AXIS, OUTCOME)
    counts = _counts(frame)
    found = from_sums(
        counts["n"], counts["correct"], counts["truncated"], counts["lucky"], counts["lucky_of_all"]
    )
    low, high = wilson_bounds(counts["n"] - counts["truncated"], counts["n"])
    table = counts.assign(
        accuracy=found.value,
        low=found.low,
        high=found.high,
        completed=1 - counts["truncated"] / counts["n"],
        completed_low=low,
        completed_high=high,
    ).drop(columns=["lucky", "lucky_of_all"])
    table = table.merge(_medians(frame), on=[GROUP, AXIS], how="left")
    return _beside_cohort(table, cuts)


def _counts(frame: pd.DataFrame) -> pd.DataFrame:
    guess = (
        frame[GUESS_RATE].fillna(0.0).astype(float)
        if GUESS_RATE in frame
        else pd.Series(0.0, index=frame.index)
    )
    is_truncated = frame[OUTCOME] == "truncated"
    parts = pd.DataFrame(
        {
            GROUP: frame[GROUP],
            AXIS: frame[AXIS],
            "n": 1,
            "correct": (frame[OUTCOME] == "correct").astype(int),
            "truncated": is_truncated.astype(int),
            "lucky": guess.where(~is_truncated, 0.0),
            "lucky_of_all": guess,
        }
    )
    return parts.groupby([GROUP, AXIS], as_index=False, sort=True).sum()


def _medians(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the median tokens of each cell with the interval of its order statistics."""
    from scipy.stats import binom

    columns = [GROUP, AXIS, "median_tokens", "own_low", "own_high"]
    if TOKENS not in frame:
        return pd.DataFrame(columns=columns).astype({"median_tokens": float})
    known = frame[[GROUP, AXIS, TOKENS]].dropna().sort_values([GROUP, AXIS, TOKENS])
    if known.empty:
        return pd.DataFrame(columns=columns).astype({"median_tokens": float})
    cells = known.groupby([GROUP, AXIS], sort=True)[TOKENS]
    sizes, medians = cells.size(), cells.median()
    n = sizes.to_numpy()
    starts = np.concatenate([[0], np.cumsum(n)[:-1]])
    below = np.maximum(binom.ppf(0.025, n, 0.5).astype(int) - 1, -1)
    values = known[TOKENS].to_numpy(dtype=float)
    has_interval = below >= 0
    low = np.where(has_interval, values[starts + np.maximum(below, 0)], np.nan)
    high = np.where(has_interval, values[starts + n - 1 - np.maximum(below, 0)], np.nan)
    return pd.DataFrame({"median_tokens": medians, "own_low": low, "own_high": high}).reset_index()


def _beside_cohort(table: pd.DataFrame, cuts: Thresholds) -> pd.DataFrame:
    by_axis = table.groupby(AXIS)
    tokens = by_axis["median_tokens"].transform("median")
    accuracy = by_axis["accuracy"].transform("mean")
    if len(table[GROUP].unique()) == 1:
        accuracy = pd.Series(table["accuracy"].mean(), index=table.index)
    relative = table["median_tokens"] / tokens.where(tokens > 0)
    low, high = table["own_low"] / tokens, table["own_high"] / tokens
    return table.assign(
        tokens_relative=relative,
        tokens_low=low,
        tokens_high=high,
        cohort_accuracy=accuracy,
        cohort_tokens=tokens,
        few=table["n"] < cuts.few,
        weak=(table["high"] < accuracy) & (table["accuracy"] <= accuracy - cuts.weak_gap),
        expensive=(relative >= cuts.tokens_factor) & (low > 1),
    ).drop(columns=["own_low", "own_high"])
