"""Draft groups of notes: one average-linkage tree, cut at any height without recomputing.

Trees are built from what `group_space` gives; `draft_groups`, `matching` and `projection` take
`geometry.note_space`. Label −1 means ungrouped: there is no noise class, only groups of one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.geometry import Geometry, Vectors

Labels = NDArray[np.int64]

UNGROUPED = -1
FORBIDDEN_DISTANCE = 4.0
"""Beyond every cosine distance, which ends at 2."""
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class Tree:
    """How the notes merge, from alike to unlike, and which must not end up together."""

    size: int
    merges: NDArray[np.float64]
    """One row per merge as scipy's linkage matrix gives them: the two parts, height, notes."""
    cannot_link: tuple[tuple[int, int], ...] = ()


def linkage_tree(
    vectors: Vectors,
    *,
    cannot_link: Iterable[tuple[int, int]] = (),
    groups: Labels | None = None,
    across: float = 0.0,
) -> Tree:
    """Build the tree of average-linkage merges on cosine distance.

    Formula: distance of two groups = mean of 1 − cos over all pairs (UPGMA).

    Assumptions: groups are roughly convex; time and memory grow with n² (10,000 notes: 4 s, 1 GB).

    Empty input: none or one note give a tree without merges.

    Citation: Sokal & Michener (1958); Müllner (2013), J. Stat. Software 53(9).

    Args:
        vectors: From `note_space`, one row per note.
        cannot_link: Pairs of row numbers that must not be grouped together.
        groups: A label per note, where notes of one label are to merge first.
        across: What is added to the distance of notes with different labels.
    """
    from scipy.cluster.hierarchy import linkage

    pairs = tuple(sorted({(min(pair), max(pair)) for pair in cannot_link if pair[0] != pair[1]}))
    size = len(vectors)
    if size < 2:
        return Tree(size, np.empty((0, 4)), pairs)
    distances = _cosine_distances(vectors)
    if groups is not None:
        distances += across * _differ(groups)
    for first, second in pairs:
        place = size * first - first * (first + 1) // 2 + second - first - 1
        distances[place] = FORBIDDEN_DISTANCE + across
    return Tree(size, linkage(distances, method="average"), pairs)


def cut(tree: Tree, height: float) -> Labels:
    """Cut the tree at `height`.

    Formula: notes whose merges all lie at or below `height` share a group.

    Assumptions: linkage alone cannot keep a forbidden pair apart at a large height, so afterwards
    the note with the most forbidden partners in its group is left ungrouped until none is there.

    Empty input: no labels.

    Citation: as `linkage_tree`.

    Returns:
        One label per note: 0 for the largest group, ties by the first note, −1 for ungrouped.
    """
    from scipy.cluster.hierarchy import fcluster

    if len(tree.merges) == 0:
        return np.full(tree.size, UNGROUPED, dtype=np.int64)
    labels = np.asarray(fcluster(tree.merges, height, criterion="distance"), dtype=np.int64)
    return largest_first(_without_forbidden_pairs(labels, tree.cannot_link))


def default_height(tree: Tree, vectors: Vectors, geometry: Geometry) -> float:
    """Choose the cut to show first.

    Formula: of the geometry's heights the one with the highest mean silhouette, ungrouped notes
    counting 0; the first of equals.

    Assumptions: silhouette alone over all cuts prefers too few groups, a fixed cut misses the
    local gap; so it only chooses within a range that travels between domains.

    Empty input: the middle of the range.

    Citation: Rousseeuw (1987), J. Comput. Appl. Math. 20:53–65.
    """
    if len(tree.merges) == 0:
        return geometry.middle_height
    # Neighbouring heights often give the same groups; each partition is scored once.
    cuts = {height: cut(tree, height) for height in geometry.heights}
    scores: dict[bytes, float] = {}
    for labels in cuts.values():
        key = labels.tobytes()
        if key not in scores:
            scores[key] = float(silhouettes(vectors, labels).mean())
    return max(cuts, key=lambda height: scores[cuts[height].tobytes()])


