"""Charts of what the first tokens tell of failures, and of what is skipped as certain."""

from typing import Any

import altair as alt
import pandas as pd

from analysis.charts.theme import (
    ACCENT,
    DIVERGING,
    EDGE,
    HUES,
    INK_2,
    INK_3,
    opens_traces,
    share_axis,
    specification,
)

READINGS = {"committed": HUES[0], "persistent": HUES[1], "unclear": INK_3}
_SHAPES = {"committed": "triangle-left", "persistent": "triangle-right", "unclear": "circle"}
LENGTH = "length alone"
"""The line whose name stands on the left, so that it does not cover another's."""
_ROW = 34
_CELL = 26


def _windows(title: str = "first tokens") -> alt.X:
    axis = alt.Axis(title=title, labelAngle=0, format=",d")
    return alt.X("window:O", axis=axis, scale=alt.Scale(paddingOuter=0.3))


def windows_chart(
    points: pd.DataFrame, full: pd.DataFrame, levels: pd.DataFrame, commitment: pd.DataFrame
) -> dict[str, Any]:
    """Draw PR-AUC by window with its band, all tokens as the reference, and the commitment point.

    Args:
        points: Columns window, value, low, high, label, traces.
        full: One row: value, low, high.
        levels: Lines across: value, label (all tokens, chance, length alone).
        commitment: Columns window, value, label; no row where there is no commitment point.
    """
    y = alt.Y("value:Q", scale=alt.Scale(zero=False), axis=alt.Axis(title="PR-AUC", format=".2f"))
    band = (
        alt.Chart(full).mark_rect(opacity=0.12, color=INK_2).encode(y=alt.Y("low:Q"), y2="high:Q")
    )
    across = (
        alt.Chart(levels)
        .mark_rule(strokeWidth=1.2)
        .encode(y=y, strokeDash=alt.StrokeDash("label:N", legend=None), color=alt.value(INK_2))
    )
    is_length = levels["label"] == LENGTH
    names = [
        alt.Chart(levels[~is_length])
        .mark_text(align="right", dy=-6, color=INK_2)
        .encode(y=y, x=alt.value("width"), text="label:N"),
        alt.Chart(levels[is_length])
        .mark_text(align="left", dy=-6, color=INK_2)
        .encode(y=y, x=alt.value(2), text="label:N"),
    ]
    base = alt.Chart(points).encode(x=_windows())
    is_one = points["window"].nunique() < 2  # an area of one point is nothing to see
    shape = (
        base.mark_rule(strokeWidth=2, color=ACCENT)
        if is_one
        else base.mark_area(opacity=0.18, color=ACCENT)
    )
    interval = shape.encode(y=alt.Y("low:Q"), y2="high:Q")
    line = base.mark_line(color=ACCENT, strokeWidth=2).encode(y=y)
    marks = base.mark_point(color=ACCENT, filled=True, size=46).encode(
        y=y, href=opens_traces(), tooltip=["window", "value", "low", "high", "label"]
    )
    layers = [band, across, *names, interval, line, marks]
    if len(commitment):
        layers.extend(_commitment(commitment, y))
    return specification(alt.layer(*layers))


def _commitment(rows: pd.DataFrame, y: alt.Y) -> list[alt.Chart]:
    base = alt.Chart(rows).encode(x=_windows(), y=y)
    ring = base.mark_point(size=190, strokeWidth=2, color=ACCENT)
    name = base.mark_text(dy=-16, fontWeight="bold", color=ACCENT).encode(text="label:N")
    return [ring, name]


def differences_chart(rows: pd.DataFrame, title: str) -> dict[str, Any]:
    """Draw differences with intervals around 0, one line of marks each.

    Args:
        rows: Columns name, value, low, high, verdict, traces, in the order to draw.
        title: What the difference is.
    """
    low, high = float(rows["low"].min()), float(rows["high"].max())
    room = 0.5 * max(high - low, 0.01)  # for the words at the right ends
    scale = alt.Scale(domain=[min(low, 0.0), max(high, 0.0) + room], nice=True)
    x = alt.X("value:Q", axis=alt.Axis(title=title, format="+.2f"), scale=scale)
    y = alt.Y("name:N", sort=None, axis=alt.Axis(title=None, labelLimit=220))
    none = alt.Chart(pd.DataFrame({"value": [0]})).mark_rule(color=EDGE).encode(x="value:Q")
    base = alt.Chart(rows).encode(y=y, color=_verdict())
    ends = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q")
    tips = ["name", "value", "low", "high", "verdict"]
    marks = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=x, href=opens_traces(), tooltip=tips
    )
    words = base.mark_text(align="left", dx=6).encode(x=alt.X("high:Q"), text="verdict:N")
    height = _ROW * (len(rows) + 1)
    return specification(alt.layer(none, ends, marks, words), height=height)


