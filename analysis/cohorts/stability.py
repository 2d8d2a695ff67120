"""Would other models give the same groups? Halves of the models, and each model left out."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from analysis.cohorts.grouping import Floats, Labels, difficulty_bins, kmeans_labels
from analysis.spreading import spread

SPLITS = 20
CANDIDATES = tuple(range(2, 13))
FEWEST_FOR_A_VERDICT = 10
"""Models below which split-half figures are shown without a verdict."""
STABLE, WEAK = 0.5, 0.25
_STARTS = 3
_NULL_SPLITS = 5
_MOST_ITEMS = 2_000
"""Tasks that groups are found on again and again; of more, as many drawn at random."""


class Verdict(StrEnum):
    """How far the groups would come back with other models."""

    STABLE = "stable"
    WEAK = "weak"
    UNSTABLE = "unstable"
    TOO_FEW_MODELS = "too few models"


@dataclass(frozen=True)
class SplitHalf:
    """How alike the groups of two disjoint halves of the models are, for one k."""

    k: int
    ari: float
    """Mean adjusted Rand index over the splits."""
    error: float
    """Its standard error over the splits."""
    difficulty_ari: float
    """The same for bins of difficulty, k of them."""
    null_ari: float
    """The same after each model's outcomes were shuffled: about 0."""
    splits: int


def split_half(
    values: Floats,
    families: Sequence[str],
    *,
    rng: np.random.Generator,
    candidates: Sequence[int] = CANDIDATES,
    splits: int = SPLITS,
    executor: Executor | None = None,
) -> tuple[SplitHalf, ...]:
    """Cluster random halves of the models and compare the groups of the same tasks.

    Models of one family stay on one side, so that near-copies do not vouch for each other.

    Assumptions: the models are a sample of those that the groups should hold for.

    Empty input: with fewer than two families there are no halves, and nothing is returned.

    Citation: Hubert & Arabie (1985), Journal of Classification 2:193–218, for the index; Lange,
    Roth, Braun & Buhmann (2004), Neural Computation 16:1299–1323, for stability.

    Args:
        values: Tasks × models without gaps.
        families: The family of each model.
        rng: Draws the halves.
        candidates: Numbers of groups to try.
        splits: Random halves.
        executor: Who groups the halves; the same numbers, whoever does.
    """
    names = sorted(set(families))
    if len(names) < 2 or not len(values):
        return ()
    if len(values) > _MOST_ITEMS:
        values = values[rng.choice(len(values), _MOST_ITEMS, replace=False)]
    halves = [_halves(names, families, rng) for _ in range(splits)]
    possible = [k for k in candidates if k < len(values)]
    parts = _drawn(values, halves, possible, rng)
    found = list(spread(_compared, parts, executor, shared=(values,)))
    return tuple(
        _of_k(k, found[place * splits : (place + 1) * splits]) for place, k in enumerate(possible)
    )


