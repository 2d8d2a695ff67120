"""Surfaces of one view: of all its traces and of each panel, with links and words for each cell."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.charts.surface import TOLD
from analysis.charts.theme import TRACES
from analysis.percentages import percent, percents
from analysis.surface.accuracy import Thresholds
from analysis.surface.axes import BINS, Axis, Bin
from analysis.surface.cells import (
    OUTCOME,
    UNKNOWN,
    Surface,
    X,
    Y,
    axes_of,
    fitted_axes,
    surface_cells,
)
from analysis.surface.patterns import SurfacePattern, surface_pattern
from server.errors import WrongArgument
from server.queries.surface_views import AXIS_FIELDS, TAG
from server.views.lenses.base import Question
from server.views.lenses.population import where
from server.views.lenses.surface_frames import PANEL, SurfaceFrame

SEED = 20_250_801
PANELS = 12
WHOLE = ""


@dataclass(frozen=True)
class Part:
    """One surface: of all traces (its name is empty), or of one panel."""

    name: str
    surface: Surface
    found: SurfacePattern
    cells: pd.DataFrame
    """Those of the surface with `told` and, in a project, `traces`."""
    traces: pd.DataFrame
    condition: dict[str, Any] = field(default_factory=dict)
    """The filter that its panel stands for."""


@dataclass(frozen=True)
class Study:
    """One view: the surface of all its traces, and one of each panel, largest first."""

    frame: SurfaceFrame
    whole: Part
    parts: tuple[Part, ...]
    panel_key: str
    """What panels are made of; empty where there are none."""
    question: Question
    rest: tuple[tuple[str, pd.DataFrame], ...] = ()
    """Cells of panels that are in the table but not drawn."""

    @property
    def left_out(self) -> int:
        """How many panels are not drawn."""
        return len(self.rest)

    def cell_url(self, part: Part, x: int, y: int, **more: Any) -> str:
        """Return the traces of a cell, of those with a known outcome; empty: no filter can."""
        return _cell_url(self.frame, part, (x, y), self.question, more)

    def url(self, part: Part, **more: Any) -> str:
        """Return the traces of a surface."""
        return self.question.traces_url(self.frame.conditions, part.condition, more)


def study_of(frame: SurfaceFrame, question: Question, panel_key: str, cuts: Thresholds) -> Study:
    """Draw the surfaces of a view: cells, zones, patterns, links."""
    answered = question.option("mode") == "answered"
    sizes = _panel_sizes(frame.traces)
    axes = _axes(frame, question)

    def part(name: str, rows: pd.DataFrame) -> Part:
        surface = surface_cells(rows, *axes, cuts, answered_only=answered)
        # Each surface draws for itself, so that it says the same beside others and alone.
        found = surface_pattern(surface, cuts, np.random.default_rng(SEED))
        condition = where(panel_key, name) if name else {}
        one = Part(name, surface, found, surface.cells, rows, condition)
        return replace(one, cells=_told(frame, one, question))

    whole = part(WHOLE, frame.traces)
    names: list[str] = list(sizes.index) if len(sizes) > 1 else []
    most = whole_number(question, "panels", PANELS, 1, 200)
    of_panel = frame.traces.groupby(PANEL)
    parts = tuple(part(name, of_panel.get_group(name)) for name in names[:most])
    rest = tuple(
        (
            name,
            surface_cells(of_panel.get_group(name), *axes, cuts, answered_only=answered).cells,
        )
        for name in names[most:]
    )
    return Study(frame, whole, parts, panel_key if parts else "", question, rest)


def whole_number(question: Question, name: str, default: int, least: int, most: int) -> int:
    """Return an option that is a whole number.

    Raises:
        Invalid: It is none, or outside of its bounds.
    """
    written = question.option(name, str(default))
    if not written.strip().isdecimal() or not least <= int(written) <= most:
        raise WrongArgument(f"{name}: «{written}» is no whole number from {least} to {most}.")
    return int(written)


def _panel_sizes(traces: pd.DataFrame) -> "pd.Series[int]":
    known = traces[(traces[OUTCOME] != UNKNOWN) & (traces[PANEL] != "")]
    counts = known[PANEL].value_counts()
    return counts.sort_index().sort_values(ascending=False, kind="stable")


def _axes(frame: SurfaceFrame, question: Question) -> tuple[Axis, Axis]:
    view, traces = frame.view, frame.traces
    if not question.option("bins"):
        return fitted_axes(traces, view.x, view.y, traces[PANEL])
    most = whole_number(question, "bins", BINS, 2, 24)
    return axes_of(traces, view.x, view.y, x_bins=most, y_bins=most)


def _told(frame: SurfaceFrame, part: Part, question: Question) -> pd.DataFrame:
    """Cells with what they say and the traces behind them."""
    cells = part.cells
    view = frame.view
    told = []
    for row in cells.to_dict("records"):
        place = f"{view.label(view.x)} {row['x']}"
        if view.y:
            place += f", {view.label(view.y)} {row['y']}"
        told.append(f"{part.name + ': ' if part.name else ''}{place}: {in_words(row)}")
    links = [
        _cell_url(frame, part, (int(x), int(y)), question, {})
        for x, y in zip(cells[X], cells[Y], strict=True)
    ]
    found = cells.assign(**{TOLD: told})
    return found.assign(**{TRACES: links}) if any(links) else found


def in_words(cell: Mapping[Any, Any]) -> str:
    """Return a cell as words: accuracy, interval, n, truncation, zone."""
    few = ", few" if cell["is_few"] else ""
    if np.isnan(cell["accuracy"]):
        return f"none of n = {cell['n']:,} answered"
    cut = f", {cell['truncated']:,} truncated" if cell["truncated"] else ""
    return (
        f"{percent(cell['accuracy'])} ({percents(cell['low'], cell['high'])}), n = {cell['n']:,}"
        f"{cut}, {cell['zone']}{few}"
    )


def _cell_url(
    frame: SurfaceFrame,
    part: Part,
    place: tuple[int, int],
    question: Question,
    more: dict[str, Any],
) -> str:
    view, surface = frame.view, part.surface
    if not question.base or not frame.filterable >= set(view.keys):
        return ""
    conditions = [
        condition_of(key, axis.bins[at])
        for key, axis, at in zip(view.keys, (surface.x, surface.y), place, strict=False)
    ]
    known: dict[str, Any] = {}
    if surface.unknown and not question.filters.get("outcome"):
        known = {"outcome": {"not": UNKNOWN}}
    return question.traces_url(frame.conditions, part.condition, *conditions, known, more)


def condition_of(key: str, one: Bin) -> dict[str, Any]:
    """Return the filter that finds the traces of a place on an axis."""
    wanted = AXIS_FIELDS[key].filter_key if key in AXIS_FIELDS else key
    if not one.texts:
        return {wanted: {"min": one.low, "max": one.high}}
    texts = list(one.texts)
    if wanted.startswith(TAG):
        wanted, texts = "tags", [f"{wanted.removeprefix(TAG)}:{text}" for text in texts]
    # Two numbers in a list would mean the range between them.
    return {wanted: texts[0] if len(texts) == 1 else texts}
