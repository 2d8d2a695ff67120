"""Do the groups predict a model that did not help to build them, beyond difficulty?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.cohorts.grouping import Floats, Labels
from analysis.cohorts.stability import LeftOut
from analysis.estimates import Estimate

DIFFICULTY = "difficulty only"
CLUSTER = "cluster mean"
SHRUNK = "cluster rate, shrunk"
LOGISTIC = "other models' outcomes"
BUDGETS: tuple[int | float, ...] = (0, 20, 50, 0.1, 0.2)
"""Tasks of the held-out model that are revealed: a count, or a share."""
_PULL = 5.0
"""Pseudo-tasks that a cluster's rate is pulled by towards the model's overall rate."""
_DRAWS = 2_000
_LEAST, _MOST = 1e-3, 1 - 1e-3
_BOTH = 2


@dataclass(frozen=True)
class Prediction:
    """How well failures of held-out models are told, by one method after `revealed` tasks."""

    method: str
    revealed: str
    auc: Estimate
    """Mean over models; the interval is over models."""
    lift: Estimate
    """AUC beyond difficulty alone, paired over models: the only evidence for the groups."""
    log_loss: float
    n_models: int


@dataclass(frozen=True)
class _Told:
    auc: float
    log_loss: float


def predictions(
    values: Floats,
    left_out: Mapping[int, LeftOut],
    *,
    rng: np.random.Generator,
    budgets: Sequence[int | float] = BUDGETS,
) -> tuple[Prediction, ...]:
    """Predict each model's failures from groups that were built without it.

    Scores of a task: the other models' failure rate on it; their failure rate in its cluster; the
    held-out model's rate in the cluster on revealed tasks, pulled to its overall rate by five
    pseudo-tasks; a logistic model of the other models' outcomes and the cluster rate, fitted on the
    revealed tasks. AUC and log loss are those of the tasks that were not revealed.

    Assumptions: models are exchangeable; intervals resample models, not tasks.

    Empty input: no models, or none with both outcomes among the unrevealed tasks, give nothing.

    Citation: Polo et al. (2024), tinyBenchmarks, ICML, for predicting unseen tasks; DeLong et al.
    (1988) is not used: tasks are shared by models.

    Args:
        values: Tasks × models without gaps.
        left_out: By column: the groups found without that model.
        rng: Draws the revealed tasks and the bootstrap.
        budgets: How many tasks are revealed, as counts or shares of all.
    """
    failed = 1 - values
    found: list[Prediction] = []
    for budget in budgets:
        count = round(budget * len(values)) if isinstance(budget, float) else budget
        if count > len(values) // _BOTH:
            continue
        told: dict[str, list[tuple[_Told, _Told]]] = {}
        for column, part in left_out.items():
            for method, pair in _of_model(failed, column, part.labels, count, rng).items():
                told.setdefault(method, []).append(pair)
        name = f"{budget:.0%}" if isinstance(budget, float) else str(budget)
        found.extend(_summed(method, name, pairs, rng) for method, pairs in told.items())
    return tuple(found)


def _of_model(
    failed: Floats, column: int, labels: Labels, count: int, rng: np.random.Generator
) -> dict[str, tuple[_Told, _Told]]:
    """Return each method's figures beside those of difficulty on the same tasks."""
    own = failed[:, column]
    others = np.delete(failed, column, axis=1)
    shown = np.zeros(len(own), dtype=bool)
    shown[rng.choice(len(own), count, replace=False)] = True
    rest = ~shown
    if len(np.unique(own[rest])) < _BOTH:
        return {}
    difficulty = others.mean(axis=1)
    scores = {DIFFICULTY: difficulty} if not count else {}
    if not count:
        scores[CLUSTER] = _rates(labels, difficulty)[labels]
    else:
        scores[SHRUNK] = _shrunk(labels, own, shown)[labels]
        if len(np.unique(own[shown])) == _BOTH:
            scores[LOGISTIC] = _logistic(others, scores[SHRUNK], own, shown)
    base = _told(difficulty[rest], own[rest])
    return {name: (_told(score[rest], own[rest]), base) for name, score in scores.items()}


def _rates(labels: Labels, rates: Floats) -> Floats:
    found: Floats = np.bincount(labels, rates) / np.maximum(np.bincount(labels), 1)
    return found


def _shrunk(labels: Labels, own: Floats, shown: NDArray[np.bool_]) -> Floats:
    size = int(labels.max()) + 1
    count = np.bincount(labels[shown], minlength=size)
    failures = np.bincount(labels[shown], own[shown], minlength=size)
    found: Floats = (failures + _PULL * own[shown].mean()) / (count + _PULL)
    return found


def _logistic(others: Floats, rate: Floats, own: Floats, shown: NDArray[np.bool_]) -> Floats:
    from sklearn.linear_model import LogisticRegression

    features = np.column_stack([others, rate])
    model = LogisticRegression(C=0.1, max_iter=500).fit(features[shown], own[shown])
    found: Floats = model.predict_proba(features)[:, 1]
    return found


def _told(score: Floats, own: Floats) -> _Told:
    probability = np.clip(score, _LEAST, _MOST)
    log = own * np.log(probability) + (1 - own) * np.log1p(-probability)
    return _Told(area_under_curve(score, own == 1), float(-log.mean()))


def area_under_curve(score: Floats, positive: NDArray[np.bool_]) -> float:
    """Return the chance that a positive scores above a negative, ties half; NaN of one class.

    Citation: Hanley & McNeil (1982), Radiology 143:29–36.
    """
    from scipy.stats import rankdata

    count, rest = int(positive.sum()), int((~positive).sum())
    if not count or not rest:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * rest))


def _summed(
    method: str, revealed: str, pairs: Sequence[tuple[_Told, _Told]], rng: np.random.Generator
) -> Prediction:
    own = np.array([one.auc for one, _ in pairs])
    base = np.array([other.auc for _, other in pairs])
    drawn = rng.integers(len(own), size=(_DRAWS, len(own)))
    return Prediction(
        method,
        revealed,
        _mean(own, drawn),
        _mean(own - base, drawn),
        float(np.mean([one.log_loss for one, _ in pairs])),
        len(own),
    )


def _mean(values: Floats, drawn: NDArray[np.int64]) -> Estimate:
    low, high = np.quantile(values[drawn].mean(axis=1), (0.025, 0.975))
    return Estimate(
        float(values.mean()), float(low), float(high), len(values), "bootstrap over models"
    )
