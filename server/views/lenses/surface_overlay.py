"""Traces laid on a surface: how many of them fall outside its safe zone, and which."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.estimates import Estimate, wilson
from analysis.percentages import percent, percents
from analysis.surface.accuracy import FAILING, SAFE, UNCERTAIN
from analysis.surface.cells import X, Y, places
from server.views.lenses.base import Cell, SideTable
from server.views.lenses.surface_study import Study

UNMEASURED = "never measured"
"""A place where no attempt with a known outcome lies, or outside both axes."""
_ZONES = (SAFE, UNCERTAIN, FAILING, UNMEASURED)
_MOST_IN_A_LINK = 300
"""Ids that the address of one page may name."""


@dataclass(frozen=True)
class Laid:
    """Where the overlaid traces fall."""

    counts: Mapping[str, int]
    """Traces by zone."""
    outside: Estimate
    """Share of them outside the safe zone."""
    by_cell: pd.DataFrame
    """x_position, y_position, n of the cells they fall into."""
    outside_url: str
    """The traces outside; empty where no link can hold them."""

    @property
    def n(self) -> int:
        """How many there are."""
        return sum(self.counts.values())

    @property
    def n_outside(self) -> int:
        """How many of them are outside the safe zone."""
        return self.n - self.counts[SAFE]


def laid_on(study: Study) -> Laid | None:
    """Lay the overlay of a view on the surface of all its traces; None where there is none."""
    traces = study.frame.overlay
    if traces is None:
        return None
    surface = study.whole.surface
    place = places(traces, surface.x, surface.y)
    width = max(len(surface.x.bins), 1)
    zone_at = {
        y * width + x: zone or UNMEASURED
        for x, y, zone in surface.cells[[X, Y, "zone"]].itertuples(index=False)
    }
    zones = pd.Series([zone_at.get(int(at), UNMEASURED) for at in place], dtype=object)
    counts = {zone: int((zones == zone).sum()) for zone in _ZONES}
    numbers, found = np.unique(place[place >= 0], return_counts=True)
    ids = traces.loc[(zones != SAFE).to_numpy(), "external_id"].tolist()
    return Laid(
        counts=counts,
        outside=wilson(len(ids), len(traces)),
        by_cell=pd.DataFrame({X: numbers % width, Y: numbers // width, "n": found}),
        outside_url=_url(study, [str(one) for one in ids]),
    )


def overlay_table(study: Study, laid: Laid) -> SideTable:
    """Return where they fall as a table of the reading."""
    rows = []
    for zone in _ZONES:
        share = wilson(laid.counts[zone], laid.n)
        rows.append(
            (
                Cell(zone),
                Cell(f"{laid.counts[zone]:,}", is_number=True),
                Cell(percent(share.value), is_number=True),
                Cell(percents(share.low, share.high)),
            )
        )
    return SideTable(
        title=f"{overlay_name(study)} on this surface",
        heads=("zone", "traces", "share", "95 %"),
        rows=tuple(rows),
        note=f"n = {laid.n:,}; blue numbers on the map are these traces",
    )


def overlay_name(study: Study) -> str:
    """Return what the overlaid traces are called at the beginning of a sentence."""
    is_production = study.frame.overlay_filters == {"source": "production"}
    return "Production traces" if is_production else "Overlaid traces"


def _url(study: Study, ids: list[str]) -> str:
    if not study.question.base or not 0 < len(ids) <= _MOST_IN_A_LINK:
        return ""
    alone = study.question.__class__("surface", base=study.question.base)
    return alone.traces_url({"trace": ids})
