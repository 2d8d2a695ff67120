"""Charts of how traces end over tokens, steps or seconds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from analysis.charts.theme import (
    HUES,
    INK_3,
    LINE,
    OUTCOMES,
    log_ticks,
    opens_traces,
    specification,
    token_axis,
)

FEW = 5
"""Events below which a bin is drawn hollow."""
LOOP = "loop"
UNRESOLVED = "unresolved"
ANY = "any failure"
_OWN_COLOURS = {
    **OUTCOMES,
    LOOP: OUTCOMES["truncated"],
    "passed": OUTCOMES["correct"],
    ANY: OUTCOMES["incorrect"],
}
_DATA_SHARE = 0.66
"""Share of the axis that the data take; behind them stand the labels."""


@dataclass(frozen=True)
class TimeAxis:
    """The axis that all panels share."""

    title: str
    low: float
    high: float
    is_log: bool
    is_tokens: bool = True

    def channel(self, field: str) -> alt.X:
        """Return the channel of a column of times."""
        ends = self.domain
        scale = alt.Scale(domain=list(ends), nice=False)
        if self.is_log:
            scale = alt.Scale(type="log", domain=list(ends), nice=False)
        if self.is_tokens:
            axis = token_axis(self.title, values=self.ticks)
        else:
            axis = alt.Axis(title=self.title, format="~s", labelOverlap="greedy", values=self.ticks)
        return alt.X(f"{field}:Q", scale=scale, axis=axis)

    @property
    def ticks(self) -> list[float]:
        """Where the axis is marked: as far as the data go, not where the labels stand."""
        if self.is_log and (marks := log_ticks(self.domain[0], self.high)):
            return marks
        high = max(self.high, 1e-9)
        decade = 10.0 ** math.floor(math.log10(high))
        step = decade * (0.5 if high < 2.5 * decade else 1.0 if high < 6 * decade else 2.0)
        return [round(step * mark, 10) for mark in range(int(high / step * 1.001) + 1)]

    @property
    def domain(self) -> tuple[float, float]:
        """Where the axis begins and ends."""
        if not self.is_log:
            return 0.0, max(self.high, 1e-9) / _DATA_SHARE
        low = max(self.low, 1e-9)
        high = max(self.high, low * 1.1)
        return low, low * (high / low) ** (1 / _DATA_SHARE)


def cause_colours(causes: Sequence[str], own: Mapping[str, str]) -> Mapping[str, str]:
    """Return the colour of each cause: its own, else that of the outcome, else a hue.

    Args:
        causes: In the order of the stack.
        own: Colours that are given, such as those of failure modes.
    """
    known = {**_OWN_COLOURS, **own}
    others = [cause for cause in causes if cause not in known]
    hues = {cause: HUES[place % len(HUES)] for place, cause in enumerate(others)}
    return {cause: known.get(cause) or hues[cause] for cause in causes}


def stacked_chart(
    areas: pd.DataFrame,
    pieces: pd.DataFrame,
    whiskers: pd.DataFrame,
    labels: pd.DataFrame,
    colours: Mapping[str, str],
    axis: TimeAxis,
) -> dict[str, Any]:
    """Draw which share each cause has ended by each time, one upon the other.

    Args:
        areas: Columns time, cause, bottom, top (0–100): steps of each cause, and of "unresolved".
        pieces: Columns start, end, cause, bottom, top, ended, at_risk, traces: what opens traces.
        whiskers: Columns time, cause, low, high (where the top's interval lies).
        labels: Columns time, y, cause, label.
        colours: Of the causes, in the order of the stack.
        axis: That of all panels.
    """
    x, colour = axis.channel("time"), _colour(colours)
    share = alt.Scale(domain=[0, 100], nice=False)
    y = alt.Y("bottom:Q", scale=share, axis=alt.Axis(title="% of traces", values=[0, 50, 100]))
    own = alt.Chart(areas)
    area = own.mark_area(interpolate="step-after", opacity=0.28).encode(
        x=x, y=y, y2="top:Q", color=colour
    )
    edge = (
        own.transform_filter(f"datum.cause != '{UNRESOLVED}'")
        .mark_line(interpolate="step-after", strokeWidth=1.25)
        .encode(x=x, y=alt.Y("top:Q", scale=share), color=colour)
    )
    ends = (
        alt.Chart(whiskers)
        .mark_rule(strokeWidth=1.25)
        .encode(x=x, y=alt.Y("low:Q", scale=share), y2="high:Q", color=colour)
    )
    opens = _pieces(pieces, axis, y, colour)
    names = _names(labels, x, alt.Y("y:Q", scale=share), colour)
    return specification(alt.layer(area, edge, ends, opens, *names))


def _pieces(pieces: pd.DataFrame, axis: TimeAxis, y: alt.Y, colour: alt.Color) -> alt.Chart:
    drawn = alt.Chart(pieces).mark_rect(opacity=0.001)
    found: alt.Chart = drawn.encode(
        x=axis.channel("start"),
        x2="end:Q",
        y=y,
        y2="top:Q",
        color=colour,
        href=opens_traces(),
        tooltip=_tips("cause", "start", "end", "ended", "at_risk"),
    )
    return found


def _names(labels: pd.DataFrame, x: alt.X, y: alt.Y, colour: alt.Color) -> list[alt.Chart]:
    named = alt.Chart(labels).encode(x=x, y=y, text="label:N")
    is_rest = f"datum.cause == '{UNRESOLVED}'"
    return [
        named.transform_filter(f"!({is_rest})")
        .mark_text(align="left", dx=5, fontWeight="bold")
        .encode(color=colour),
        named.transform_filter(is_rest).mark_text(align="left", dx=5, color=INK_3),
    ]


def lines_chart(
    lines: pd.DataFrame,
    bands: pd.DataFrame,
    labels: pd.DataFrame,
    series: Mapping[str, str],
    axis: TimeAxis,
) -> dict[str, Any]:
    """Draw the share that one cause has ended, a line for each series.

    Args:
        lines: Columns time, series, share, low, high (0–100), at_risk, traces.
        bands: Columns time, series, low, high; empty where bands would hide each other.
        labels: Columns time, share, series, label.
        series: Colour of each series.
        axis: That of all panels.
    """
    x = axis.channel("time")
    colour = alt.Color(
        "series:N",
        scale=alt.Scale(domain=list(series), range=list(series.values())),
        legend=None,
    )
    most = max([*lines["share"], *bands["high"], *labels["share"], 1.0])
    scale = alt.Scale(domain=[0, min(100.0, most * 1.1)], nice=False)
    y = alt.Y("share:Q", scale=scale, axis=alt.Axis(title="% of traces"))
    band = (
        alt.Chart(bands)
        .mark_area(interpolate="step-after", opacity=0.16)
        .encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q", color=colour)
    )
    line = alt.Chart(lines).mark_line(interpolate="step-after").encode(x=x, y=y, color=colour)
    points = (
        alt.Chart(lines)
        .mark_point(filled=True, size=22, opacity=0.9)
        .encode(
            x=x,
            y=y,
            color=colour,
            href=opens_traces(),
            tooltip=_tips("series", "time", "share", "low", "high", "at_risk"),
        )
    )
    names = (
        alt.Chart(labels)
        .mark_text(align="left", dx=5, fontWeight="bold")
        .encode(x=x, y=alt.Y("at:Q", scale=scale), text="label:N", color=colour)
    )
    return specification(alt.layer(band, line, points, names))


def hazard_chart(
    bins: pd.DataFrame,
    curve: pd.DataFrame,
    colours: Mapping[str, str],
    axis: TimeAxis,
    *,
    unit: str,
    most: float,
    steps: Sequence[float] = (),
) -> dict[str, Any]:
    """Draw the hazard in bins with exact intervals, and a smooth curve for the eye.

    Args:
        bins: Columns start, end, middle, cause, hazard, low, high, events, at_risk, traces.
        curve: Columns time, cause, hazard.
        colours: Of the causes that are drawn.
        axis: That of all panels.
        unit: What the hazard is per.
        most: Where the axis ends; intervals of bins with little in them go on beyond.
        steps: Times at which the hazard steps to another level.
    """
    colour = _colour(colours, legend=len(colours) > 1)
    scale = alt.Scale(domain=[0, most], nice=False)
    y = alt.Y("hazard:Q", scale=scale, axis=alt.Axis(title=f"ends per {unit}"))
    middle = axis.channel("middle")
    base = alt.Chart(bins).encode(x=middle, color=colour, href=opens_traces())
    ends = base.mark_rule(opacity=0.45, clip=True).encode(
        y=alt.Y("low:Q", scale=scale), y2="high:Q"
    )
    tips = _tips("cause", "start", "end", "hazard", "low", "high", "events", "at_risk")
    dots = [
        base.transform_filter(f"datum.events {sign} {FEW}")
        .mark_point(filled=filled, size=34, clip=True)
        .encode(y=y, tooltip=tips)
        for sign, filled in ((">=", True), ("<", False))
    ]
    smooth = (
        alt.Chart(curve)
        .mark_line(strokeWidth=2, clip=True)
        .encode(x=axis.channel("time"), y=y, color=colour)
    )
    layers = [ends, *dots, smooth]
    if steps:
        marked = alt.Chart(pd.DataFrame({"time": list(steps)}))
        layers.append(
            marked.mark_rule(strokeDash=[4, 3], color=INK_3).encode(x=axis.channel("time"))
        )
    return specification(alt.layer(*layers))


def _colour(colours: Mapping[str, str], *, legend: bool = False) -> alt.Color:
    known = {**colours, UNRESOLVED: LINE}
    scale = alt.Scale(domain=list(known), range=list(known.values()))
    shown = alt.Legend(title=None, values=list(colours), offset=24) if legend else None
    return alt.Color("cause:N", scale=scale, legend=shown)


def _tips(*fields: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip(f"{field}:N")
        if field in ("cause", "series")
        else alt.Tooltip(f"{field}:Q", title=field.replace("_", " "), format=",.4~g")
        for field in fields
    ]
