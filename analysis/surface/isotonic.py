"""Fits that only fall or only rise along each axis of a grid, and whether the data allow one."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
_STEPS = 200
_CLOSE = 1e-6
_FAINT = 1e-3
"""Weight of a place without attempts, as a share of the smallest one: it only passes order on."""
_LEAST = 1e-9
"""How close to 0 and 1 a fitted share counts: projections end a rounding error away."""
_AT_ONCE = 50
_ENOUGH = 10
_DRAWS = 499


@dataclass(frozen=True)
class OneWayFit:
    """The best fit that goes one way along each axis that has an order."""

    rates: Numbers
    """The fitted share of each place, rows times columns."""
    x_rises: bool | None
    y_rises: bool | None
    """Which way it goes; None along an axis without order."""
    deviance: float
    explained: float
    """Share of the variation along ordered axes that it explains; nan where there is none."""
    p: float
    """Chance of a fit this bad if it were true; nan where no axis has an order."""


def one_way_fit(
    correct: Numbers,
    n: Numbers,
    *,
    x_is_ordered: bool,
    y_is_ordered: bool,
    rng: np.random.Generator,
) -> OneWayFit:
    """Fit shares that go one way along both axes, and test whether they may be so.

    Formula: the binomial maximum likelihood under the order, which is the least-squares fit with
    weights n, by Dykstra's projections on rows and columns; each of the up to four directions is
    tried, and that of least deviance is kept. p: bootstrap of the fitted shares, stopped after ten
    deviances as large as the one found, 499 draws at most.

    Assumptions: independent attempts with the same chance within a place. The draws keep the
    direction that was found, which makes p a little too large.

    Empty input: places with n = 0 only pass the order on; without any attempt all is nan.

    Citation: Dykstra & Robertson (1982), Ann. Statist. 10:708-716; Besag & Clifford (1991),
    Biometrika 78:301-304, for stopping.

    Args:
        correct: Successes, rows (y) times columns (x).
        n: Attempts, of the same shape.
        x_is_ordered: Whether columns have an order.
        y_is_ordered: Whether rows have one.
        rng: Draws the bootstrap.
    """
    if not n.sum() or not (x_is_ordered or y_is_ordered):
        return OneWayFit(np.full(n.shape, np.nan), None, None, np.nan, np.nan, np.nan)
    rate = np.divide(correct, n, out=np.full(n.shape, correct.sum() / n.sum()), where=n > 0)
    ways = [
        (x, y)
        for x in ((True, False) if x_is_ordered else (None,))
        for y in ((True, False) if y_is_ordered else (None,))
    ]
    fits = {way: _projected(rate[None], n, *way)[0] for way in ways}
    costs = {way: float(deviances(correct[None], n, fit)[0]) for way, fit in fits.items()}
    best = min(ways, key=lambda way: costs[way])
    fit = fits[best]
    return OneWayFit(
        rates=fit,
        x_rises=best[0],
        y_rises=best[1],
        deviance=costs[best],
        explained=_explained(rate, fit, n, _lines(x_is_ordered, y_is_ordered)),
        p=_bootstrap_p(fit, n, best, costs[best], rng),
    )


def differs_p(
    correct: Numbers, n: Numbers, x_is_ordered: bool, y_is_ordered: bool, rng: np.random.Generator
) -> float:
    """Test whether places differ along the axes that have an order.

    Formula: Monte-Carlo p of the deviance under one common share, or one for each line along the
    ordered axis where the other has no order: (1 + draws with at least the deviance found) /
    (1 + draws), 499 draws of binomials.

    Assumptions: independent attempts.

    Empty input: nan where there is no attempt.

    Citation: Davison & Hinkley (1997), Bootstrap Methods and their Application, 4.2.
    """
    if not n.sum():
        return float("nan")
    line = _lines(x_is_ordered, y_is_ordered)
    of = np.maximum(n.sum(axis=line, keepdims=True), 1)
    share = np.broadcast_to(correct.sum(axis=line, keepdims=True) / of, n.shape)
    drawn = rng.binomial(n.astype(int), share, size=(_DRAWS, *n.shape)).astype(float)
    pooled = np.broadcast_to(drawn.sum(axis=line, keepdims=True) / of, drawn.shape)
    found = deviances(correct[None], n, share)[0]
    worse = deviances(drawn, n, pooled) >= found - 1e-9
    return float((1 + worse.sum()) / (1 + _DRAWS))


def _lines(x_is_ordered: bool, y_is_ordered: bool) -> tuple[int, ...]:
    """The axes over which places are compared: along both, or within each line."""
    if x_is_ordered == y_is_ordered:
        return (-2, -1)
    return (-1,) if x_is_ordered else (-2,)


def deviances(correct: Numbers, n: Numbers, rates: Numbers) -> Numbers:
    """Return the binomial deviance of each of many grids from shares."""
    from scipy.special import xlogy

    wrong = n - correct
    rates = np.clip(rates, _LEAST, 1 - _LEAST)
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = np.where(n > 0, correct / n, 0.0)
    parts = (
        xlogy(correct, seen)
        - xlogy(correct, rates)
        + xlogy(wrong, 1 - seen)
        - xlogy(wrong, 1 - rates)
    )
    return np.asarray(2 * np.where(n > 0, parts, 0.0).sum(axis=(-2, -1)))


def isotonic(values: Numbers, weights: Numbers) -> Numbers:
    """Return the closest values that never fall along the last axis, by weighted least squares.

    Formula: max over a ≤ i of min over b ≥ i of the weighted mean of a … b.

    Assumptions: weights above 0.

    Empty input: an empty array.

    Citation: Barlow et al. (1972), Statistical Inference under Order Restrictions, p. 19.
    """
    size = values.shape[-1]
    zero = np.zeros((*values.shape[:-1], 1))
    mass = np.concatenate([zero, np.cumsum(np.broadcast_to(weights, values.shape), -1)], -1)
    total = np.concatenate([zero, np.cumsum(values * weights, -1)], -1)
    begin, end = np.triu_indices(size)
    means = np.full((*values.shape[:-1], size, size), np.inf)
    means[..., begin, end] = (total[..., end + 1] - total[..., begin]) / (
        mass[..., end + 1] - mass[..., begin]
    )
    least = np.minimum.accumulate(means[..., ::-1], axis=-1)[..., ::-1]
    least = np.where(np.arange(size)[:, None] <= np.arange(size), least, -np.inf)
    return np.asarray(least.max(axis=-2))


def _projected(rates: Numbers, n: Numbers, x_rises: bool | None, y_rises: bool | None) -> Numbers:
    """The one-way fits of many grids, in the given directions."""
    across = slice(None, None, 1 if x_rises else -1)
    up = slice(None, None, 1 if y_rises else -1)
    weights = np.where(n > 0, n, n[n > 0].min() * _FAINT)[up, across]
    values = rates[:, up, across]
    if y_rises is None:
        found = isotonic(values, weights)
    elif x_rises is None:
        found = _by_columns(values, weights)
    else:
        found = _both(values, weights)
    return np.clip(found, 0.0, 1.0)[:, up, across]


def _by_columns(values: Numbers, weights: Numbers) -> Numbers:
    return np.swapaxes(isotonic(np.swapaxes(values, -1, -2), weights.T), -1, -2)


def _both(values: Numbers, weights: Numbers) -> Numbers:
    """Dykstra's algorithm; grids that hold still are not worked on further."""
    found = values.copy()
    of_rows, of_columns = np.zeros_like(values), np.zeros_like(values)
    moving = np.arange(len(values))
    for _ in range(_STEPS):
        begun = found[moving] + of_rows[moving]
        rows = isotonic(begun, weights)
        of_rows[moving] = begun - rows
        halfway = rows + of_columns[moving]
        columns = _by_columns(halfway, weights)
        of_columns[moving] = halfway - columns
        moved = np.abs(columns - found[moving]).max(axis=(-2, -1))
        uneven = np.abs(columns - rows).max(axis=(-2, -1))
        found[moving] = columns
        moving = moving[np.maximum(moved, uneven) > _CLOSE]
        if not len(moving):
            break
    return found


