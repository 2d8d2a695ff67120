"""Charts of how much traces say for their length."""

import math
from typing import Any

import altair as alt
import pandas as pd

from analysis.charts.theme import (
    ACCENT,
    EDGE,
    HEIGHT,
    INK_2,
    OUTCOME_SHAPES,
    OUTCOMES,
    TRACES,
    opens_traces,
    outcome_colour,
    share_axis,
    specification,
    token_axis,
)

_TARGET = "transparent"
"""Fill of hollow marks: with none, only their outline could be clicked."""
FEW = 20
"""Traces below which a point is drawn hollow."""
_ROW = 46
"""Pixels of one outcome among distributions."""
_GROUP = 19
_FEWEST_ROWS = 4
_NARROW = 15
"""Times its lower end, up to which an axis is too narrow for 1, 3, 10."""
_LINE = 14
"""Pixels of one group, and of one line of text."""


def populations_chart(
    points: pd.DataFrame,
    lines: pd.DataFrame,
    value_title: str,
    *,
    is_log: bool,
    tokens: tuple[float, float],
    values: tuple[float, float],
    height: int = 300,
) -> dict[str, Any]:
    """Draw traces by tokens and another measure, outcomes by colour and shape.

    Args:
        points: Columns tokens, value, outcome, n (traces of the mark), traces.
        lines: Columns outcome, tokens, value: two points of each outcome's line.
        value_title: What the second measure is, with its unit.
        is_log: Whether that has a logarithmic axis.
        tokens: Smallest and largest count of all panels.
        values: Smallest and largest value of all panels.
        height: Pixels.
    """
    x = alt.X("tokens:Q", scale=_log(tokens), axis=_tokens(*tokens))
    scale = _log(values) if is_log else alt.Scale(domain=list(values), zero=False, nice=True)
    y = alt.Y("value:Q", scale=scale, axis=_measure(value_title, values, is_log=is_log))
    present = [outcome for outcome in OUTCOMES if outcome in set(points["outcome"])]
    legend = alt.Legend(title=None, values=present, symbolStrokeWidth=1.5, offset=34)
    marks = (
        alt.Chart(points)
        .mark_point(opacity=0.6, strokeWidth=1.1, clip=True, fill=_TARGET)
        .encode(
            x=x,
            y=y,
            size=_size(points),
            color=outcome_colour(legend=legend),
            shape=_shape(legend),
            href=opens_traces(),
            tooltip=_tips("outcome", "tokens", "value", "n"),
        )
    )
    fits = (
        alt.Chart(lines)
        .mark_line(strokeWidth=2, clip=True)
        .encode(x=x, y=y, color=outcome_colour(legend=legend))
    )
    return specification(alt.layer(marks, fits) if len(lines) else alt.layer(marks), height=height)


def _size(points: pd.DataFrame) -> Any:
    """One size for single traces; more area for more traces of a cell."""
    if (points["n"] > 1).any():
        return alt.Size("n:Q", scale=alt.Scale(range=[12, 220]), legend=None)
    return alt.value(20)


def _shape(legend: alt.Legend) -> alt.Shape:
    scale = alt.Scale(domain=list(OUTCOME_SHAPES), range=list(OUTCOME_SHAPES.values()))
    return alt.Shape("outcome:N", scale=scale, legend=legend)


