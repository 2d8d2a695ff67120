"""Few tasks instead of all: how well each way to choose them ranks models that did not choose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.charts import cohorts as charts
from analysis.cohorts.rasch import filled
from analysis.estimates import Estimate
from analysis.evaluation_sets.protocol import FEWEST_MODELS, SPLITS, HeldOut, held_out
from analysis.evaluation_sets.selection import Method
from analysis.evaluation_sets.small_set import SmallSet, small_set
from analysis.percentages import percent
from server.errors import Invalid, WrongArgument
from server.views.lenses.base import Figure, Panel
from server.views.lenses.cohort_matrix import ModelRuns
from server.views.lenses.cohort_results import estimate

DEFAULT = Method.ANCHORS_RIDGE
_MOST_BUDGETS = 8
_ROUGH_SPLITS = 5


@dataclass(frozen=True)
class Sampling:
    """What small sets of tasks are worth, and those of the default way."""

    table: tuple[HeldOut, ...]
    """Empty where there are too few models to hold half of them out."""
    sets: tuple[SmallSet, ...]
    """One for each budget."""
    n_models: int


def budgets_of(written: str) -> tuple[int, ...]:
    """Read numbers of tasks with commas between them.

    Raises:
        Invalid: One is no number of tasks, or there are too many.
    """
    words = [word.strip() for word in written.split(",") if word.strip()]
    for word in words:
        if not (word.isascii() and word.isdecimal() and int(word[:9]) > 0 and len(word) <= 6):
            raise WrongArgument(f"«{word[:40]}» is no number of tasks: write them like 25,50,100.")
    if len(words) > _MOST_BUDGETS:
        raise WrongArgument(f"{len(words)} budgets are more than {_MOST_BUDGETS}.")
    return tuple(sorted({int(word) for word in words}))


def sampling_of(
    runs: ModelRuns, budgets: Sequence[int], *, seed: int, is_rough: bool = False
) -> Sampling:
    """Hold out models to measure each way to choose tasks, and choose by the default way.

    Raises:
        Invalid: No budget is below the number of tasks.
    """
    matrix = runs.matrix
    possible = [budget for budget in budgets if budget < len(matrix.items)]
    if not possible:
        raise Invalid(f"Give a budget below {len(matrix.items):,}, which is all tasks.")
    found = held_out(
        filled(matrix.outcomes),
        possible,
        rng=np.random.default_rng(seed),
        sources=runs.source_of_each,
        splits=_ROUGH_SPLITS if is_rough else SPLITS,
    )
    sets = tuple(small_set(matrix, DEFAULT, budget, seed=seed) for budget in possible)
    return Sampling(found, sets, len(matrix.models))


def sampling_results(found: Sampling | None) -> dict[str, Any] | None:
    """Return the held-out table and the chosen tasks as JSON values."""
    if found is None:
        return None
    return {
        "held_out": [
            {
                "method": row.method.value,
                "budget": row.budget,
                "tau": estimate(row.tau, "value"),
                "mae": estimate(row.error, "value"),
                "tau_over_random": estimate(row.tau_over_random, "value"),
                "mae_over_random": estimate(row.error_over_random, "value"),
            }
            for row in found.table
        ],
        "sets": [_set(one) for one in found.sets],
    }


def _set(one: SmallSet) -> dict[str, Any]:
    return {
        "method": one.method.value,
        "budget": one.budget,
        "intercept": one.intercept,
        "tasks": one.table.to_dict("records"),
        "adjacent_pairs": [
            {"better": pair.better, "worse": pair.worse, "probability": pair.probability}
            for pair in one.pairs
        ],
    }


def sampling_figures(found: Sampling | None) -> tuple[Figure, ...]:
    """Return the held-out table drawn, and the chosen tasks of each budget."""
    if found is None:
        return ()
    drawn = (_held_out(found),) if found.table else ()
    return (*drawn, *(_chosen(one) for one in found.sets))


def _held_out(found: Sampling) -> Figure:
    rows = [
        (
            *(row.budget, row.method.value),
            *_ends(row.tau),
            *_ends(row.error),
            *(row.tau_over_random.value, row.error_over_random.value, row.tau.n),
        )
        for row in found.table
    ]
    names = ["tau", "tau low", "tau high", "error", "error low", "error high"]
    columns = ["tasks", "chosen by", *names, "tau − random", "error − random", "splits"]
    table = pd.DataFrame(rows, columns=columns)
    panels = tuple(
        panel
        for budget in dict.fromkeys(row.budget for row in found.table)
        for panel in _panels([row for row in found.table if row.budget == budget], budget)
    )
    splits = found.table[0].tau.n
    caption = (
        f"Tasks are chosen by half of the {found.n_models} models, and rank the other half; "
        f"{splits} such splits. Kendall’s τ with the ranking by all tasks (more is better), and "
        "the mean error of the score (less is better); intervals are over splits, which share "
        "models. The line is random tasks."
    )
    return Figure("held-out", "Few tasks for new models", caption, table, panels=panels)


def _panels(rows: Sequence[HeldOut], budget: int) -> list[Panel]:
    base = next(row for row in rows if row.method is Method.RANDOM)
    return [
        Panel(
            f"{budget} tasks: {words}",
            charts.intervals(
                pd.DataFrame([_row(row.method, getattr(row, name)) for row in rows]),
                words,
                reference=getattr(base, name).value,
                style=".2f" if name == "tau" else ".1%",
            ),
        )
        for name, words in (("tau", "τ"), ("error", "error of the score"))
    ]


def _row(method: Method, found: Estimate) -> dict[str, object]:
    told = f"{method.value}: {found.value:.3f} ({found.low:.3f} to {found.high:.3f})"
    ends = {"low": found.low, "high": found.high}
    return {"name": method.value, "value": found.value, "told": told, **ends}


def _ends(found: Estimate) -> tuple[float, float, float]:
    return found.value, found.low, found.high


def _chosen(one: SmallSet) -> Figure:
    unsure = min(one.pairs, key=lambda pair: pair.probability, default=None)
    least = (
        f" The least sure neighbours: {unsure.better} before {unsure.worse} with probability "
        f"{unsure.probability:.2f}."
        if unsure
        else ""
    )
    caption = (
        f"{len(one.tasks)} of {one.n_items:,} tasks by {one.method.value}; each stands for the "
        f"share in its weight. A score is {one.intercept:.3f} plus the coefficients of the tasks "
        f"that are passed.{least}"
    )
    title = f"A set of {one.budget} tasks"
    return Figure(f"set-{one.budget}", title, caption, one.table)


def sampling_in_words(found: Sampling | None) -> str:
    """Say what the default way gains beside random tasks, at each budget."""
    if found is None:
        return ""
    if not found.table:
        return (
            f"{found.n_models} models are too few to hold half of them out ({FEWEST_MODELS} are "
            "needed): what small sets are worth to new models is not known."
        )
    rows = [row for row in found.table if row.method is DEFAULT]
    return "; ".join(
        f"{row.budget} tasks: τ {row.tau.value:.2f} ({row.tau_over_random.value:+.2f} beside "
        f"random, {row.tau_over_random.low:+.2f} to {row.tau_over_random.high:+.2f}), error "
        f"{percent(row.error.value, 1)} ({percent(row.error_over_random.value, 1, sign='+')})"
        for row in rows
    )
