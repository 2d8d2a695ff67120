"""Key terms: the words that tell one group of notes from the others."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.clusters import Labels

_WORD = re.compile(r"[^\W\d]\w+(?:'\w+)?")
MOST_TERMS = 5
_AUXILIARIES = frozenset({"did", "does", "doing", "done", "got", "just"})
"""The library's list of stop words lacks them, and notes about failures are full of them."""


def key_terms(texts: Sequence[str], labels: Labels, *, most: int = MOST_TERMS) -> list[list[str]]:
    """Name each group by the terms that are frequent in it and rare elsewhere.

    Formula: class-based TF-IDF, tf·ln(1 + A/f): tf = 1 + ln(count of the term in the group),
    scaled to sum 1 over the group; f = count of the term in all notes; A = mean number of terms per
    group. Terms are one or two words without English stop words.

    Assumptions: a term counts as key if at least two notes of the group have it; only where no
    term does, terms of one note stand in. A term that shares a word, or its
    beginning, with a better one is left out.

    Empty input: no groups give no lists; a group of stop words only gives an empty list.

    Citation: Grootendorst (2022), arXiv:2203.05794.

    Args:
        texts: The notes.
        labels: One group number per note, −1 for ungrouped.
        most: How many terms a group gets at most.

    Returns:
        For each group, in the order of the labels, its terms, best first.
    """
    groups = int(labels.max(initial=-1)) + 1
    counted = _count(texts)
    if counted is None:
        return [[] for _ in range(groups)]
    counts, vocabulary = counted
    in_all = np.asarray(counts.sum(axis=0)).ravel()
    grouped = counts[labels >= 0].sum()
    mean_terms = grouped / max(groups, 1)
    weight = np.log1p(mean_terms / np.maximum(in_all, 1))
    return [_best(counts[labels == group], weight, vocabulary, most) for group in range(groups)]


def _count(texts: Sequence[str]) -> tuple[Any, NDArray[np.str_]] | None:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

    stop_words = ENGLISH_STOP_WORDS | _AUXILIARIES

    def terms(text: str) -> list[str]:
        words = _WORD.findall(text.lower().replace("’", "'"))
        kept = [None if word in stop_words or word.endswith("n't") else word for word in words]
        singles = [word for word in kept if word]
        # A stop word between two words keeps them from forming a pair nobody wrote.
        pairs = [f"{a} {b}" for a, b in pairwise(kept) if a and b]
        return singles + pairs

    if not any(terms(text) for text in texts):
        return None
    vectorizer = CountVectorizer(analyzer=terms)
    counts = vectorizer.fit_transform(texts)
    return counts, vectorizer.get_feature_names_out()


def _best(
    counts: Any, weight: NDArray[np.float64], vocabulary: NDArray[np.str_], most: int
) -> list[str]:
    total = np.asarray(counts.sum(axis=0)).ravel()
    notes = np.asarray((counts > 0).sum(axis=0)).ravel()
    frequency = np.where(total > 0, 1 + np.log(np.maximum(total, 1)), 0.0)
    score = frequency / max(frequency.sum(), 1e-12) * weight
    candidates = np.flatnonzero(notes >= (2 if (notes >= 2).any() else 1))
    # Ties go by the alphabet, in which the vocabulary stands, so that labels never flicker.
    ranked = candidates[np.argsort(-score[candidates], kind="stable")]
    chosen: list[str] = []
    used: set[str] = set()
    for term in map(str, vocabulary[ranked]):
        if len(chosen) < most and not _repeats(term, used):
            chosen.append(term)
            used.update(term.split())
    return chosen


def _repeats(term: str, used: set[str]) -> bool:
    """Tell whether a word of `term`, or its singular or plural, is already used."""
    return any(a.startswith(b) or b.startswith(a) for a in term.split() for b in used)