def along_chart(
    points: pd.DataFrame, value_title: str, *, x_title: str, kind: str, is_log: bool = False
) -> dict[str, Any]:
    """Draw medians with intervals along an axis, a line for each outcome.

    Args:
        points: Columns x, group (what x is called), value, low, high, outcome, n, traces.
        value_title: What the medians are of.
        x_title: What the axis is.
        kind: Of the axis: `tokens` (logarithmic), `number` or `name` (in the order of rows).
        is_log: Whether the medians have a logarithmic axis.
    """
    spread = _span(points["x"]) if kind == "tokens" else (1.0, 1.0)
    levels = _span(points["low"], points["high"])
    x = {
        "tokens": alt.X("x:Q", scale=_log(spread), axis=_tokens(*spread)),
        "number": alt.X("x:Q", scale=alt.Scale(zero=False), title=x_title),
        "name": alt.X("x:N", sort=None, axis=alt.Axis(title=x_title, labelAngle=-20)),
    }[kind]
    scale = _log(levels) if is_log else alt.Scale(zero=False)
    y = alt.Y("value:Q", scale=scale, axis=_measure(value_title, levels, is_log=is_log))
    base = alt.Chart(points).encode(x=x, color=outcome_colour(), href=opens_traces())
    ends = base.mark_rule(opacity=0.6).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q")
    line = alt.Chart(points).mark_line(opacity=0.7).encode(x=x, y=y, color=outcome_colour())
    tips = _tips("outcome", "group", "value", "low", "high", "n")
    layers = [line, ends, *_filled_or_hollow(base.encode(y=y, tooltip=tips))]
    names = (
        alt.Chart(_apart(points, levels, is_log=is_log))
        .mark_text(align="left", dx=8, fontWeight="bold")
        .encode(x=x, y=alt.Y("label_at:Q", scale=scale), text="outcome:N", color=outcome_colour())
    )
    return specification(alt.layer(*layers, names))


def distributions_chart(
    bars: pd.DataFrame, rows: pd.DataFrame, title: str, *, is_log: bool
) -> dict[str, Any]:
    """Draw the histograms of one measure, each outcome on a line of its own.

    Args:
        bars: Columns low, high, base and top (of the line), outcome, n, traces.
        rows: Columns base, outcome, label, middle (the median).
        title: What the measure is.
        is_log: Whether it has a logarithmic axis.
    """
    ends = _span(bars["low"], bars["high"])
    scale = _log(ends) if is_log else alt.Scale(domain=list(ends), zero=False, nice=False)
    axis = _tokens(*ends) if title == "tokens" else _measure(title, ends, is_log=is_log)
    height = alt.Scale(domain=[0, float(len(rows))])
    y = alt.Y("base:Q", scale=height, axis=None)
    drawn = (
        alt.Chart(bars)
        .mark_rect(opacity=0.75)
        .encode(
            x=alt.X("low:Q", scale=scale, axis=axis),
            x2="high:Q",
            y=y,
            y2="top:Q",
            color=outcome_colour(),
            href=opens_traces(),
            tooltip=_tips("outcome", "low", "high", "n"),
        )
    )
    labelled = alt.Chart(rows).encode(y=alt.Y("label_at:Q", scale=height, axis=None))
    names = labelled.mark_text(align="left", x=2, fontWeight="bold").encode(
        text="label:N", color=outcome_colour()
    )
    middles = (
        alt.Chart(rows)
        .mark_rule(strokeWidth=2, color=INK_2)
        .encode(x=alt.X("middle:Q", scale=scale), y=y, y2="top:Q")
    )
    return specification(alt.layer(drawn, middles, names), height=_ROW * len(rows))


def budget_chart(bins: pd.DataFrame, cap: pd.DataFrame, overall: float) -> dict[str, Any]:
    """Draw accuracy by tokens, and where a cap would stop.

    Args:
        bins: Columns low, high, middle, accuracy, least and most (of the interval), n, traces.
        cap: Columns tokens and label; no row where there is none.
        overall: Accuracy of all traces.
    """
    spread = _span(bins["low"], bins["high"])
    scale, axis = _log(spread), _tokens(*spread)
    x = alt.X("middle:Q", scale=scale, axis=axis)
    share = alt.Scale(domain=[0, 1])
    y = alt.Y("accuracy:Q", scale=share, axis=share_axis("correct"))
    base = alt.Chart(bins).encode(href=opens_traces())
    wide = base.mark_rule(strokeWidth=3, color=ACCENT, opacity=0.35).encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q", y=y
    )
    ends = base.mark_rule(color=ACCENT).encode(x=x, y=alt.Y("least:Q", scale=share), y2="most:Q")
    tips = _tips("low", "high", "accuracy", "least", "most", "n")
    points = _filled_or_hollow(base.encode(x=x, y=y, tooltip=tips))
    level = (
        alt.Chart(pd.DataFrame({"y": [overall]}))
        .mark_rule(strokeDash=[2, 3])
        .encode(y=alt.Y("y:Q", scale=share))
    )
    layers = [level, wide, ends, *points]
    if len(cap):
        at = alt.X("tokens:Q", scale=scale, axis=axis)
        layers.append(alt.Chart(cap).mark_rule(strokeDash=[5, 3], color=INK_2).encode(x=at))
        layers.append(
            alt.Chart(cap)
            .mark_text(align="right", dx=-5, y=8, color=INK_2)
            .encode(x=at, text="label:N")
        )
    return specification(alt.layer(*layers))


