"""Failure modes against signals drawn: a map of all pairs, and the surest with their intervals."""

from typing import Any

import pandas as pd

from analysis.charts.theme import (
    DIVERGING,
    EDGE,
    INK,
    INK_2,
    opens_traces,
    share_axis,
    specification,
)

TOLD = "told"
"""Column with what a mark says in words: its tooltip, and what screen readers say."""
_ROW = 26
_LEAST = 120


def heat_map(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the map of modes (rows) and signals (columns) as a specification.

    Colour is the strength from −1 to 1, white where there is no effect; a dot marks pairs that
    survive the correction for many tests, cells of too few traces are hollow.

    Args:
        frame: mode, signal, strength, is_sure, is_few, told, traces; one row a pair.
    """
    import altair as alt

    modes = list(dict.fromkeys(frame["mode"]))
    signals = list(dict.fromkeys(frame["signal"]))
    shown = frame.loc[~frame["is_few"], "strength"].abs()
    most = max(0.1, float(shown.max()) if len(shown) else 0.0)
    gap = alt.Scale(paddingInner=0.08)
    base = alt.Chart(frame).encode(
        x=alt.X(
            "signal:N",
            sort=signals,
            scale=gap,
            axis=alt.Axis(title=None, labelAngle=-40, labelLimit=150, grid=False, ticks=False),
        ),
        y=alt.Y(
            "mode:N",
            sort=modes,
            scale=gap,
            axis=alt.Axis(title=None, labelLimit=170, grid=False),
        ),
        href=opens_traces(),
        tooltip=alt.Tooltip(f"{TOLD}:N", title=" "),
        description=alt.Description(f"{TOLD}:N"),
    )
    scale = alt.Scale(domain=[-most, 0, most], range=_three(), interpolate="rgb")
    legend = alt.Legend(
        title=["with the signal less to more often,", "of numbers lower to higher"],
        titleLimit=420,
        gradientLength=240,
        format="+.1f",
    )
    colour = alt.Color("strength:Q", scale=scale, legend=legend)
    full = base.transform_filter("!datum.is_few").mark_rect()
    hollow = base.transform_filter("datum.is_few").mark_rect(
        fill="transparent", stroke=EDGE, strokeDash=[2, 2]
    )
    sure = base.transform_filter("datum.is_sure").mark_point(
        shape="circle", filled=True, size=30, opacity=1, color=INK
    )
    layers = alt.layer(full.encode(color=colour), hollow, sure)
    return specification(layers, height=max(_LEAST, _ROW * len(modes) + 20))


def effects(frame: pd.DataFrame, null: float, title: str) -> dict[str, Any]:
    """Return effects with their intervals, one row an association, as a specification.

    Args:
        frame: name, effect, low, high, is_few, told, traces, in the order of the rows.
        null: Where there is no effect.
        title: What the effect is.
    """
    import altair as alt

    names = list(dict.fromkeys(frame["name"]))
    # From the right end leftwards, so that a long title is not cut where the plot is narrow.
    style = "+.0%" if null == 0 else ".2f"
    axis = share_axis(title, style=style, titleAnchor="end", titleAlign="right")
    ends = (float(min(frame["low"].min(), null)), float(max(frame["high"].max(), null)))
    scale = alt.Scale(domain=list(ends), nice=True, zero=False)
    rows: Any = alt.Y(
        "name:N", sort=names, axis=alt.Axis(title=None, labelLimit=320, grid=False, ticks=False)
    )
    base = alt.Chart(frame).encode(
        y=rows,
        href=opens_traces(),
        tooltip=alt.Tooltip(f"{TOLD}:N", title=" "),
        description=alt.Description(f"{TOLD}:N"),
    )
    nothing = (
        alt.Chart(pd.DataFrame({"x": [null]}))
        .mark_rule(color=EDGE, strokeDash=[4, 3])
        .encode(x=alt.X("x:Q", scale=scale, axis=axis))
    )
    x = alt.X("effect:Q", scale=scale, axis=axis)
    lines = base.mark_rule(color=INK_2, strokeWidth=1.5).encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=60, opacity=1).encode(x=x)
    return specification(alt.layer(nothing, lines, points), height=max(_LEAST, _ROW * len(names)))


def _three() -> list[str]:
    return [DIVERGING[0], DIVERGING[len(DIVERGING) // 2], DIVERGING[-1]]
