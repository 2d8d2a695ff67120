"""Cells of a surface as columns in isometric projection: faces, lines and words with places."""

import math
from dataclasses import dataclass

import pandas as pd

from analysis.charts.theme import SEQUENTIAL, TRACES
from analysis.percentages import percent
from analysis.surface.cells import Surface, X, Y

_ACROSS, _DOWN = math.cos(math.pi / 6), math.sin(math.pi / 6)
_GAP = 0.08
_SHADES = {"top": 1.0, "left": 0.82, "right": 0.66}
_FAINT = 0.35
_EDGE = "#8d8b86"
"""Drawn round faint columns: seen on light and dark paper."""
_TEXT = "told"


@dataclass(frozen=True)
class Drawn:
    """What is drawn, with its place: faces and lines point by point, words at their anchors."""

    faces: pd.DataFrame
    """px, py, face, step, fill, stroke, opacity, told, and traces if the cells have it."""
    lines: pd.DataFrame
    """px, py, line, step."""
    words: pd.DataFrame
    """px, py, text, side."""


def columns_of(surface: Surface, cells: pd.DataFrame, labels: tuple[str, str]) -> Drawn:
    """Project cells as columns, those behind first; the height of one is its accuracy.

    Columns of few traces are faint, hatched cells have lines across their top.
    """
    width, depth = max(len(surface.x.bins), 1), max(len(surface.y.bins), 1)
    tall = 0.6 * max(width, depth, 3)
    faces, lines = [], _walls(width, depth, tall)
    ordered = cells.assign(_near=cells[X] + cells[Y]).sort_values(["_near", X], kind="stable")
    for cell in ordered.to_dict("records"):
        corners = _corners(cell[X], cell[Y], tall * max(cell["accuracy"], 0.005))
        for side, points in corners.items():
            fill = _shaded(cell["accuracy"], _SHADES[side])
            shown = {
                "fill": fill,
                "stroke": _EDGE if cell["is_few"] else "#ffffff",
                "opacity": _FAINT if cell["is_few"] else 1.0,
                _TEXT: cell[_TEXT],
                **({TRACES: cell[TRACES]} if TRACES in cell else {}),
            }
            name = f"{cell[X]}-{cell[Y]}-{side}"
            faces += [
                {"face": name, "step": step, "px": px, "py": py, **shown}
                for step, (px, py) in enumerate(points)
            ]
        if cell["is_hatched"]:
            faces += _hatched(cell[X], cell[Y], tall * cell["accuracy"], str(cell[_TEXT]))
    columns = ["face", "step", "px", "py", "fill", "stroke", "opacity", _TEXT]
    columns += [TRACES] if TRACES in cells else []
    return Drawn(
        pd.DataFrame(faces, columns=columns),
        pd.DataFrame(lines, columns=["line", "step", "px", "py"]),
        _words(surface, labels, width, depth, tall),
    )


def _point(x: float, y: float, z: float) -> tuple[float, float]:
    return (x - y) * _ACROSS, -(x + y) * _DOWN + z


def _corners(x: float, y: float, height: float) -> dict[str, list[tuple[float, float]]]:
    x1, x2, y1, y2 = x + _GAP, x + 1 - _GAP, y + _GAP, y + 1 - _GAP
    return {
        "left": [
            _point(x1, y2, 0), _point(x2, y2, 0), _point(x2, y2, height), _point(x1, y2, height)
        ],
        "right": [
            _point(x2, y1, 0), _point(x2, y2, 0), _point(x2, y2, height), _point(x2, y1, height)
        ],
        "top": [
            _point(x1, y1, height), _point(x2, y1, height),
            _point(x2, y2, height), _point(x1, y2, height),
        ],
    }  # fmt: skip


def _hatched(x: float, y: float, height: float, told: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for number, way in enumerate((0.5, 1.0, 1.5)):
        low, high = max(_GAP, way - 1 + _GAP), min(1 - _GAP, way - _GAP)
        ends = (_point(x + low, y + way - low, height), _point(x + high, y + way - high, height))
        found += [
            {"face": f"{x}-{y}-hatch-{number}", "step": step, "px": px, "py": py}
            | {"fill": "none", "stroke": "#1c1b1f", "opacity": 0.0, _TEXT: told}
            for step, (px, py) in enumerate(ends)
        ]
    return found


def _walls(width: int, depth: int, tall: float) -> list[tuple[str, int, float, float]]:
    """Lines at 0, 50 and 100 % along both walls behind, and the corner between them."""
    found = []
    for share in (0.0, 0.5, 1.0):
        ends = [(0, depth, share), (0, 0, share), (width, 0, share)]
        found += [
            (f"wall {share}", step, *_point(x, y, tall * z)) for step, (x, y, z) in enumerate(ends)
        ]
    found += [("corner", step, *_point(0, 0, tall * z)) for step, z in enumerate((0, 1))]
    return found


def _words(
    surface: Surface, labels: tuple[str, str], width: int, depth: int, tall: float
) -> pd.DataFrame:
    rows = [
        (*_point(number + 0.5, depth + 0.15, 0), one.label, "left")
        for number, one in enumerate(surface.x.bins)
    ]
    rows += [
        (*_point(width + 0.15, number + 0.5, 0), one.label, "right")
        for number, one in enumerate(surface.y.bins)
        if surface.y.name
    ]
    rows.append((*_point(width / 2, depth + 2.2, 0), labels[0], "left"))
    if surface.y.name:
        rows.append((*_point(width + 2.2, depth / 2, 0), labels[1], "right"))
    rows += [(*_point(width, 0, tall * share), percent(share), "right") for share in (0.5, 1.0)]
    return pd.DataFrame(rows, columns=["px", "py", "text", "side"])


def _shaded(share: float, light: float) -> str:
    """The colour of a share on the sequential scale, darkened for the sides."""
    place = min(max(share, 0.0), 1.0) * (len(SEQUENTIAL) - 1)
    low = min(int(place), len(SEQUENTIAL) - 2)
    pairs = zip(_channels(SEQUENTIAL[low]), _channels(SEQUENTIAL[low + 1]), strict=True)
    mixed = [one + (other - one) * (place - low) for one, other in pairs]
    return "#" + "".join(f"{round(channel * light):02x}" for channel in mixed)


def _channels(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