def groups_chart(groups: pd.DataFrame, title: str, cut: float) -> dict[str, Any]:
    """Draw one delta of each group with its interval, a line for each group.

    Args:
        groups: Columns group, pattern, value, low, high, n, traces, in the order of lines.
        title: What the delta is of.
        cut: Where a pattern begins.
    """
    scale = alt.Scale(domain=[-1, 1], nice=False)
    x = alt.X("value:Q", scale=scale, title=title)
    y = alt.Y("group:N", sort=None, axis=alt.Axis(title=None, labelLimit=210, grid=False))
    base = alt.Chart(groups).encode(y=y, href=opens_traces())
    ends = base.mark_rule().encode(x=alt.X("low:Q", scale=scale, title=title), x2="high:Q")
    points = _filled_or_hollow(
        base.encode(x=x, tooltip=_tips("group", "pattern", "value", "low", "high", "n"))
    )
    rules = [
        alt.Chart(pd.DataFrame({"at": [at]}))
        .mark_rule(strokeDash=dash, color=EDGE)
        .encode(x=alt.X("at:Q", scale=scale, title=title))
        for at, dash in ((0.0, [1, 0]), (cut, [4, 3]))
    ]
    height = max(_FEWEST_ROWS, len(groups)) * _GROUP
    return specification(alt.layer(*rules, ends, *points), height=height)


def _filled_or_hollow(base: alt.Chart) -> list[alt.Chart]:
    return [
        base.transform_filter(f"datum.n >= {FEW}").mark_point(filled=True, size=46),
        base.transform_filter(f"datum.n < {FEW}").mark_point(filled=False, size=46, fill=_TARGET),
    ]


def _span(*columns: "pd.Series[float]") -> tuple[float, float]:
    values = pd.concat([column.astype(float) for column in columns])
    return (float(values.min()), float(values.max())) if len(values) else (1.0, 10.0)


def _tokens(low: float, high: float) -> alt.Axis:
    return token_axis("tokens", values=_ticks(low, high))


def _measure(title: str, ends: tuple[float, float], *, is_log: bool) -> alt.Axis:
    if is_log:
        return alt.Axis(title=title, format="~s", values=_ticks(*ends))
    return alt.Axis(title=title, format=".2~f")


def _ticks(low: float, high: float) -> list[float]:
    """1, 3, 10, 30 … between two ends; the powers alone over four of them, more below one."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps: tuple[int, ...] = (1,) if last - first > 4 else (1, 3)
    if high < _NARROW * low:
        steps = (1, 2, 3, 5)
    ticks = [step * 10.0**power for power in range(first, last + 1) for step in steps]
    return [tick for tick in ticks if low <= tick <= high]


def _apart(points: pd.DataFrame, ends: tuple[float, float], *, is_log: bool) -> pd.DataFrame:
    """The last point of each outcome, with a place for its name beside no other name."""
    last = points.groupby("outcome", sort=False).tail(1).sort_values("value")
    change, back = (math.log, math.exp) if is_log else (float, float)
    room = (change(ends[1]) - change(ends[0])) * _LINE / HEIGHT
    places: list[float] = []
    for value in last["value"]:
        wanted = change(value)
        places.append(max(wanted, places[-1] + room) if places else wanted)
    return last.assign(label_at=[back(place) for place in places])


def _log(ends: tuple[float, float]) -> alt.Scale:
    return alt.Scale(type="log", domain=list(ends), nice=False)


def _tips(*fields: str) -> list[alt.Tooltip]:
    texts = ("outcome", "group", "pattern")
    return [
        alt.Tooltip(f"{field}:N") if field in texts else alt.Tooltip(f"{field}:Q", format=",.4~g")
        for field in fields
        if field != TRACES
    ]
