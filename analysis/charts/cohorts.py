"""Cohorts drawn: tasks × models, stability by k, the spectrum, and rows with intervals."""

from typing import Any

import pandas as pd

from analysis.charts.theme import (
    ACCENT,
    EDGE,
    HUES,
    INK,
    INK_2,
    INK_3,
    PAPER,
    SEQUENTIAL,
    SPACED,
    TRACES,
    opens_traces,
    share_axis,
    specification,
)

TOLD = "told"
"""Column with what a mark says in words: its tooltip, and what screen readers say."""
_ROW, _LEAST = 15, 130
_HEAD = 34
FOUND, BINS, SHUFFLED = "cohorts", "difficulty bins", "shuffled outcomes"


def task_map(cells: pd.DataFrame, cohorts: pd.DataFrame, models: list[str]) -> dict[str, Any]:
    """Return tasks (along) × models (down) as a specification: the darker, the more fail.

    Args:
        cells: start, end (places of tasks), model, failed (share), told, traces.
        cohorts: start, middle, name: where each cohort begins, and what it is called.
        models: Names in the order of the rows.
    """
    import altair as alt

    last = float(cells["end"].max())
    scale = alt.Scale(domain=[0, last], nice=False)
    along = alt.Axis(
        title="tasks, by cohort, the hardest first", labels=False, ticks=False, grid=False
    )
    colour = alt.Color(
        "failed:Q",
        scale=alt.Scale(domain=[0, 1], range=list(SEQUENTIAL)),
        legend=_share_legend(),
    )
    drawn = (
        alt.Chart(cells)
        .mark_rect()
        .encode(
            x=alt.X("start:Q", scale=scale, axis=along),
            x2="end:Q",
            y=_of_models(models),
            color=colour,
            href=opens_traces(),
            **_said(),
        )
    )
    base = alt.Chart(cohorts)
    border = base.transform_filter("datum.start > 0").encode(
        x=alt.X("start:Q", scale=scale, axis=along)
    )
    layers = [
        drawn,
        border.mark_rule(color=PAPER, strokeWidth=4, tooltip=None),
        border.mark_rule(color=INK, strokeWidth=1.2, tooltip=None),
        base.mark_text(baseline="bottom", dy=-5, color=INK, fontSize=11, tooltip=None).encode(
            x=alt.X("middle:Q", scale=scale, axis=along), y=alt.value(0), text="name:N"
        ),
    ]
    height = max(_LEAST, _ROW * len(models))
    return specification(alt.layer(*layers), height=height)


def _of_models(models: list[str]) -> Any:
    import altair as alt

    return alt.Y(
        "model:N",
        sort=models,
        scale=alt.Scale(domain=models, padding=0),
        axis=alt.Axis(title=None, labelLimit=150, grid=False, ticks=False, labelFontSize=10),
    )


def stability(frame: pd.DataFrame, chosen: int | None) -> dict[str, Any]:
    """Return split-half agreement by number of groups, beside bins of difficulty and chance.

    Args:
        frame: k, what (`FOUND`, `BINS`, `SHUFFLED`), ari, low, high, told.
        chosen: The k that was taken.
    """
    import altair as alt

    kinds = [FOUND, BINS, SHUFFLED]
    x = alt.X("k:Q", axis=alt.Axis(title="groups", tickMinStep=1, format="d"), scale=_nice())
    title = "agreement of halves of the models (ARI)"
    y = alt.Y("ari:Q", axis=alt.Axis(title=title, format=".1f"), scale=_from(frame["low"]))
    scale = alt.Scale(domain=kinds, range=[ACCENT, HUES[0], INK_3])
    dashes = alt.Scale(domain=kinds, range=[[1, 0], [6, 3], [2, 3]])
    base = alt.Chart(frame).encode(
        x=x,
        color=alt.Color("what:N", scale=scale, legend=alt.Legend(title=None, offset=_HEAD)),
        strokeDash=alt.StrokeDash("what:N", scale=dashes, legend=None),
    )
    told = _said()
    spread = base.transform_filter(f"datum.what == '{FOUND}'").mark_rule(strokeWidth=1.5)
    layers = [
        base.mark_line(),
        spread.encode(y=alt.Y("low:Q", scale=_from(frame["low"])), y2="high:Q"),
        base.mark_point(filled=True, size=40, opacity=1).encode(y=y, **told),
    ]
    layers[0] = layers[0].encode(y=y)
    if chosen is not None:
        mark = alt.Chart(pd.DataFrame({"k": [chosen], "name": ["chosen"]}))
        layers.insert(0, mark.mark_rule(color=EDGE, strokeDash=[3, 3], tooltip=None).encode(x=x))
        named = mark.mark_text(align="left", dx=4, baseline="top", color=INK_2, tooltip=None)
        layers.append(named.encode(x=x, y=alt.value(0), text="name:N"))
    return specification(alt.layer(*layers))


