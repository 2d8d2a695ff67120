"""Which pattern the wrong answers of a group show: broken loops, overthink, underthink, healthy."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.cliffs_delta import cliffs_delta
from analysis.cohorts.threads import one_thread
from analysis.compression_populations import (
    CORRECT,
    GROWTH,
    INCORRECT,
    OUTCOME,
    RATIO,
    RESIDUAL,
    TOKENS,
    CompressionThresholds,
    items,
)
from analysis.estimates import Estimate, wilson
from analysis.medians import median

BROKEN_LOOPS = "broken loops"
OVERTHINK = "overthink"
UNDERTHINK = "underthink"
HEALTHY = "healthy"
NO_PATTERN = "no clear pattern"
TOO_FEW = "not enough data"
_SEED = 20_240


@dataclass(frozen=True)
class CompressionVerdict:
    """A pattern and what speaks for it; estimates are nan where too few traces have them."""

    pattern: str
    n: Mapping[str, int]
    """Traces that were compared, by outcome."""
    in_circles: Estimate
    """Share of the traces that are not correct whose growth ratio lies below the cut-off."""
    tokens_delta: Estimate
    """Cliff's delta of tokens, incorrect against correct: above 0, wrong answers are longer."""
    residual_delta: Estimate
    """The same of the residual: below 0, wrong answers say less for their length."""
    ratio_delta: Estimate
    """The same of the plain ratio, which length alone moves: no part of the verdict."""
    area: Estimate
    """ROC area of a logistic regression on log tokens and residual, on the traces it was fitted."""
    incorrect_tokens: Estimate
    cohort_tokens: float
    """Median tokens of all traces that groups are compared with."""


def compression_verdict(
    frame: pd.DataFrame, cuts: CompressionThresholds, *, cohort_tokens: float | None = None
) -> CompressionVerdict:
    """Name the pattern of one group of traces.

    Formula: in this order. Broken loops: of at least `fewest` traces that are not correct, the
    share with a growth ratio below `loop_growth` is at least `loop_share`, and its Wilson lower
    end above `loop_share_low`. The others compare at least `fewest` incorrect with as many correct
    traces by Cliff's delta of tokens (dT) and of residual redundancy (dE). Overthink: dT ≥
    `longer` and dE ≤ `emptier`. Underthink: dT < `longer`, dE ≤ `emptier`, and the median tokens
    of the incorrect below `cohort_tokens`. Healthy: a logistic regression on (log tokens,
    residual) has an area of at least `separation`. Else no clear pattern.

    Assumptions: traces are independent, or runs of independent items where there are at least 10
    items: intervals are then drawn over items.

    Empty input: not enough data, with nan throughout.

    Citation: the definitions are Faultbook's own; names as in ReasonScape. See `cliffs_delta`.

    Args:
        frame: From `compression_populations.measured`.
        cuts: The cut-offs.
        cohort_tokens: Median of all traces that groups are compared with; of these where None.
    """
    wrong, right = frame[frame[OUTCOME] == INCORRECT], frame[frame[OUTCOME] == CORRECT]
    failed = frame[frame[OUTCOME] != CORRECT]
    loops = int((failed[GROWTH] < cuts.loop_growth).sum())
    cohort = float(frame[TOKENS].median()) if cohort_tokens is None else cohort_tokens
    circles, wrong_tokens = wilson(loops, len(failed)), median(wrong[TOKENS])
    tokens = _delta(wrong, right, TOKENS)
    residual = _delta(wrong, right, RESIDUAL)
    area = _area(wrong, right)
    found = CompressionVerdict(
        pattern="",
        n={str(outcome): int(count) for outcome, count in frame[OUTCOME].value_counts().items()},
        in_circles=circles,
        tokens_delta=tokens,
        residual_delta=residual,
        ratio_delta=_delta(wrong, right, RATIO),
        area=area,
        incorrect_tokens=wrong_tokens,
        cohort_tokens=cohort,
    )
    return replace(found, pattern=_pattern(found, len(failed), cuts))


def _pattern(found: CompressionVerdict, failed: int, cuts: CompressionThresholds) -> str:
    circles, longer, emptier = found.in_circles, found.tokens_delta, found.residual_delta
    if (
        failed >= cuts.fewest
        and circles.value >= cuts.loop_share
        and circles.low > cuts.loop_share_low
    ):
        return BROKEN_LOOPS
    if min(found.n.get(CORRECT, 0), found.n.get(INCORRECT, 0)) < cuts.fewest:
        return TOO_FEW
    if math.isnan(emptier.value):  # too few correct traces of any task to say what is usual
        return TOO_FEW
    if emptier.value <= cuts.emptier:
        if longer.value >= cuts.longer:
            return OVERTHINK
        if found.incorrect_tokens.value < found.cohort_tokens:
            return UNDERTHINK
    return HEALTHY if found.area.value >= cuts.separation else NO_PATTERN


def _delta(wrong: pd.DataFrame, right: pd.DataFrame, column: str) -> Estimate:
    first, second = wrong[wrong[column].notna()], right[right[column].notna()]
    runs_of = items(pd.concat([first, second]))
    return cliffs_delta(
        first[column],
        second[column],
        np.random.default_rng(_SEED),
        clusters=None if runs_of is None else (runs_of[: len(first)], runs_of[len(first) :]),
    )


def _area(wrong: pd.DataFrame, right: pd.DataFrame) -> Estimate:
    both = pd.concat([wrong, right])
    both = both[both[RESIDUAL].notna()]
    is_wrong = (both[OUTCOME] == INCORRECT).to_numpy()
    if is_wrong.all() or not is_wrong.any():
        return Estimate(math.nan, math.nan, math.nan, len(both), "area of a logistic regression")
    both = both.assign(_score=_scores(both, is_wrong))
    delta = _delta(both[is_wrong], both[~is_wrong], "_score")
    value, low, high = ((end + 1) / 2 for end in (delta.value, delta.low, delta.high))
    method = delta.method.replace("cliff's delta", "logistic regression")
    return Estimate(value, low, high, delta.n, method)


def _scores(both: pd.DataFrame, is_wrong: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    features = np.column_stack([np.log(both[TOKENS].to_numpy(float)), both[RESIDUAL].to_numpy()])
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1)
    with one_thread():
        model = LogisticRegression(C=1e6, max_iter=1_000).fit(scaled, is_wrong)
    return np.asarray(model.decision_function(scaled))
