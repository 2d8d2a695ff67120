"""How every chart looks: colours by name of a CSS token, axes, type, size; and charts as specs.

A colour is written as the token that pages use ("var(--correct)"). A browser puts in what the
token is in light or dark; `painted` puts in fixed values for files.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

LARGEST = 20_000
"""Rows a chart may draw; bin what has more."""
HEIGHT = 220
"""Pixels, where a chart says nothing else; its width is that of its place."""
TRACES = "traces"
"""Column of a chart's frame with the URL of the traces behind each mark; empty: no link."""

INK, INK_2, INK_3 = "var(--ink)", "var(--ink-2)", "var(--ink-3)"
LINE, EDGE, PAPER, ACCENT = "var(--line)", "var(--edge)", "var(--paper)", "var(--accent)"
OUTCOMES: Mapping[str, str] = {
    "correct": "var(--correct)",
    "incorrect": "var(--incorrect)",
    "invalid": "var(--invalid)",
    "truncated": "var(--truncated)",
    "unknown": "var(--unknown)",
}
OUTCOME_SHAPES: Mapping[str, str] = {
    "correct": "circle",
    "incorrect": "cross",
    "invalid": "diamond",
    "truncated": "triangle-right",
    "unknown": "square",
}
HUES = tuple(f"var(--hue-{number})" for number in range(1, 13))
"""For series that are neither outcomes nor modes, in this order."""
SEQUENTIAL = ("#f3efe2", "#c9dccb", "#8fc0b5", "#4f9da6", "#27739a", "#1c4a83", "#172a5a")
"""From little to much: even steps of lightness, told apart by every kind of colour vision."""
DIVERGING = ("#8c4a06", "#c98a3d", "#ecd3ab", "#f4f2ec", "#b5cfe3", "#5a93bd", "#1d5486")
"""From below through nothing to above."""

_LIGHT = {
    "--ink": "#1c1b1f",
    "--ink-2": "#55545c",
    "--ink-3": "#696870",
    "--line": "#e4e1da",
    "--edge": "#8d8b86",
    "--paper": "#ffffff",
    "--surface": "#ffffff",
    "--sunken": "#f4f2ec",
    "--accent": "#2b5bd0",
    "--correct": "#17714a",
    "--incorrect": "#b3261e",
    "--invalid": "#7a4d9e",
    "--truncated": "#8a5a00",
    "--unknown": "#696870",
    "--hue-1": "#c56d11",
    "--hue-2": "#2e7698",
    "--hue-3": "#6a916c",
    "--hue-4": "#901959",
    "--hue-5": "#4c33b9",
    "--hue-6": "#7e561b",
    "--hue-7": "#411502",
    "--hue-8": "#203578",
    "--hue-9": "#9473dc",
    "--hue-10": "#6e0741",
    "--hue-11": "#444808",
    "--hue-12": "#47999b",
}
_FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif'
_AXIS: dict[str, Any] = {
    "domain": False,
    "grid": True,
    "gridColor": LINE,
    "labelColor": INK_2,
    "labelFontSize": 11,
    "tickColor": EDGE,
    "tickSize": 4,
    "titleColor": INK_2,
    "titleFontSize": 12,
    "titleFontWeight": "normal",
    "titlePadding": 8,
}
_CONFIG: dict[str, Any] = {
    "axis": _AXIS,
    "axisX": {"domain": True, "domainColor": EDGE, "tickCount": 6},
    "axisY": {"grid": False, "ticks": False, "tickCount": 5, "titleAlign": "left", "titleAngle": 0}
    | {"titleX": 0, "titleY": -14, "titleBaseline": "bottom"},
    "font": _FONT,
    "header": {"labelColor": INK, "labelFontWeight": "bold", "labelAnchor": "start"},
    "legend": {"labelColor": INK_2, "titleColor": INK_2, "titleFontWeight": "normal"}
    | {"labelFontSize": 11, "titleFontSize": 12, "symbolType": "circle"}
    | {"orient": "top", "offset": 22},
    "line": {"strokeWidth": 1.75, "color": ACCENT},
    "area": {"opacity": 0.28},
    "bar": {"color": ACCENT},
    "point": {"size": 36, "strokeWidth": 1.5, "color": ACCENT, "filled": False},
    "rule": {"color": EDGE},
    "text": {"color": INK_2, "fontSize": 11},
    "range": {
        "category": list(HUES),
        "heatmap": list(SEQUENTIAL),
        "ramp": list(SEQUENTIAL),
        "ordinal": list(SEQUENTIAL),
        "diverging": list(DIVERGING),
    },
    "title": {"color": INK, "anchor": "start", "fontSize": 13},
    "view": {"stroke": None},
}


