"""The vectors a tree of notes is built from: meaning, some words, drawn towards like notes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.embeddings import TfidfEmbedder
from analysis.geometry import Geometry, Vectors, unit_length

_ROWS_AT_ONCE = 1024


def group_space(space: Vectors, texts: Sequence[str], geometry: Geometry) -> Vectors:
    """Prepare notes for the tree, whose groups come out better than from meaning alone.

    Formula: u = (√(1−w)·v, √w·t) with t the note's words (TF-IDF, 50 dimensions) and w the
    geometry's share of words; then u + ½·mean of the k most similar notes, weighted by their cosine
    where it is above 0; length 1.

    Assumptions: words settle what sentence embeddings confuse, and notes of one kind have each
    other among their nearest. Only the tree and its cut are made from it; likeness that people see
    is that of `note_space`.

    Empty input: stays empty; a geometry without words and neighbours changes nothing.

    Citation: fusion by concatenation; the second step is one of mean shift, Fukunaga & Hostetler
    (1975), IEEE Trans. Inf. Theory 21:32–40, over k neighbours.

    Args:
        space: From `note_space`, one row per note.
        texts: The notes.
        geometry: The embedder's.

    Raises:
        ValueError: If the two do not have the same length.
    """
    if len(space) != len(texts):
        raise ValueError(f"group_space: {len(space)} vectors for {len(texts)} texts.")
    if len(space) < 2:
        return space
    if geometry.word_share:
        words = np.sqrt(geometry.word_share) * TfidfEmbedder().embed(texts)
        space = unit_length(np.hstack([np.sqrt(1 - geometry.word_share) * space, words]))
    return _towards_neighbours(space, min(geometry.neighbours, len(space) - 1))


def _towards_neighbours(vectors: Vectors, neighbours: int) -> Vectors:
    if neighbours < 1:
        return vectors
    moved = np.empty(vectors.shape, dtype=np.float32)
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        rows = np.arange(start, min(start + _ROWS_AT_ONCE, len(vectors)))
        similarity = vectors[rows] @ vectors.T
        similarity[np.arange(len(rows)), rows] = -np.inf
        nearest = _most_similar(similarity, neighbours)
        weights = np.clip(np.take_along_axis(similarity, nearest, axis=1), 0, None)
        mean = np.einsum("ij,ijk->ik", weights, vectors[nearest])
        mean /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-6)
        moved[rows] = vectors[rows] + 0.5 * mean
    return unit_length(moved)


def _most_similar(similarity: NDArray[np.float32], most: int) -> NDArray[np.int64]:
    """Give the columns of each row's highest values, highest first.

    Of equal notes the earlier ones: the same notes give the same groups on every machine.
    """
    last = np.partition(similarity, -most, axis=1)[:, -most]
    candidates = similarity >= last[:, None]
    several = candidates.sum(axis=1) > most
    nearest = np.empty((len(similarity), most), dtype=np.int64)
    # Counted flat: far faster than rows and columns.
    flat = np.flatnonzero(candidates[~several])
    nearest[~several] = flat.reshape(-1, most) % similarity.shape[1]
    for row in np.flatnonzero(several):
        columns = np.flatnonzero(candidates[row])
        order = np.argsort(-similarity[row, columns], kind="stable")
        nearest[row] = columns[order[:most]]
    order = np.argsort(-np.take_along_axis(similarity, nearest, axis=1), axis=1, kind="stable")
    return np.take_along_axis(nearest, order, axis=1)
