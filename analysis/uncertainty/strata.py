"""The same comparison inside each level of difficulty, and how it goes with the level."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from analysis.cohorts.threads import one_thread
from analysis.spreading import spread
from analysis.uncertainty.average_precision import DRAWS, SEED
from analysis.uncertainty.feature_table import LEAST_FAILURES, STRATUM, FeatureTable
from analysis.uncertainty.windows import Comparison, Thresholds, Window, WindowVerdict, compare

REFERENCE_WINDOW = 400
"""Where the published trend over levels is read; the nearest window there is, where it is not."""


class Strength(StrEnum):
    """What a level says, in the published words."""

    STRONG = "strong committed"
    WEAK = "weak committed"
    PERSISTENT = "persistent"


@dataclass(frozen=True)
class Stratum:
    """One level."""

    name: str
    n: int
    failures: int
    comparison: Comparison | None
    """None where there are too few failures."""
    window: int | None
    """The first committed window, else the first near-committed one, as published."""
    reference: Window | None
    strength: Strength | None


@dataclass(frozen=True)
class Trend:
    """How z at the reference window goes with the level: least squares over the levels."""

    slope: float
    intercept: float
    levels: int


@dataclass(frozen=True)
class Strata:
    """All levels."""

    strata: tuple[Stratum, ...]
    trend: Trend | None
    """None unless three levels or more are numbers and have enough failures."""


def strata(
    table: FeatureTable,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    cuts: Thresholds | None = None,
    executor: Executor | None = None,
) -> Strata:
    """Compare windows inside each value of the column `stratum`; empty values are left out.

    Empty input: no strata where there is no such column.

    Citation: How Language Models Fail, analysis stratified by difficulty.
    """
    if STRATUM not in table.frame:
        return Strata((), None)
    levels = table.frame[STRATUM].fillna("").astype(str)
    asked = (
        (name, table.where((levels == name).to_numpy()), draws, seed, cuts)
        for name in _ordered(levels[levels != ""].unique().tolist())
    )
    found = tuple(spread(_stratum, asked, executor))
    return Strata(found, _trend(found))


def _ordered(names: Sequence[str]) -> list[str]:
    numbers = pd.to_numeric(pd.Series(names, dtype=object), errors="coerce")
    if numbers.notna().all():
        return [names[place] for place in numbers.argsort()]
    return sorted(names)


@one_thread()
def _stratum(
    name: str, part: FeatureTable, draws: int, seed: int, cuts: Thresholds | None
) -> Stratum:
    comparison = None
    if LEAST_FAILURES <= part.failures < part.n:
        comparison = compare(part, draws=draws, seed=seed, cuts=cuts)
    windows = comparison.windows if comparison else ()
    committed = [one for one in windows if one.verdict is WindowVerdict.COMMITTED]
    near = [one for one in windows if one.verdict is WindowVerdict.NEAR_COMMITTED]
    told = committed or near
    reference = min(windows, key=lambda one: abs(one.window - REFERENCE_WINDOW), default=None)
    return Stratum(
        name=name,
        n=part.n,
        failures=part.failures,
        comparison=comparison,
        window=told[0].window if told else None,
        reference=reference,
        strength=_strength(reference),
    )


def _strength(reference: Window | None) -> Strength | None:
    if reference is None:
        return None
    known = {
        WindowVerdict.COMMITTED: Strength.STRONG,
        WindowVerdict.NEAR_COMMITTED: Strength.WEAK,
    }
    return known.get(reference.verdict, Strength.PERSISTENT)


def _trend(found: Sequence[Stratum]) -> Trend | None:
    points = [
        (float(number), one.reference.z)
        for one in found
        if one.reference is not None
        and not np.isnan(one.reference.z)
        and not np.isnan(number := pd.to_numeric(one.name, errors="coerce"))
    ]
    if len(points) < 3:
        return None
    levels, values = np.array(points).T
    slope, intercept = np.polyfit(levels, values, 1)
    return Trend(float(slope), float(intercept), len(points))
