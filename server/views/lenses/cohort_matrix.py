"""Runs as tasks × models for the cohorts lens: what counts as passed, and what is left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from analysis.cohorts.outcome_matrix import (
    ITEM,
    MODEL,
    MOST_MISSING,
    PASSED,
    OutcomeMatrix,
    outcome_matrix,
)
from analysis.cohorts.outcome_matrix import item_names as item_names
from analysis.percentages import percent
from server.models.trace import Outcome
from server.views.lenses.population import LensPopulation, known_outcomes

FAMILY = "family"
_NAMED = 5


@dataclass(frozen=True)
class ModelRuns:
    """The runs that have an outcome, a model and a task, one row each."""

    frame: pd.DataFrame
    """Columns item, model, passed (1 or 0), family."""
    places: Mapping[str, Mapping[str, str]]
    """The filter that finds each task, by its name."""
    excluded: tuple[str, ...] = ()
    """What was left out, counted."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Where each task is from, by its name: its `task`."""

    @cached_property
    def matrix(self) -> OutcomeMatrix:
        """Tasks × models; those of too many gaps are named in its `left_out`."""
        return outcome_matrix(self.frame)

    @cached_property
    def families(self) -> dict[str, str]:
        """The family of each model; a model without one is its own."""
        pairs = self.frame.drop_duplicates(MODEL)[[MODEL, FAMILY]].itertuples(index=False)
        return {str(model): str(family or model) for model, family in pairs}

    @property
    def source_of_each(self) -> tuple[str, ...]:
        """The source of each task of `matrix`; empty where there is one source or none."""
        found = tuple(self.sources.get(item, "") for item in self.matrix.items)
        return found if len(set(found)) > 1 else ()

    @property
    def repeated(self) -> int:
        """How many pairs of task and model have several runs."""
        return int((self.matrix.trials > 1).sum())

    @property
    def gaps(self) -> tuple[str, ...]:
        """Which models lack too many of the tasks, in words for `excluded`."""
        names = self.matrix.left_out
        if not names:
            return ()
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        count = "1 model that lacks" if len(names) == 1 else f"{len(names)} models that lack"
        return (
            f"{count} more than {percent(MOST_MISSING)} of the tasks: "
            f"{', '.join(names[:_NAMED])}{more}",
        )


def runs_of(population: LensPopulation) -> ModelRuns:
    """Return the runs of a project: correct is passed; incorrect, invalid, truncated are not.

    Two tasks of the same item id, of different `task`, are called TASK/ITEM.
    """
    known, excluded = known_outcomes(population.traces)
    placed = known[(known["item"] != "") & (known["model"] != "")]
    if len(placed) < len(known):
        excluded = (*excluded, f"{len(known) - len(placed):,} without an item or a model")
    names = item_names(placed)
    frame = pd.DataFrame(
        {
            ITEM: names,
            MODEL: placed["model"],
            PASSED: (placed["outcome"] == Outcome.CORRECT.value).astype(float),
            FAMILY: placed["model_family"],
        }
    )
    firsts = placed.assign(name=names).drop_duplicates("name")
    places = {
        name: {"item": item, "task": task} if name != item else {"item": item}
        for name, item, task in zip(firsts["name"], firsts["item"], firsts["task"], strict=True)
    }
    sources = dict(zip(firsts["name"], firsts["task"], strict=True))
    return ModelRuns(frame, places, excluded, sources)
