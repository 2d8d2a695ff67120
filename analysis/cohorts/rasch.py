"""The Rasch model: what outcomes would be if tasks differed in difficulty alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_PRIOR_SD = 3.0
"""Of abilities and difficulties, in logits: wide, and enough to keep extremes finite."""
_STEPS = 60
_CLOSE = 1e-4
_LONGEST_STEP = 2.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rasch:
    """Abilities of models and difficulties of tasks, in logits."""

    difficulty: Floats
    ability: Floats

    @property
    def expected(self) -> Floats:
        """Probability of passing, tasks × models."""
        from scipy.special import expit

        found: Floats = expit(self.ability[None, :] - self.difficulty[:, None])
        return found


def fit_rasch(values: Floats, start: Rasch | None = None, *, steps: int = _STEPS) -> Rasch:
    """Fit the Rasch model by joint maximum a posteriori.

    Formula: P(passed) = 1 / (1 + exp(b_task − θ_model)), θ and b normal with mean 0 and a standard
    deviation of 3 logits; Newton's steps on all abilities and all difficulties in turn.

    Assumptions: tasks differ in difficulty and models in ability and in nothing else; that is the
    null hypothesis here. Gaps (NaN) carry no information.

    Empty input: no tasks or no models gives empty parameters.

    Citation: Rasch (1960), Probabilistic Models for Some Intelligence and Attainment Tests;
    Mislevy (1986), Psychometrika 51:177–195, for the priors.
    """
    from scipy.special import expit

    known = ~np.isnan(values)
    passed = np.where(known, values, 0.0)
    count_passed = passed.sum(axis=1), passed.sum(axis=0)
    difficulty = np.zeros(values.shape[0]) if start is None else start.difficulty.copy()
    ability = np.zeros(values.shape[1]) if start is None else start.ability.copy()
    weight = known.astype(float)
    for _ in range(steps):
        moved = 0.0
        for axis in (1, 0):
            expected = expit(ability[None, :] - difficulty[:, None]) * weight
            slope = (expected * (1 - expected)).sum(axis=axis) + _PRIOR_SD**-2
            gap = expected.sum(axis=axis) - count_passed[0 if axis else 1]
            if axis:
                step = (gap - difficulty * _PRIOR_SD**-2) / slope
                difficulty += np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
            else:
                step = (-gap - ability * _PRIOR_SD**-2) / slope
                ability += np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
            moved = max(moved, float(np.abs(step).max(initial=0.0)))
        if moved < _CLOSE:
            break
    return Rasch(difficulty, ability)


def filled(values: Floats) -> Floats:
    """Return the outcomes with gaps filled by what the Rasch model expects there."""
    if not np.isnan(values).any():
        return values
    return np.where(np.isnan(values), fit_rasch(values).expected, values)