def spectrum(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the residual spectrum as bars, and what difficulty alone would give as ticks.

    Args:
        frame: component (from 1), share, null, is_beyond, told.
    """
    import altair as alt

    x = alt.X("component:O", axis=alt.Axis(title="component", labelAngle=0, grid=False))
    axis = share_axis("share of what difficulty does not explain")
    base = alt.Chart(frame).encode(x=x)
    beyond = alt.condition("datum.is_beyond", alt.value(ACCENT), alt.value(EDGE))
    bars = base.mark_bar(size=22).encode(y=alt.Y("share:Q", axis=axis), color=beyond, **_said())
    null = base.mark_tick(color=INK, thickness=2, size=30, tooltip=None)
    return specification(alt.layer(bars, null.encode(y=alt.Y("null:Q", axis=axis))))


def _share_legend() -> Any:
    import altair as alt

    return alt.Legend(
        title="share failed", format=".0%", labelExpr=SPACED, gradientLength=160, offset=_HEAD
    )


def intervals(
    frame: pd.DataFrame, title: str, *, reference: float | None = None, style: str = ".0%"
) -> dict[str, Any]:
    """Return values with their intervals, one row each, as a specification.

    Args:
        frame: name, value, low, high, told in the order of the rows; `traces` where they open some.
        title: What the value is.
        reference: Where a line stands: no effect, or the mean.
        style: How the axis writes numbers.
    """
    import altair as alt

    names = list(dict.fromkeys(frame["name"]))
    ends = [frame["low"].min(), frame["high"].max(), frame["value"].min(), frame["value"].max()]
    ends += [] if reference is None else [reference]
    known = [float(end) for end in ends if end == end]
    scale = alt.Scale(domain=[min(known, default=0), max(known, default=1)], nice=True, zero=False)
    axis = share_axis(title, style=style)
    rows = alt.Y(
        "name:N", sort=names, axis=alt.Axis(title=None, labelLimit=230, grid=False, ticks=False)
    )
    said = {**_said(), **({"href": opens_traces()} if TRACES in frame else {})}
    base = alt.Chart(frame).encode(y=rows, **said)
    lines = base.mark_rule(color=INK_2, strokeWidth=1.5).encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=44, opacity=1).encode(
        x=alt.X("value:Q", scale=scale, axis=axis)
    )
    layers = [lines, points]
    if reference is not None:
        rule = alt.Chart(pd.DataFrame({"x": [reference]}))
        line = rule.mark_rule(color=EDGE, strokeDash=[4, 3], tooltip=None)
        layers.insert(0, line.encode(x=alt.X("x:Q", scale=scale, axis=axis)))
    return specification(alt.layer(*layers), height=max(60, (_ROW + 2) * len(names)))


def cohesion(frame: pd.DataFrame) -> dict[str, Any]:
    """Return variance within groups of models left out, against shuffled groups.

    Args:
        frame: model, within, expected, is_sure, told.
    """
    import altair as alt

    low = float(min(frame["within"].min(), frame["expected"].min()))
    ends = alt.Scale(domain=[low, 1], nice=True, zero=False)
    across = alt.Axis(title="groups shuffled among tasks of alike difficulty", format=".2f")
    up = alt.Axis(title="variance within groups, share of all", format=".2f")
    x, y = alt.X("expected:Q", scale=ends, axis=across), alt.Y("within:Q", scale=ends, axis=up)
    diagonal = pd.DataFrame({"expected": [low, 1], "within": [low, 1]})
    line = alt.Chart(diagonal).mark_line(color=EDGE, strokeDash=[4, 3], tooltip=None)
    sure = alt.condition("datum.is_sure", alt.value(ACCENT), alt.value(EDGE))
    points = alt.Chart(frame).mark_point(size=45, strokeWidth=2)
    return specification(
        alt.layer(line.encode(x=x, y=y), points.encode(x=x, y=y, color=sure, **_said()))
    )


def _said() -> dict[str, Any]:
    import altair as alt

    told = alt.Tooltip(f"{TOLD}:N", title=" ")
    return {"tooltip": told, "description": alt.Description(f"{TOLD}:N")}


def _nice() -> Any:
    import altair as alt

    return alt.Scale(zero=False, nice=False, padding=14)


def _from(low: "pd.Series[float]") -> Any:
    import altair as alt

    least = min(0.0, float(low.min()))
    return alt.Scale(domain=[least, 1.0] if least == 0 else [least - 0.02, 1.0], nice=False)
