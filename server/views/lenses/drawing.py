"""Charts as pictures and pages that need no browser: SVG from Vega-Lite, put together by templates.

Nothing of the SVG is written here; `vl_convert` escapes what data brings along.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from analysis.charts.theme import painted
from server.render import drawing
from server.views.lenses.base import Figure, Panel

WIDE, NARROW = 760, 372
"""Pixels of a chart that stands alone, and of one of several beside each other."""
_GAP, _HEAD, _LINE = 16, 24, 18
_LETTERS = 118
"""Letters of a caption's line across a picture."""
_SIZE = re.compile(r'^<svg[^>]*? width="([\d.]+)" height="([\d.]+)"')
_IDS = re.compile(r'(\bid="|url\(#|href="#)')


@dataclass(frozen=True)
class Drawn:
    """A picture, and how large it is."""

    svg: Markup
    width: float
    height: float


@dataclass(frozen=True)
class Placed:
    """A picture or a line of text in a larger picture."""

    x: float
    y: float
    text: str = ""
    note: str = ""
    role: str = ""
    drawn: Drawn | None = None


@dataclass(frozen=True)
class Sheet:
    """Everything of an answer on one picture."""

    width: float
    height: float
    parts: tuple[Placed, ...]


def drawn(spec: Mapping[str, Any], width: int, number: int = 0) -> Drawn:
    """Draw a specification in the light colours.

    Args:
        spec: From `analysis.charts.theme.specification`.
        width: Pixels, where the chart is as wide as its place.
        number: Tells the pictures of one page apart.
    """
    svg = _converted(json.dumps(painted(spec, width=width), default=str, sort_keys=True))
    size = _SIZE.match(svg)
    wide, high = (float(size[1]), float(size[2])) if size else (float(width), 0.0)
    named = _IDS.sub(rf"\g<1>c{number}-", svg)
    return Drawn(drawing(named), wide, high)


@lru_cache(maxsize=64)
def _converted(spec: str) -> str:
    import vl_convert  # a tenth of a second, which only pictures need

    # A specification may come from somebody's archive: it fetches nothing.
    return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))


def png_of(svg: bytes) -> bytes:
    """Return a picture as PNG, twice as fine as a screen's pixels."""
    import vl_convert

    return bytes(vl_convert.svg_to_png(svg.decode(), scale=2.0))


def picture(panel: Panel) -> bytes:
    """Return one chart as an SVG file."""
    return drawn(panel.spec, WIDE).svg.encode()


def drawn_panels(figures: Sequence[Figure]) -> dict[str, list[tuple[Panel, Drawn]]]:
    """Return the panels of each figure with their pictures, by the figure's name."""
    found: dict[str, list[tuple[Panel, Drawn]]] = {}
    number = 0
    for figure in figures:
        own = found.setdefault(figure.name, [])
        width = NARROW if len(figure.parts) > 1 else WIDE
        for panel in figure.parts:
            own.append((panel, drawn(panel.spec, width, number)))
            number += 1
    return found


def sheet(figures: Sequence[Figure]) -> Sheet:
    """Lay out every figure below the other: title, panels two a row, caption."""
    panels = drawn_panels(figures)
    parts: list[Placed] = []
    x, y, width = float(_GAP), float(_GAP), float(WIDE)
    for figure in figures:
        if not panels[figure.name]:
            continue
        parts.append(Placed(x, y + _LINE, figure.title, role="title"))
        placed, y = _rows(panels[figure.name], x, y + _HEAD + 4)
        parts.extend(placed)
        width = max([width, *(p.x + p.drawn.width for p in placed if p.drawn)])
        for line in _lines(figure.caption):
            parts.append(Placed(x, y + _LINE - 4, line, role="caption"))
            y += _LINE
        y += _GAP
    return Sheet(width + 2 * _GAP, y, tuple(parts))


def _rows(
    panels: Sequence[tuple[Panel, Drawn]], left: float, top: float
) -> tuple[list[Placed], float]:
    found: list[Placed] = []
    for start in range(0, len(panels), 2):
        row, x, heights = panels[start : start + 2], left, [0.0]
        for panel, picture in row:
            head = _HEAD if panel.title else 0
            if head:
                found.append(Placed(x, top + 14, panel.title, panel.note, role="panel"))
            found.append(Placed(x, top + head, drawn=picture))
            heights.append(head + picture.height)
            x += max(picture.width, NARROW) + _GAP
        top += max(heights) + _GAP
    return found, top


def _lines(text: str) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + len(word) < _LETTERS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