def _halves(
    names: Sequence[str], families: Sequence[str], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Deal whole families to two sides, each to the smaller one, in random order."""
    sides: tuple[list[int], list[int]] = ([], [])
    for place in rng.permutation(len(names)):
        members = [at for at, family in enumerate(families) if family == names[place]]
        even = len(sides[0]) == len(sides[1])
        side = int(rng.integers(2)) if even else int(len(sides[0]) > len(sides[1]))
        sides[side].extend(members)
    return np.array(sides[0], dtype=np.int64), np.array(sides[1], dtype=np.int64)


_Half = tuple[NDArray[np.int64], NDArray[np.int64]]
_Alike = tuple[float, float, float | None]
"""Agreement of the groups of two halves, of bins of difficulty, and of shuffled outcomes."""


def _drawn(
    values: Floats, halves: Sequence[_Half], candidates: Sequence[int], rng: np.random.Generator
) -> Iterator[tuple[_Half, int, int, tuple[Floats, ...]]]:
    """Yield halves, k, seed and shuffled outcomes of each comparison, all that chance decides."""
    for k in candidates:
        for number, half in enumerate(halves):
            seed = int(rng.integers(2**31))
            shuffles = half if number < _NULL_SPLITS else ()
            yield half, k, seed, tuple(rng.permuted(values[:, part], axis=0) for part in shuffles)


def _compared(
    values: Floats, half: _Half, k: int, seed: int, shuffled: tuple[Floats, ...]
) -> _Alike:
    from sklearn.metrics import adjusted_rand_score

    parts = [values[:, columns] for columns in half]
    labels = [kmeans_labels(part, k, seed=seed, starts=_STARTS) for part in parts]
    found = adjusted_rand_score(*labels)
    bins = adjusted_rand_score(*(difficulty_bins(part, k) for part in parts))
    if not shuffled:
        return found, bins, None
    labels = [kmeans_labels(part, k, seed=seed, starts=1) for part in shuffled]
    return found, bins, adjusted_rand_score(*labels)


def _of_k(k: int, alike: Sequence[_Alike]) -> SplitHalf:
    found, bins = [one[0] for one in alike], [one[1] for one in alike]
    null = [one[2] for one in alike if one[2] is not None]
    error = float(np.std(found, ddof=1) / np.sqrt(len(found))) if len(found) > 1 else float("nan")
    return SplitHalf(
        k, float(np.mean(found)), error, float(np.mean(bins)), float(np.mean(null)), len(found)
    )


def chosen(found: Sequence[SplitHalf]) -> SplitHalf | None:
    """Return the largest k within one standard error of the best; None of nothing."""
    if not found:
        return None
    best = max(found, key=lambda one: one.ari)
    return max((one for one in found if one.ari >= best.ari - best.error), key=lambda one: one.k)


def verdict(half: SplitHalf | None, n_models: int) -> Verdict:
    """Say how stable the groups are: from .50 stable, from .25 weak, below that unstable."""
    if half is None or n_models < FEWEST_FOR_A_VERDICT:
        return Verdict.TOO_FEW_MODELS
    if half.ari >= STABLE:
        return Verdict.STABLE
    return Verdict.WEAK if half.ari >= WEAK else Verdict.UNSTABLE


@dataclass(frozen=True)
class LeftOut:
    """The groups found without a model, or without its family."""

    name: str
    labels: Labels
    ari: float
    """Agreement with the groups of all models. High by construction: most columns are shared."""

    @property
    def influence(self) -> float:
        """How far the groups lean on what was left out."""
        return 1 - self.ari


def leave_out(
    values: Floats,
    labels: Labels,
    parts: Mapping[str, Sequence[int]],
    *,
    k: int,
    seed: int,
    executor: Executor | None = None,
) -> tuple[LeftOut, ...]:
    """Cluster again without each part of the models, with the same number of groups.

    Tasks on which the rest agree are set aside in two groups more: whoever is left out may well
    differ there. Group names follow those of `labels` by the Hungarian method.

    Args:
        values: Tasks × models without gaps.
        labels: Groups of all models; below 0 for tasks on which all of them agree.
        parts: The columns to leave out, by name; a part of all models is skipped.
        k: Groups.
        seed: Makes the starts reproducible.
        executor: Who groups; the same groups, whoever does.
    """
    asked = [
        (name, list(columns)) for name, columns in parts.items() if len(columns) < values.shape[1]
    ]
    return tuple(spread(_without, asked, executor, shared=(values, labels, k, seed)))


def _without(
    values: Floats, labels: Labels, k: int, seed: int, name: str, columns: Sequence[int]
) -> LeftOut:
    from sklearn.metrics import adjusted_rand_score

    grouped = labels >= 0
    rest = np.delete(values, list(columns), axis=1)
    own = renamed(_groups_and_strata(rest, k, seed), labels)
    return LeftOut(name, own, float(adjusted_rand_score(labels[grouped], own[grouped])))


def _groups_and_strata(values: Floats, k: int, seed: int) -> Labels:
    none, every = (values == 0).all(axis=1), (values == 1).all(axis=1)
    mixed = ~(none | every)
    labels = np.where(none, k, k + 1).astype(np.int64)
    labels[mixed] = kmeans_labels(
        values[mixed], k, seed=seed, starts=_STARTS, fitted_on=_MOST_ITEMS
    )
    return labels


def renamed(labels: Labels, like: Labels) -> Labels:
    """Give groups the names of the groups they share most tasks with, one to one.

    Citation: Kuhn (1955), Naval Research Logistics Quarterly 2:83–97.
    """
    from scipy.optimize import linear_sum_assignment

    if not len(labels):
        return labels
    size = int(max(labels.max(), like.max())) + 1
    both = (labels >= 0) & (like >= 0)
    shared = np.zeros((size, size), dtype=np.int64)
    np.add.at(shared, (labels[both], like[both]), 1)
    rows, columns = linear_sum_assignment(-shared)
    names = np.empty(size + 1, dtype=np.int64)
    names[rows], names[-1] = columns, -1
    return names[labels]


def pairwise_ari(found: Sequence[LeftOut]) -> float:
    """Return the mean agreement between the groups of any two parts left out; NaN of one."""
    from sklearn.metrics import adjusted_rand_score

    pairs = [
        adjusted_rand_score(one.labels, other.labels)
        for place, one in enumerate(found)
        for other in found[place + 1 :]
    ]
    return float(np.mean(pairs)) if pairs else float("nan")
