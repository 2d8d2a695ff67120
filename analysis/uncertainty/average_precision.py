"""Average precision of a score, and its distribution over bootstrap draws, all draws at once."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.estimates import Estimate
from analysis.spreading import spread

SEED = 42
DRAWS = 10_000
_CHUNK_CELLS = 400_000
"""Traces × draws that are counted at a time: some 10 MB."""
_METHOD = "percentile bootstrap of traces"
_GROUPED = "percentile bootstrap of items"


@dataclass(frozen=True)
class Ranking:
    """Traces in the order of their scores, the highest first; ties stand together."""

    order: NDArray[np.intp]
    failures: NDArray[np.intp]
    """Places of the failures in that order."""
    ends: NDArray[np.intp]
    """Place of the last trace that is tied with each failure."""
    last: NDArray[np.intp]
    """Which failure is the last that is tied with each failure."""


def ranking(failed: NDArray[np.bool_], score: NDArray[np.float64]) -> Ranking:
    """Put traces in the order of their scores."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    failures = np.flatnonzero(failed[order])
    tied_until = ends[np.searchsorted(ends, failures)]
    last = np.searchsorted(failures, tied_until, side="right") - 1
    return Ranking(order, failures, tied_until, last)


def average_precision(failed: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Return how well a score finds failures: PR-AUC as average precision.

    Formula: Σ over distinct thresholds g of (ΔTP_g/P) · TP_g/(TP_g + FP_g).

    Empty input: nan without a failure or without a trace that did not fail.

    Citation: Davis & Goadrich (2006), ICML; as scikit-learn's `average_precision_score`.
    """
    counts = np.ones((len(failed), 1), dtype=np.int32)
    return float(drawn_precision(counts, ranking(failed, score))[0])


def drawn_precision(counts: NDArray[np.int32], ranked: Ranking) -> NDArray[np.float64]:
    """Return the average precision in each draw, nan where a draw has only one class.

    Args:
        counts: How often each trace (rows) was drawn in each draw (columns).
        ranked: The traces in the order of the score.
    """
    drawn = counts[ranked.order]
    weights = drawn[ranked.failures]
    total = _cumulated(drawn)
    found = _cumulated(weights.copy())
    if not len(found):
        return np.full(counts.shape[1], np.nan)
    precision = found[ranked.last] / np.maximum(total[ranked.ends], 1)
    failures = found[-1]
    summed = np.einsum("ij,ij->j", weights, precision)
    with np.errstate(invalid="ignore"):
        one_class = (failures == 0) | (failures == total[-1])
        return np.where(one_class, np.nan, summed / failures)


def _cumulated(rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """Sum rows up in place; row by row is twice as fast as `cumsum`, which jumps between rows."""
    for place in range(1, len(rows)):
        np.add(rows[place - 1], rows[place], out=rows[place])
    return rows


def draws_of(
    n: int, draws: int, *, seed: int = SEED, items: NDArray[np.object_] | None = None
) -> Iterator[NDArray[np.int32]]:
    """Yield how often each trace was drawn, some hundred draws at a time.

    Draws are those of `default_rng(seed).integers(0, n, n)`, one after the other: the same for each
    call. With `items`, items are drawn instead, each with all its traces.
    """
    rng = np.random.default_rng(seed)
    names, place = (None, None) if items is None else np.unique(items, return_inverse=True)
    units = n if names is None else len(names)
    chunk = max(1, min(draws, _CHUNK_CELLS // max(n, 1)))
    for start in range(0, draws, chunk):
        size = min(chunk, draws - start)
        drawn = rng.integers(0, units, (size, units))
        cells = (drawn * size + np.arange(size)[:, None]).ravel()
        counts = np.bincount(cells, minlength=units * size).reshape(units, size)
        yield (counts if place is None else counts[place]).astype(np.int32)


def drawn_precisions(
    rankings: Sequence[Ranking],
    draws: int,
    *,
    seed: int = SEED,
    items: NDArray[np.object_] | None = None,
    executor: Executor | None = None,
) -> list[NDArray[np.float64]]:
    """Return the average precision of several scores of the same traces in each draw.

    Args:
        rankings: One a score, over the same traces in the same order.
        draws: How often the traces, or their items, are drawn.
        seed: As of `draws_of`.
        items: The item of each trace, where items are drawn.
        executor: Who counts; the same numbers, whoever does.
    """
    blocks = (
        (counts,) for counts in draws_of(len(rankings[0].order), draws, seed=seed, items=items)
    )
    found = list(spread(_of_block, blocks, executor, shared=(tuple(rankings),)))
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def _of_block(rankings: Sequence[Ranking], counts: NDArray[np.int32]) -> list[NDArray[np.float64]]:
    return [drawn_precision(counts, ranked) for ranked in rankings]


def interval_of(value: float, drawn: NDArray[np.float64], n: int, *, grouped: bool) -> Estimate:
    """Return a value with the 2.5 and 97.5 percentiles of its draws; nan draws are left out."""
    known = drawn[~np.isnan(drawn)]
    low, high = np.percentile(known, (2.5, 97.5)) if len(known) else (np.nan, np.nan)
    return Estimate(value, float(low), float(high), n, _GROUPED if grouped else _METHOD)


def auroc(failed: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Return the chance that a failure scores above a success, ties counting half.

    Empty input: nan without a failure or without a success.

    Citation: Hanley & McNeil (1982), Radiology 143:29–36.
    """
    from scipy.stats import rankdata

    failures = int(failed.sum())
    others = len(failed) - failures
    if not failures or not others:
        return float("nan")
    ranks = float(rankdata(score)[failed].sum())
    return (ranks - failures * (failures + 1) / 2) / (failures * others)
