"""Two dimensions for the map of notes."""

import numpy as np
from numpy.typing import NDArray

from analysis.cohorts.threads import one_thread
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
    with one_thread():
        _, directions = np.linalg.eigh(rows.T @ rows)
    axes = directions[:, ::-1][:, :2]
    largest = axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])]
    points[:, : axes.shape[1]] = rows @ (axes * np.sign(largest))
    return points


LEAST_NEIGHBOURS = 10
"""Of fewer notes there are no neighbourhoods to speak of."""


def project_neighbours(vectors: Vectors, *, seed: int = 0) -> NDArray[np.float64]:
    """Lay the notes out so that nearest neighbours stay near each other.

    Formula: UMAP to two dimensions, cosine distance, 15 neighbours, minimal distance .1, begun at
    the principal components, so that the map turns as little as may be from `project_2d`.

    Assumptions: distances between far groups mean nothing. The first call compiles for some
    20 seconds and takes 400 MB: for a process of its own, never for a request.

    Empty input: fewer than ten notes are laid out by `project_2d`.

    Citation: McInnes, Healy & Melville (2018), arXiv:1802.03426.
    """
    if len(vectors) < LEAST_NEIGHBOURS:
        return project_2d(vectors)
    from umap import UMAP

    reducer = UMAP(
        n_neighbors=min(15, len(vectors) - 1),
        n_components=2,
        min_dist=0.1,
        metric="cosine",
        init=_begun_at(project_2d(vectors), seed),
        random_state=seed,
        n_jobs=1,
    )
    return np.asarray(reducer.fit_transform(vectors), dtype=np.float64)


def _begun_at(points: NDArray[np.float64], seed: int) -> NDArray[np.float32]:
    """Scale to UMAP's usual extent; a little noise parts notes that read the same."""
    extent = float(np.abs(points).max(initial=0.0)) or 1.0
    noise = np.random.default_rng(seed).normal(scale=1e-3, size=points.shape)
    return np.asarray(10 * points / extent + noise, dtype=np.float32)
