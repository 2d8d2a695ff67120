"""Whether groups differ in the cumulative incidence of a cause (Gray's test)."""

from collections.abc import Generator, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.hazard.event_table import Floats, GroupedCounts, Integers, grouped_counts
from analysis.spreading import spread

FEW = 40
"""Below so many traces in a group the p-value comes from permuted groups."""
PERMUTATIONS = 999
_ENOUGH = 20
_SHUFFLES_AT_ONCE = 50
"""Those that are handed out together where somebody else counts them."""
_BLOCKS_AHEAD = 8
_DEALT_HERE = 100
"""Where groups do not differ, that is enough."""


@dataclass(frozen=True)
class GroupTest:
    """One test that all groups are alike."""

    statistic: float
    df: int
    p_value: float
    method: str
    """`chi-square`, or `permutation` where a group is small."""


def gray_test(time: ArrayLike, cause: ArrayLike, group: ArrayLike, of_cause: int = 1) -> GroupTest:
    """Test whether the cumulative incidence of one cause is the same in all groups.

    Formula: with h_k = Y_k/S_k(t−) and R_k = h_k·(1 − F_k(t−)), the score of group k is
    Σ (d_k − d·R_k/ΣR) over the times of the cause. Its covariance is
    Σ_r ∫ X_kr·X_lr/h_r dF⁰ for the cause and the same over dF_r of the others, where
    X_kr = a_kr + b_r·(c_kr(τ) − c_kr(t)), a_kr = h_k(δ_kr − h_r/Σh), c_kr = ∫ a_kr dF⁰/(1 − F⁰),
    b_r = 1 − (1 − F⁰)/S_r for the cause and (1 − F⁰)/S_r for the others, dF⁰ = d/Σh. Of m events at
    one time the variance counts (n − m)/(n − 1). The quadratic form is χ² with K − 1 degrees.

    Assumptions: as `incidence.cumulative_incidence`, in each group; the approximation by χ² is good
    from about 40 traces a group on, see `permutation_test`.

    Empty input: nan where less than two groups have a trace or the cause never happens.

    Citation: Gray (1988), Annals of Statistics 16:1141–1154.

    Args:
        time: When each trace ended.
        cause: 0 for censored, 1, 2 … for the causes.
        group: Codes from 0 on.
        of_cause: Whose incidence is compared.

    Raises:
        ValueError: As `event_table.event_table`.
    """
    return gray_test_of(grouped_counts(time, cause, group), of_cause)


def gray_test_of(counts: GroupedCounts, of_cause: int) -> GroupTest:
    """Test the same from counts; see `gray_test`."""
    from scipy.stats import chi2

    statistic, df = _statistic(counts, of_cause)
    p_value = float(chi2.sf(statistic, df)) if df else float("nan")
    return GroupTest(statistic, df, p_value, "chi-square")


def permutation_test(
    time: ArrayLike,
    cause: ArrayLike,
    group: ArrayLike,
    rng: np.random.Generator,
    of_cause: int = 1,
    permutations: int = PERMUTATIONS,
    executor: Executor | None = None,
) -> GroupTest:
    """Test the same where groups are small: how often shuffled groups differ as much.

    Formula: the score of each shuffle in the quadratic form of the observed covariance;
    p = (1 + #{as far or farther}) / (1 + permutations), or 20 over the shuffles it took until
    twenty were as far.

    Assumptions: traces are exchangeable between groups where these do not differ, which needs caps
    that do not differ by group, either.

    Empty input: as `gray_test`.

    Citation: Phipson & Smyth (2010), Statistical Applications in Genetics 9:39; Besag & Clifford
    (1991), Biometrika 78:301–304.

    Args:
        time: As `gray_test`.
        cause: As `gray_test`.
        group: As `gray_test`.
        rng: Deals the shuffles.
        of_cause: Whose incidence is compared.
        permutations: Shuffles at most.
        executor: Who counts them; the same p, whoever does.
    """
    times, causes, groups = np.asarray(time), np.asarray(cause), np.asarray(group)
    counts = grouped_counts(times, causes, groups)
    found = gray_test_of(counts, of_cause)
    if not found.df:
        return found
    here = _there(counts)
    weight = np.linalg.pinv(_Parts.of(counts, of_cause, here).covariance()[1:, 1:], hermitian=True)
    least = found.statistic * (1 - 1e-9)  # a tie is one to within rounding
    asked = _Shuffled(times, causes, of_cause, here, np.asarray(weight, dtype=float), least)
    as_far = dealt = 0
    with closing(_dealt(asked, groups, rng, permutations, executor)) as shuffles:
        for is_as_far in shuffles:
            dealt += 1
            as_far += is_as_far
            if as_far == _ENOUGH:
                break
    p_value = as_far / dealt if as_far == _ENOUGH else (1 + as_far) / (1 + dealt)
    return GroupTest(found.statistic, found.df, p_value, "permutation")


@dataclass(frozen=True)
class _Shuffled:
    """What is asked of each shuffle: whether it is as far from alike groups as the data are."""

    times: Floats
    causes: Integers
    of_cause: int
    here: NDArray[np.bool_]
    weight: Floats
    least: float

    def is_as_far(self, groups: Integers) -> bool:
        counts = grouped_counts(self.times, self.causes, groups)
        score = _Parts.of(counts, self.of_cause, self.here).score()[1:]
        return bool(score @ self.weight @ score >= self.least)


