"""Each feature alone, window by window: which one tells failures, and when."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum

from analysis.estimates import Estimate
from analysis.uncertainty.average_precision import SEED
from analysis.uncertainty.baselines import precisions_of
from analysis.uncertainty.feature_table import FEATURES, MAX_FEATURES, MEAN_FEATURES, FeatureTable

DRAWS = 1_000


class Shape(StrEnum):
    """How the PR-AUC of a feature goes over the windows."""

    EARLY_ABOVE_FULL = "Early>Full"
    MONOTONE = "Monotone"
    FIRST_PEAK = "First peak"
    INVERTED_U = "Inverted-U"


@dataclass(frozen=True)
class SingleFeature:
    """PR-AUC of one feature (or one kind of features) over all tokens and each window."""

    name: str
    full: Estimate
    windows: dict[int, Estimate]
    best_window: int | None
    shape: Shape | None


def single_features(
    table: FeatureTable,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    executor: Executor | None = None,
) -> tuple[SingleFeature, ...]:
    """Return each feature alone, as published; those that no trace has are left out.

    Citation: How Language Models Fail, step 12 of its failure-mode analysis.
    """
    return _rows(table, {name: (name,) for name in FEATURES}, draws, seed, executor)


def feature_kinds(
    table: FeatureTable,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    executor: Executor | None = None,
) -> tuple[SingleFeature, ...]:
    """Return the five largest values together, and the six means (with the fork rate) together."""
    kinds = {"max features": MAX_FEATURES, "mean features": MEAN_FEATURES}
    return _rows(table, kinds, draws, seed, executor)


def _rows(
    table: FeatureTable,
    named: Mapping[str, Sequence[str]],
    draws: int,
    seed: int,
    executor: Executor | None,
) -> tuple[SingleFeature, ...]:
    asked = [(name, span) for name in named for span in table.spans]
    matrices = [table.matrix(named[name], span) for name, span in asked]
    measured = precisions_of(table, matrices, draws=draws, seed=seed, executor=executor)
    told = dict(zip(asked, measured, strict=True))
    rows = []
    for name in named:
        full = told[name, table.full]
        if full is None:
            continue
        spans = {span.window: told[name, span] for span in table.spans if span.window is not None}
        windows = {window: value for window, value in spans.items() if value is not None and window}
        best = max(windows, key=lambda window: windows[window].value) if windows else None
        rows.append(SingleFeature(name, full, windows, best, shape_of(full, windows)))
    return tuple(rows)


def shape_of(full: Estimate, windows: dict[int, Estimate]) -> Shape | None:
    """Name how point estimates go over the windows, as published; None without a window."""
    if not windows:
        return None
    best = max(windows, key=lambda window: windows[window].value)
    if windows[best].value > full.value:
        return Shape.EARLY_ABOVE_FULL
    if best == max(windows):
        return Shape.MONOTONE
    return Shape.FIRST_PEAK if best == min(windows) else Shape.INVERTED_U