def _verdict() -> alt.Color:
    hues = {
        "committed": HUES[0],
        "near committed": HUES[8],
        "full better": HUES[1],
        "persistent": HUES[1],
        "ambiguous": INK_2,
        "undecided": INK_2,
    }
    scale = alt.Scale(domain=list(hues), range=list(hues.values()))
    return alt.Color("verdict:N", scale=scale, legend=None)


def features_chart(cells: pd.DataFrame, chance: float) -> dict[str, Any]:
    """Draw PR-AUC of each feature alone over the spans as a grid, around that of chance.

    Args:
        cells: Columns feature, span (in the order to draw), value, label.
        chance: The base rate.
    """
    spread = max(float((cells["value"] - chance).abs().max()), 0.01) if len(cells) else 0.01
    steps = len(DIVERGING) - 1
    stops = [chance + spread * (2 * place / steps - 1) for place in range(steps + 1)]
    scale = alt.Scale(domain=stops, range=list(DIVERGING), interpolate="lab")
    base = alt.Chart(cells).encode(
        x=alt.X("span:N", sort=None, axis=alt.Axis(title="first tokens", labelAngle=0, grid=False)),
        y=alt.Y("feature:N", sort=None, axis=alt.Axis(title=None, labelLimit=200, grid=False)),
    )
    grid = base.mark_rect().encode(
        color=alt.Color("value:Q", scale=scale, legend=None), tooltip=["feature", "span", "label"]
    )
    far = abs(cells["value"] - chance) > 0.72 * spread
    figures = [
        alt.Chart(own)
        .mark_text(color=colour)
        .encode(x=base.encoding.x, y=base.encoding.y, text=alt.Text("value:Q", format=".2f"))
        for own, colour in ((cells[far], "#ffffff"), (cells[~far], "#1c1b1f"))
    ]
    height = max(_CELL * cells["feature"].nunique(), 3 * _CELL)
    return specification(alt.layer(grid, *figures), height=height)


def traces_chart(points: pd.DataFrame) -> dict[str, Any]:
    """Draw failed traces by how far the first tokens and all tokens single them out.

    Args:
        points: Columns early, full, reading, probability, trace, traces.
    """
    ends = pd.DataFrame({"early": [0, 1], "full": [0, 1]})
    x = alt.X("full:Q", scale=alt.Scale(domain=[0, 1]), axis=_share("outranks, by all tokens"))
    y = alt.Y(
        "early:Q", scale=alt.Scale(domain=[0, 1]), axis=_share("outranks, by the first tokens")
    )
    line = alt.Chart(ends).mark_line(color=EDGE, strokeDash=[4, 3]).encode(x=x, y=y)
    colours = alt.Scale(domain=list(READINGS), range=list(READINGS.values()))
    shapes = alt.Scale(domain=list(_SHAPES), range=list(_SHAPES.values()))
    legend = alt.Legend(title=None, offset=26)
    marks = (
        alt.Chart(points)
        .mark_point(size=44, opacity=0.8)
        .encode(
            x=x,
            y=y,
            color=alt.Color("reading:N", scale=colours, legend=legend),
            shape=alt.Shape("reading:N", scale=shapes, legend=legend),
            href=opens_traces(),
            tooltip=["trace", "reading", "probability", "early", "full"],
        )
    )
    return specification(alt.layer(line, marks), height=300)


def _share(title: str) -> alt.Axis:
    return share_axis(title, style="%")


def triage_chart(points: pd.DataFrame, chance: pd.DataFrame) -> dict[str, Any]:
    """Draw the share of failures kept over the share of items skipped, a line a score.

    Args:
        points: Columns share, recall, low, high, score.
        chance: Columns share, recall: skipping at random.
    """
    x = alt.X("share:Q", axis=_share("items skipped, most certain first"))
    y = alt.Y("recall:Q", axis=_share("wrong majorities kept"), scale=alt.Scale(domain=[0, 1]))
    random = (
        alt.Chart(chance)
        .mark_line(color=INK_2, strokeDash=[4, 3], strokeWidth=1.4)
        .encode(x=x, y=y)
    )
    said = (
        alt.Chart(chance.tail(1))
        .mark_text(align="right", dx=-4, dy=-6, color=INK_2)
        .encode(x=x, y=y, text=alt.value("at random"))
    )
    names = list(dict.fromkeys(points["score"]))
    colour = alt.Color(
        "score:N",
        scale=alt.Scale(domain=names, range=list(HUES[: len(names)])),
        legend=alt.Legend(title=None, offset=26, symbolType="stroke", symbolOpacity=1),
    )
    base = alt.Chart(points).encode(x=x, color=colour)
    bands = base.mark_area(opacity=0.1).encode(y=alt.Y("low:Q"), y2="high:Q")
    lines = base.mark_line(strokeWidth=2).encode(y=y)
    tips = ["score", "share", "recall", "low", "high"]
    marks = base.mark_point(filled=True, size=26).encode(y=y, tooltip=tips)
    return specification(alt.layer(bands, random, said, lines, marks), height=260)
