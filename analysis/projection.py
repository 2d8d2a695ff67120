"""Two dimensions for the map of notes."""

import numpy as np
from numpy.typing import NDArray

from analysis.geometry import Vectors


def project_2d(vectors: Vectors) -> NDArray[np.float64]:
    """Project the notes on the two directions along which they differ most.

    Formula: principal components of the covariance matrix; each axis points to the side of its
    largest loading, so that the map never flips between two calls.

    Assumptions: distances on the map are rough; the groups come from the full vectors.

    Empty input: shape (0, 2); one note, or equal notes, lie at (0, 0).

    Citation: Pearson (1901), Philosophical Magazine 2:559–572.
    """
    points = np.zeros((len(vectors), 2))
    if len(vectors) < 2:
        return points
    rows = np.asarray(vectors, dtype=np.float64)
    rows = rows - rows.mean(axis=0, keepdims=True)
    _, directions = np.linalg.eigh(rows.T @ rows)
    axes = directions[:, ::-1][:, :2]
    largest = axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])]
    points[:, : axes.shape[1]] = rows @ (axes * np.sign(largest))
    return points