def silhouettes(
    vectors: Vectors, labels: Labels, *, first: int | None = None
) -> NDArray[np.float64]:
    """Tell for each note how much nearer its own group is than the next one.

    Formula: (b − a)/max(a, b) with a the mean cosine distance to the other notes of its group and
    b the smallest mean distance to another group. Exact and without any pair of notes, because the
    mean of dot products is the dot product with the mean.

    Assumptions: rows have length 1.

    Empty input: 0 for ungrouped notes, and for all if there are fewer than two groups.

    Citation: Rousseeuw (1987), J. Comput. Appl. Math. 20:53–65.

    Args:
        vectors: One row per note.
        labels: One group number per note, −1 for ungrouped.
        first: Tell it for the notes of that many groups only, 0 for the others; all if None.
    """
    result = np.zeros(len(labels))
    grouped = labels != UNGROUPED
    groups = int(labels.max(initial=UNGROUPED)) + 1
    if groups < 2:
        return result
    sizes = np.bincount(labels[grouped], minlength=groups)
    sums = _sums(vectors[grouped], labels[grouped], groups)
    if first is not None:
        grouped &= labels < first
    rows, own = vectors[grouped], labels[grouped]
    similarity = rows @ sums.T
    here = (np.arange(len(own)), own)
    itself = np.einsum("ij,ij->i", rows, rows).astype(np.float64)
    inner = (similarity[here] - itself) / (sizes[own] - 1)
    similarity /= sizes.astype(np.float32)
    similarity[here] = -np.inf
    a, b = 1 - inner, 1 - similarity.max(axis=1).astype(np.float64)
    largest = np.maximum(a, b)
    result[grouped] = np.divide(b - a, largest, out=np.zeros(len(own)), where=largest > 1e-12)
    return result


def _cosine_distances(vectors: Vectors) -> NDArray[np.float64]:
    """Give the condensed distances, filled in blocks so that no n × n matrix is ever held."""
    size = len(vectors)
    condensed = np.empty(size * (size - 1) // 2)
    start = 0
    for block in range(0, size, _ROWS_AT_ONCE):
        similarity = vectors[block : block + _ROWS_AT_ONCE] @ vectors[block:].T
        for row, similarities in enumerate(similarity):
            length = size - 1 - block - row
            distances = condensed[start : start + length]
            np.subtract(1, similarities[row + 1 :], out=distances, dtype=np.float64)
            np.clip(distances, 0.0, 2.0, out=distances)
            start += length
    return condensed


def _differ(labels: Labels) -> NDArray[np.bool_]:
    """Tell for each pair, in condensed order, whether their labels differ."""
    parts = [labels[row] != labels[row + 1 :] for row in range(len(labels) - 1)]
    return np.concatenate(parts)


def _without_forbidden_pairs(labels: Labels, pairs: tuple[tuple[int, int], ...]) -> Labels:
    together = [(a, b) for a, b in pairs if labels[a] == labels[b]]
    if not together:
        return labels
    labels = labels.copy()
    while together:
        involved = np.bincount(np.ravel(together))
        # Of equals the later note goes: the earlier one was there first.
        worst = int(len(involved) - 1 - involved[::-1].argmax())
        labels[worst] = UNGROUPED
        together = [pair for pair in together if worst not in pair]
    return labels


def largest_first(labels: Labels) -> Labels:
    """Number groups of at least two notes by size, ties by the first note; the rest ungrouped."""
    ids, first, inverse, sizes = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    is_group = (sizes > 1) & (ids != UNGROUPED)
    order = [index for index in np.lexsort((first, -sizes)) if is_group[index]]
    renamed = np.full(len(ids), UNGROUPED, dtype=np.int64)
    renamed[order] = np.arange(len(order))
    return renamed[inverse]


def _sums(rows: Vectors, labels: Labels, groups: int) -> Vectors:
    from scipy.sparse import csr_array

    ones = np.ones(len(rows), dtype=np.float32)
    member = csr_array((ones, (labels, np.arange(len(rows)))), (groups, len(rows)))
    return np.asarray(member @ np.asarray(rows, dtype=np.float32), dtype=np.float32)