def _dealt(
    asked: _Shuffled,
    groups: Integers,
    rng: np.random.Generator,
    permutations: int,
    executor: Executor | None,
) -> Generator[bool]:
    """Yield whether each shuffle is as far, one after the other."""
    here = permutations if executor is None else min(permutations, _DEALT_HERE)
    for _ in range(here):
        yield asked.is_as_far(rng.permutation(groups))
    if executor is None:
        return
    before, used = rng.bit_generator.state, 0
    shuffles = (_small(rng.permutation(groups)) for _ in range(permutations - here))
    blocks = iter(lambda: list(islice(shuffles, _SHUFFLES_AT_ONCE)), [])
    try:
        parts = ((block,) for block in blocks)
        for found in spread(_of_block, parts, executor, shared=(asked,), ahead=_BLOCKS_AHEAD):
            for is_as_far in found:
                used += 1
                yield is_as_far
    finally:
        # More were dealt than were looked at: what is drawn next must not depend on that.
        rng.bit_generator.state = before
        for _ in range(used):
            rng.permutation(groups)


def _small(groups: Integers) -> NDArray[np.integer[Any]]:
    return groups.astype(np.min_scalar_type(int(groups.max(initial=0))))


def _of_block(asked: _Shuffled, shuffles: Sequence[NDArray[np.integer[Any]]]) -> list[bool]:
    return [asked.is_as_far(groups.astype(np.int64)) for groups in shuffles]


def _there(counts: GroupedCounts) -> NDArray[np.bool_]:
    if not len(counts.times):
        return np.zeros(0, dtype=bool)
    return np.asarray(counts.at_risk[0] > 0)


def _statistic(counts: GroupedCounts, of_cause: int) -> tuple[float, int]:
    here = _there(counts)
    if here.sum() < 2 or not counts.of(of_cause).any():
        return float("nan"), 0
    parts = _Parts.of(counts, of_cause, here)
    score, spread = parts.score()[1:], parts.covariance()[1:, 1:]
    solved = np.linalg.pinv(spread, hermitian=True) @ score
    return float(score @ solved), int(np.linalg.matrix_rank(spread, hermitian=True))


@dataclass(frozen=True)
class _Parts:
    """What score and covariance are made of; arrays are groups × times or times."""

    at_risk: Floats
    mine: Floats
    others: Floats
    before: Floats
    """Unresolved share in each group just before each time."""
    after: Floats
    incidence_before: Floats
    weight: Floats
    """h: those at risk over the unresolved share; 0 where none is at risk."""
    pooled: Floats
    """dF⁰: the common incidence's steps."""

    @classmethod
    def of(cls, counts: GroupedCounts, cause: int, here: NDArray[np.bool_]) -> "_Parts":
        at_risk, mine = counts.at_risk.T[here], counts.of(cause).T[here]
        others = counts.others(cause).T[here]
        safe = np.maximum(at_risk, 1)
        after: Floats = np.asarray(np.cumprod(1 - (mine + others) / safe, axis=1), dtype=float)
        before = _shifted(after, 1.0)
        incidence: Floats = np.cumsum(before * mine / safe, axis=1)
        weight = np.divide(at_risk, before, out=np.zeros_like(before), where=at_risk > 0)
        return cls(
            at_risk=at_risk.astype(float),
            mine=mine.astype(float),
            others=others.astype(float),
            before=before,
            after=after,
            incidence_before=_shifted(incidence, 0.0),
            weight=weight,
            pooled=_over(mine.sum(axis=0).astype(float), weight.sum(axis=0)),
        )

    def score(self) -> Floats:
        risk = self.weight * (1 - self.incidence_before)
        share = _over(risk, np.broadcast_to(risk.sum(axis=0), risk.shape))
        return np.asarray((self.mine - self.mine.sum(axis=0) * share).sum(axis=1))

    def covariance(self) -> Floats:
        common: Floats = np.cumsum(self.pooled)
        step = _over(self.pooled, 1 - _shifted(common[None], 0.0)[0])
        groups = range(len(self.weight))
        spreads = [self._spread_from(group, common, step) for group in groups]
        return np.asarray(np.sum(spreads, axis=0))

    def _spread_from(self, group: int, common: Floats, step: Floats) -> Floats:
        """Return what the randomness of one group adds to the covariance."""
        weight, after, before = self.weight[group], self.after[group], self.before[group]
        total = self.weight.sum(axis=0)
        direct = self.weight * -_over(weight, total)
        direct[group] += weight
        later: Floats = np.cumsum(direct * step, axis=1)
        later = later[:, -1:] - later
        ratio = _over(1 - common, after)
        alive = after > 0
        events, other = self.mine.sum(axis=0), self.others[group]
        of_mine = _ties(events, total * before) * _over(self.pooled, weight)
        jumps = _over(before * other, self.at_risk[group])
        of_others = alive * _ties(other, self.at_risk[group]) * _over(jumps, weight)
        # Where nobody is left in the group, its own incidence moves no more.
        mine = direct + (1 - ratio) * later
        others = ratio * later
        return np.asarray((mine * of_mine) @ mine.T + (others * of_others) @ others.T)


def _shifted(values: Floats, first: float) -> Floats:
    """Return right-continuous steps as they stand just before each time."""
    return np.hstack([np.full((len(values), 1), first), values[:, :-1]])


def _ties(events: Floats, n: Floats) -> Floats:
    return 1 - _over(np.maximum(events - 1, 0), n - 1)


def _over(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