def specification(chart: "alt.TopLevelMixin", *, height: int = HEIGHT) -> dict[str, Any]:
    """Return a chart as the Vega-Lite specification that pages and files draw.

    Charts of one view (layers, too) take the width of their place and `height` pixels. Marks whose
    frame has a column `traces` open them: encode it with `opens_traces`.

    Raises:
        ValueError: The chart would draw more than `LARGEST` rows.
    """
    import altair as alt

    with alt.data_transformers.disable_max_rows():
        # Parts are compared with the schema as they are made; to compare them all once more would
        # take longer than everything else.
        spec: dict[str, Any] = chart.to_dict(validate=False)
    rows = max((len(rows) for rows in spec.get("datasets", {}).values()), default=0)
    if rows > LARGEST:
        raise ValueError(f"{rows:,} rows are too many to draw: bin them to {LARGEST:,}")
    spec["config"] = _CONFIG
    spec["background"] = None
    if "mark" in spec or "layer" in spec:
        spec |= {"width": "container", "height": spec.get("height", height)}
        spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec


def opens_traces() -> "alt.Href":
    """Return the channel by which a mark opens the traces behind it: `href=opens_traces()`."""
    import altair as alt

    return alt.Href(f"{TRACES}:N")


def outcome_colour(field: str = "outcome", **options: Any) -> "alt.Color":
    """Return the colour channel of outcomes: theirs everywhere, with no legend of its own.

    Draw the outcome's shape or name beside it, for colour alone says nothing to some.
    """
    import altair as alt

    scale = alt.Scale(domain=list(OUTCOMES), range=list(OUTCOMES.values()))
    return alt.Color(f"{field}:N", scale=scale, **{"legend": None, **options})


def log_ticks(low: float, high: float) -> list[float]:
    """Return where an axis on a log scale has its ticks: 1, 3, 10, 30 … from `low` to `high`.

    Of more than four decades, the powers of ten alone. Empty for a span without a positive end.
    """
    low = max(low, 1e-12)
    if high <= low:
        return []
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = (1, 3) if last - first <= 4 else (1,)
    ticks = [step * 10.0**power for power in range(first, last + 1) for step in steps]
    return [tick for tick in ticks if low <= tick <= high]


def token_axis(
    title: str = "completion tokens", *, span: tuple[float, float] | None = None, **options: Any
) -> "alt.Axis":
    """Return an axis of token counts: 300, 1k, 10k.

    Args:
        title: What is counted.
        span: The smallest and the largest value, where the scale is logarithmic.
        **options: Further properties of the axis.
    """
    import altair as alt

    if span is not None and (ticks := log_ticks(*span)):
        options = {"values": ticks, **options}
    count = "datum.value >= 1000 ? format(datum.value / 1000, ',~r') + 'k' : datum.label"
    return alt.Axis(title=title, labelExpr=count, labelOverlap="greedy", **options)


SPACED = "replace(datum.label, '%', '\\u00a0%')"
"""Label of a tick that stands apart from its percent sign, as everywhere on the page."""


def share_axis(title: str, *, style: str = ".0%", **options: Any) -> "alt.Axis":
    """Return an axis of shares: 0 %, 50 %, 100 %; `style` is how d3 writes the number."""
    import altair as alt

    return alt.Axis(title=title, format=style, labelExpr=SPACED, **options)


def painted(spec: Mapping[str, Any], *, width: int) -> dict[str, Any]:
    """Return a specification with the light colours put in and no links, for files.

    Args:
        spec: From `specification`.
        width: Pixels of the whole chart, where its specification leaves that to its place.
    """
    found: dict[str, Any] = _painted(dict(spec))
    if found.get("width") == "container":
        found |= {"width": width, "autosize": {"type": "fit", "contains": "padding"}}
    return found


def _painted(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: part if key in ("datasets", "values") else _painted(part)
            for key, part in value.items()
            if key != "href"
        }
    if isinstance(value, list):
        return [_painted(part) for part in value]
    if isinstance(value, str) and value.startswith("var("):
        return _LIGHT.get(value[4:-1], value)
    return value