def _explained(rate: Numbers, fit: Numbers, n: Numbers, line: tuple[int, ...]) -> float:
    of = np.maximum(n.sum(axis=line, keepdims=True), 1)
    mean = (rate * n).sum(axis=line, keepdims=True) / of
    total = float((n * (rate - mean) ** 2).sum())
    left = float((n * (rate - fit) ** 2).sum())
    return 1 - left / total if total > 1e-12 else float("nan")


def _bootstrap_p(
    fit: Numbers,
    n: Numbers,
    way: tuple[bool | None, bool | None],
    found: float,
    rng: np.random.Generator,
) -> float:
    as_bad = drawn = 0
    while drawn < _DRAWS and as_bad < _ENOUGH:
        size = min(_AT_ONCE, _DRAWS - drawn)
        correct = rng.binomial(n.astype(int), fit, size=(size, *n.shape)).astype(float)
        rates = np.divide(correct, n, out=np.broadcast_to(fit, correct.shape).copy(), where=n > 0)
        refitted = _projected(rates, n, *way)
        worse = deviances(correct, n, refitted) >= found - 1e-9
        needed = np.flatnonzero(np.cumsum(worse) >= _ENOUGH - as_bad)
        if len(needed):
            return _ENOUGH / (drawn + int(needed[0]) + 1)
        as_bad += int(worse.sum())
        drawn += size
    return (1 + as_bad) / (1 + drawn)
