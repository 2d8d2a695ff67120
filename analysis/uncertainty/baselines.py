"""What the windows are held against: chance, raw features of all tokens, length alone."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from analysis.estimates import Estimate, wilson
from analysis.uncertainty.average_precision import (
    DRAWS,
    SEED,
    average_precision,
    drawn_precisions,
    interval_of,
    ranking,
)
from analysis.uncertainty.failure_scores import folds_of, out_of_fold
from analysis.uncertainty.feature_table import (
    FEATURES,
    GENERATED_LEN,
    FeatureTable,
    Restricted,
    Span,
)


@dataclass(frozen=True)
class Baselines:
    """PR-AUC of what should do worse than uncertainty; on all traces, except the base rate."""

    base_rate: Estimate
    """Share of failures of the traces that are analysed: PR-AUC of chance."""
    raw_full: Estimate | None
    """All features of all tokens, the answer included."""
    length: Estimate | None
    """Number of generated tokens alone: longer traces fail more often."""


def baselines(
    restricted: Restricted,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    executor: Executor | None = None,
) -> Baselines:
    """Return the published baselines; None where features or lengths are missing.

    Empty input: a base rate of nan.

    Citation: How Language Models Fail, step 10 of its failure-mode analysis.
    """
    table, raw = restricted.table, restricted.raw
    lengths = raw.matrix((GENERATED_LEN,), Span()) if GENERATED_LEN in raw.frame else None
    told = partial(precision_of, raw, draws=draws, seed=seed, executor=executor)
    return Baselines(
        base_rate=wilson(table.failures, table.n),
        raw_full=told(raw.matrix(FEATURES, Span())),
        length=None if lengths is None else told(lengths),
    )


def precision_of(
    table: FeatureTable,
    features: NDArray[np.float64],
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    executor: Executor | None = None,
) -> Estimate | None:
    """Return how well features tell failures, out of fold; None where no fold can be scored."""
    return precisions_of(table, [features], draws=draws, seed=seed, executor=executor)[0]


def precisions_of(
    table: FeatureTable,
    matrices: Sequence[NDArray[np.float64]],
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    executor: Executor | None = None,
) -> list[Estimate | None]:
    """Do the same for several sets of features of the same traces, with the same draws."""
    folds = folds_of(table.failed, table.items)
    scored = [out_of_fold(features, table.failed, folds) for features in matrices]
    order = next((one.order for one in scored if len(one.order)), None)
    if order is None:
        return [None] * len(scored)
    failed = table.failed[order]
    items = None if table.items is None else table.items[order]
    known = {place: one.score[order] for place, one in enumerate(scored) if len(one.order)}
    rankings = {place: ranking(failed, score) for place, score in known.items()}
    drawn = drawn_precisions(
        list(rankings.values()), draws, seed=seed, items=items, executor=executor
    )
    found: list[Estimate | None] = [None] * len(scored)
    for (place, score), joined in zip(known.items(), drawn, strict=True):
        value = average_precision(failed, score)
        found[place] = interval_of(value, joined, len(failed), grouped=items is not None)
    return found
