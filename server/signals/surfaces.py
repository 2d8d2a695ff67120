"""Where a trace lies on the surface of its task's first view."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd

from analysis.percentages import percent
from analysis.surface.accuracy import FAILING, SAFE, UNCERTAIN, Thresholds
from analysis.surface.cells import zone_of_each
from server.signals.base import SignalDefinition, SignalPopulation
from server.signals.registry import of_population

_CUTS = Thresholds()


@of_population(
    SignalDefinition(
        "surface_zone",
        "surface zone",
        "how sure the model of this trace is to solve problems like this one",
        needs="a view of its task, the two dimensions of that, and known outcomes",
        is_label=True,
        from_outcomes=True,
        labels={
            SAFE: f"accuracy there is surely {percent(_CUTS.safe_lower)} or more",
            UNCERTAIN: "the traces there are too few or too mixed to say",
            FAILING: f"accuracy there is surely below {percent(_CUTS.failing_upper)}",
        },
        parameters=asdict(_CUTS),
        rank=6,
    )
)
def surface_zone(population: SignalPopulation) -> Mapping[str, "pd.Series[Any]"]:
    """Return the zone of each trace's cell, each model having a surface of its own."""
    frame = population.traces
    zones = pd.Series("", index=frame.index, dtype=object)
    seen: set[str] = set()
    for view in population.views:
        of_task = frame["task"] == view.task if view.task else pd.Series(True, index=frame.index)
        if view.task in seen or not {view.x, view.y} - {""} <= set(frame.columns):
            continue
        seen.add(view.task)
        guessed = frame.assign(guess_rate=frame["guess_rate"].fillna(view.guess_rate))
        own = guessed[of_task & (zones == "")]
        zones[own.index] = zone_of_each(own, view.x, view.y, _CUTS, own["model"])
    return {"surface_zone": zones}
