"""The granularity slider: positions from few groups to many, each a different cut of the tree."""

import numpy as np
from numpy.typing import NDArray

from analysis.clusters import Tree


def granularity_levels(tree: Tree, *, most: int = 25) -> tuple[float, ...]:
    """List the cut heights a granularity slider steps through, from few groups to many.

    Formula: every height at which the groups differ, from two groups to the cut with the most
    groups (below it groups only dissolve into single notes), thinned so that the number of parts
    grows by a constant factor.

    Assumptions: heights lie halfway between two merges, so rounding never moves a note.

    Empty input: without a merge, the single height 0, at which nothing is grouped.

    Citation: none; a display choice.
    """
    if len(tree.merges) == 0:
        return (0.0,)
    heights = tree.merges[:, 2]
    parts = tree.merges[:, :2] >= tree.size
    groups = np.cumsum(1 - parts.sum(axis=1))
    gaps = np.append(np.diff(heights), 1.0)
    usable = np.flatnonzero(gaps > 1e-9)
    finest = usable[groups[usable] == groups[usable].max()][0]
    several = usable[(usable >= finest) & (groups[usable] >= 2)]
    steps = several if len(several) else usable[-1:]
    chosen = _spread(tree.size - 1 - steps, most)
    return tuple(float(heights[step] + gaps[step] / 2) for step in steps[chosen][::-1])


def height_at(levels: tuple[float, ...], position: float) -> float:
    """Give the cut height for a slider position between 0 (few groups) and 1 (many).

    Raises:
        ValueError: If the position lies outside 0 … 1.
    """
    if not 0 <= position <= 1:
        raise ValueError(f"height_at: position {position} must lie between 0 and 1.")
    return levels[round(position * (len(levels) - 1))]


def position_of(levels: tuple[float, ...], height: float) -> float:
    """Give the slider position whose cut height is nearest to `height`."""
    if len(levels) == 1:
        return 0.0
    nearest = min(range(len(levels)), key=lambda level: abs(levels[level] - height))
    return nearest / (len(levels) - 1)


def _spread(parts: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Choose at most `most` positions of the falling `parts` in about geometric steps."""
    if len(parts) <= most:
        return np.arange(len(parts))
    wanted = np.geomspace(parts[0], parts[-1], most)
    nearest = np.abs(parts[None, :] - wanted[:, None]).argmin(axis=1)
    return np.unique(nearest)
