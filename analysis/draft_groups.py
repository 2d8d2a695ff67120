"""What a person sees of a draft group: key terms, medoid, representatives, borderline, cohesion."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analysis.clusters import Labels, silhouettes
from analysis.cohorts.threads import one_thread
from analysis.geometry import Vectors
from analysis.group_labels import key_terms

REPRESENTATIVES = 3
MMR_LAMBDA = 0.7


@dataclass(frozen=True)
class DraftGroup:
    """A suggested group. Notes are named by their row; nothing is assigned by it."""

    members: tuple[int, ...]
    key_terms: tuple[str, ...]
    medoid: int
    """The note most like all the others; its text is the candidate for a title."""
    representatives: tuple[int, ...]
    """Up to three further notes, like the medoid but not like each other."""
    borderline: int | None
    """The note that fits worst, if the group has one besides those above."""
    cohesion: float
    """Mean cosine similarity of all pairs of notes in the group."""

    @property
    def size(self) -> int:
        """Number of notes."""
        return len(self.members)


@one_thread()
def describe_groups(
    texts: Sequence[str], vectors: Vectors, labels: Labels, *, most: int | None = None
) -> list[DraftGroup]:
    """Describe each group of a cut, largest first.

    Formula: medoid = highest mean similarity to the group; borderline = lowest silhouette;
    representatives by maximal marginal relevance, .7·similarity to the medoid − .3·similarity to
    the nearest note already shown, texts that repeat a shown one left out; cohesion =
    (‖Σv‖² − Σ‖v‖²)/(m(m−1)), the mean cosine over all pairs of the m notes.

    Assumptions: `vectors` are those the tree was built from.

    Empty input: no groups.

    Citation: Carbonell & Goldstein (1998), SIGIR, 335–336; Kaufman & Rousseeuw (1990).

    Args:
        texts: The notes.
        vectors: From `note_space`, one row per note.
        labels: From `clusters.cut`; ungrouped notes are in no group.
        most: Describe only that many groups, the largest; all if None.

    Raises:
        ValueError: If the three do not have the same length.
    """
    if not len(texts) == len(vectors) == len(labels):
        raise ValueError(
            f"describe_groups: {len(texts)} texts, {len(vectors)} vectors, {len(labels)} labels; "
            "give one of each per note."
        )
    fit = silhouettes(vectors, labels, first=most)
    order = np.argsort(labels, kind="stable")
    terms = key_terms(texts, labels, first=most)
    starts = np.searchsorted(labels[order], range(len(terms) + 1))
    return [
        _describe(order[start:end], words, texts, vectors, fit)
        for (start, end), words in zip(pairwise(starts), terms, strict=True)
    ]


def _describe(
    members: NDArray[np.int64],
    terms: list[str],
    texts: Sequence[str],
    vectors: Vectors,
    fit: NDArray[np.float64],
) -> DraftGroup:
    rows = vectors[members]
    total = rows.sum(axis=0, dtype=np.float64)
    to_group = rows @ total.astype(np.float32)
    medoid = int(to_group.argmax())
    borderline = _borderline(fit[members], to_group, medoid)
    shown = _representatives(rows, [texts[note] for note in members], medoid, borderline)
    pairs = len(members) * (len(members) - 1)
    return DraftGroup(
        members=tuple(members.tolist()),
        key_terms=tuple(terms),
        medoid=int(members[medoid]),
        representatives=tuple(int(members[index]) for index in shown),
        borderline=None if borderline is None else int(members[borderline]),
        cohesion=float(
            (total @ total - np.einsum("ij,ij->i", rows, rows).sum(dtype=float)) / pairs
        ),
    )


def _borderline(fit: NDArray[np.float64], to_group: NDArray[np.float32], medoid: int) -> int | None:
    """Give the worst fit; with a single group all fit equally, so likeness to the group decides."""
    if len(fit) < 3:
        return None
    order = np.lexsort((to_group, fit))
    return int(next(index for index in order if index != medoid))


def _representatives(
    rows: Vectors, texts: list[str], medoid: int, borderline: int | None
) -> list[int]:
    to_medoid = rows @ rows[medoid]
    nearest = to_medoid.copy()
    said = {_plain(texts[medoid])}
    chosen: list[int] = []
    left = np.setdiff1d(np.arange(len(rows)), [medoid, -1 if borderline is None else borderline])
    while len(chosen) < REPRESENTATIVES:
        relevance = MMR_LAMBDA * to_medoid[left] - (1 - MMR_LAMBDA) * nearest[left]
        ranked = left[np.argsort(-relevance, kind="stable")]
        best = next((one for one in ranked.tolist() if _plain(texts[one]) not in said), None)
        if best is None:
            break
        chosen.append(best)
        said.add(_plain(texts[best]))
        nearest = np.maximum(nearest, rows @ rows[best])
    return chosen


def _plain(text: str) -> str:
    return text.strip().casefold()
