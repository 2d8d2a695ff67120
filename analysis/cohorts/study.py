"""The whole study of cohorts: structure, groups, stability, prediction, cohesion."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.cohorts.cohesion import Cohesion, cohesion
from analysis.cohorts.grouping import (
    Candidate,
    Floats,
    Labels,
    bernoulli_mixture,
    candidate,
    density_sweep,
    difficulty_bins,
    kmeans_labels,
)
from analysis.cohorts.meaning import medoids
from analysis.cohorts.outcome_matrix import OutcomeMatrix
from analysis.cohorts.prediction import DIFFICULTY, Prediction, predictions
from analysis.cohorts.rasch import filled
from analysis.cohorts.stability import (
    CANDIDATES,
    SPLITS,
    LeftOut,
    SplitHalf,
    Verdict,
    chosen,
    leave_out,
    pairwise_ari,
    split_half,
    verdict,
)
from analysis.cohorts.structure import SIMULATIONS, Structure, structure
from analysis.cohorts.taxonomy import ProfileCell, profiles, with_strata
from analysis.cohorts.threads import one_thread

_DIFFICULTY_STRATA = 5
_SMALLEST = 2


@dataclass(frozen=True)
class LeaveOneOut:
    """What the groups are worth to models that did not build them."""

    models: tuple[LeftOut, ...]
    families: tuple[LeftOut, ...]
    """The same for families of several models."""
    pairwise_ari: float
    predictions: tuple[Prediction, ...]
    cohesion: tuple[Cohesion, ...]

    @property
    def lift(self) -> Prediction | None:
        """The best prediction beyond difficulty, by what it adds."""
        told = [one for one in self.predictions if one.method != DIFFICULTY]
        return max(told, key=lambda one: one.lift.value, default=None)


@dataclass(frozen=True)
class Cohorts:
    """What was found; `labels` and `names` hold a group of every task, the strata included."""

    matrix: OutcomeMatrix
    structure: Structure
    candidates: tuple[Candidate, ...]
    stability: tuple[SplitHalf, ...]
    chosen: SplitHalf | None
    verdict: Verdict
    labels: Labels
    names: tuple[str, ...]
    membership: Floats
    """Mixed tasks × groups: how likely each belongs to each, by a Bernoulli mixture."""
    without: LeaveOneOut
    profiles: tuple[ProfileCell, ...]
    medoids: Mapping[int, NDArray[np.int64]]
    """The most typical tasks of each group, by position."""

    @property
    def is_difficulty_only(self) -> bool:
        """Whether the outcomes show nothing beyond difficulty, so that groups are its strata."""
        return self.structure.components == 0

    @property
    def beats_difficulty_bins(self) -> bool:
        """Whether groups come back in other models better than bins of difficulty do.

        By two standard errors at least: few halves may differ by one by chance.
        """
        half = self.chosen
        return half is not None and half.ari - _ERRORS * half.error > half.difficulty_ari


_ERRORS = 2


@dataclass(frozen=True)
class Effort:
    """How much is drawn; less is faster and rougher."""

    simulations: int = SIMULATIONS
    splits: int = SPLITS
    candidates: tuple[int, ...] = CANDIDATES
    sweeps_density: bool = True


Told = Callable[[str], None]
"""Told what is being done; may end it by raising."""


def _tell_nobody(doing: str) -> None:
    """Where nobody waits."""


@dataclass(frozen=True)
class Grouped:
    """The groups of mixed tasks, and how far they would come back with other models."""

    structure: Structure
    stability: tuple[SplitHalf, ...]
    chosen: SplitHalf | None
    verdict: Verdict
    labels: Labels
    """The group of each mixed task."""
    names: tuple[str, ...]


@one_thread()
def study(
    matrix: OutcomeMatrix,
    families: Mapping[str, str] | None = None,
    *,
    seed: int = 0,
    effort: Effort | None = None,
    k: int | None = None,
    told: Told = _tell_nobody,
    executor: Executor | None = None,
) -> Cohorts:
    """Look for groups of tasks that fail together across models.

    Tasks that all models pass or all fail are set aside. Where the residuals of the Rasch model
    show no component beyond chance, groups are five strata of difficulty and no verdict is given
    on their stability. Else k-means groups the mixed tasks, with the largest k within one standard
    error of the best split-half agreement.

    Args:
        matrix: Tasks × models.
        families: The family of a model, where several are near-copies of each other.
        seed: Makes all draws reproducible.
        effort: How much is drawn.
        k: Groups, where they are not to be chosen.
        told: Told what is being done.
        executor: Who groups; the same numbers, whoever does.

    Raises:
        ValueError: There are too few models or mixed tasks.
    """
    cost = effort or Effort()
    rng = np.random.default_rng(seed)
    family = _family_of_each(matrix, families)
    found = _grouped(matrix, family, rng, seed, cost, k, told, executor)
    mixed = matrix.of_items(matrix.mixed)
    whole, all_names = with_strata(matrix, found.labels, found.names)
    told("ways to group")
    return Cohorts(
        matrix=matrix,
        structure=found.structure,
        candidates=_candidates(filled(mixed.outcomes), found.labels, found.structure, cost, seed),
        stability=found.stability,
        chosen=found.chosen,
        verdict=found.verdict,
        labels=whole,
        names=all_names,
        membership=bernoulli_mixture(mixed.outcomes, found.labels).membership,
        without=_without(matrix, whole, family, len(found.names), rng, seed, told, executor),
        profiles=profiles(matrix, whole),
        medoids=medoids(filled(matrix.outcomes), whole),
    )


@one_thread()
def grouped(
    matrix: OutcomeMatrix, families: Mapping[str, str] | None = None, *, seed: int = 0
) -> Grouped:
    """Return the groups that `study` finds, without what it tells of them.

    Raises:
        ValueError: There are too few models or mixed tasks.
    """
    rng = np.random.default_rng(seed)
    family = _family_of_each(matrix, families)
    return _grouped(matrix, family, rng, seed, Effort(), None, _tell_nobody)


def _family_of_each(matrix: OutcomeMatrix, families: Mapping[str, str] | None) -> list[str]:
    return [(families or {}).get(model) or model for model in matrix.models]


def _grouped(
    matrix: OutcomeMatrix,
    family: Sequence[str],
    rng: np.random.Generator,
    seed: int,
    cost: Effort,
    k: int | None,
    told: Told,
    executor: Executor | None = None,
) -> Grouped:
    if matrix.too_small:
        raise ValueError(f"study: {matrix.too_small}.")
    mixed = matrix.of_items(matrix.mixed)
    values = filled(mixed.outcomes)
    told("what difficulty does not explain")
    beyond = structure(mixed.outcomes, rng=rng, simulations=cost.simulations)
    tried = cost.candidates if k is None else (k,)
    told("halves of the models")
    halves = split_half(
        values, family, rng=rng, candidates=tried, splits=cost.splits, executor=executor
    )
    best = chosen(halves) if beyond.components else None
    labels, names = _groups(values, beyond, k or (best.k if best else _SMALLEST), seed)
    how = verdict(best, len(matrix.models)) if beyond.components else Verdict.UNSTABLE
    return Grouped(beyond, halves, best, how, labels, tuple(names))


def _groups(values: Floats, beyond: Structure, k: int, seed: int) -> tuple[Labels, list[str]]:
    if beyond.components:
        labels = kmeans_labels(values, k, seed=seed)
        return labels, _names("cohort", labels)
    labels = difficulty_bins(values, _DIFFICULTY_STRATA)
    return labels, _names("difficulty stratum", labels)


def _names(word: str, labels: Labels) -> list[str]:
    return [f"{word} {place + 1}" for place in range(int(labels.max(initial=-1)) + 1)]


def _candidates(
    values: Floats, labels: Labels, beyond: Structure, cost: Effort, seed: int
) -> tuple[Candidate, ...]:
    word = "k-means" if beyond.components else "difficulty strata"
    own = candidate(word, values, labels, seed=seed)
    bins = candidate("difficulty bins", values, difficulty_bins(values, max(own.k, 1)), seed=seed)
    return (own, bins, *(density_sweep(values, seed=seed) if cost.sweeps_density else ()))


def _without(
    matrix: OutcomeMatrix,
    labels: Labels,
    family: Sequence[str],
    k: int,
    rng: np.random.Generator,
    seed: int,
    told: Told,
    executor: Executor | None,
) -> LeaveOneOut:
    values = filled(matrix.outcomes)
    groups = np.where(labels < k, labels, -1)
    models = {model: [column] for column, model in enumerate(matrix.models)}
    families: dict[str, list[int]] = {}
    for column, name in enumerate(family):
        families.setdefault(name, []).append(column)
    told("each model and family left out")
    left_out = leave_out(values, groups, models, k=k, seed=seed, executor=executor)
    several = {name: columns for name, columns in families.items() if len(columns) > 1}
    without_families = leave_out(values, groups, several, k=k, seed=seed, executor=executor)
    by_column = dict(enumerate(left_out))
    told("failures of models that were left out")
    predicted = predictions(values, by_column, rng=rng)
    told("variation within groups")
    return LeaveOneOut(
        models=left_out,
        families=without_families,
        pairwise_ari=pairwise_ari(left_out),
        predictions=predicted,
        cohesion=cohesion(values, by_column, rng=rng),
    )
