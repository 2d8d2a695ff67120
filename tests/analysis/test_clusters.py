import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.cluster.hierarchy import linkage
from sklearn.metrics import adjusted_rand_score, silhouette_samples, silhouette_score

from analysis.clusters import (
    UNGROUPED,
    Labels,
    Tree,
    cut,
    default_height,
    linkage_tree,
    silhouettes,
)
from analysis.embeddings import SentenceTransformerEmbedder
from analysis.geometry import BY_MEANING, Vectors, note_space, unit_length
from analysis.group_space import group_space


def at_angles(*degrees: float) -> Vectors:
    radians = np.radians(degrees)
    return unit_length(np.column_stack([np.cos(radians), np.sin(radians)]))


vectors_of_notes = (
    st.integers(0, 14)
    .flatmap(lambda size: arrays(np.float32, (size, 3), elements=st.floats(-1, 1, width=32)))
    .map(unit_length)
)


def test_alike_notes_are_grouped_and_the_largest_group_comes_first():
    # 0 and 10 degrees: distance 1 - cos 10 = .015; 90, 95, 100 likewise; 200 alone.
    tree = linkage_tree(at_angles(0, 90, 10, 200, 95, 100))
    assert cut(tree, 0.1).tolist() == [1, 0, 1, UNGROUPED, 0, 0]


def test_groups_of_one_size_stand_in_the_order_of_their_first_note():
    assert cut(linkage_tree(at_angles(90, 0, 91, 1)), 0.1).tolist() == [0, 1, 0, 1]


def test_heights_are_mean_cosine_distances():
    # 0 and 60 merge at 1 - cos 60 = .5; 180 then at the mean of 1 - cos 180 = 2 and
    # 1 - cos 120 = 1.5, that is 1.75.
    assert linkage_tree(at_angles(0, 60, 180)).merges[:, 2].tolist() == pytest.approx([0.5, 1.75])


def test_distances_are_right_beyond_one_block():
    # Oracle: scipy's own cosine distances.
    vectors = unit_length(np.random.default_rng(1).normal(size=(1100, 5)))
    expected = linkage(vectors, method="average", metric="cosine")[:, 2]
    assert linkage_tree(vectors).merges[:, 2] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("size", [0, 1])
def test_no_or_one_note(size: int):
    tree = linkage_tree(np.ones((size, 3), dtype=np.float32))
    assert cut(tree, 0.5).tolist() == [UNGROUPED] * size
    assert (
        default_height(tree, np.ones((size, 3), dtype=np.float32), BY_MEANING)
        == BY_MEANING.middle_height
    )


def test_equal_notes_share_a_group_at_height_zero():
    assert cut(linkage_tree(at_angles(30, 30, 30, 80)), 1e-6).tolist() == [0, 0, 0, UNGROUPED]


def test_a_forbidden_pair_is_kept_apart_by_the_tree():
    # 0, 2 | 10, 12 merge as pairs; 2 and 10 would join them at .1.
    vectors = at_angles(0, 2, 10, 12)
    assert cut(linkage_tree(vectors), 0.1).tolist() == [0, 0, 0, 0]
    assert cut(linkage_tree(vectors, cannot_link=[(2, 1)]), 0.1).tolist() == [0, 0, 1, 1]


def test_a_forbidden_pair_is_kept_apart_even_where_the_cut_joins_everything():
    labels = cut(linkage_tree(at_angles(0, 2, 10, 12), cannot_link=[(1, 2)]), 5.0)
    assert labels.tolist() == [0, 0, UNGROUPED, 0]


def test_the_note_with_most_forbidden_partners_is_left_out():
    pairs = [(0, 1), (0, 2), (0, 3)]
    labels = cut(linkage_tree(at_angles(0, 2, 10, 12), cannot_link=pairs), 5.0)
    assert labels.tolist() == [UNGROUPED, 0, 0, 0]


def test_silhouettes_agree_with_scikit_learn(space: Vectors):
    labels = cut(linkage_tree(space), 0.85)
    grouped = labels != UNGROUPED
    oracle = silhouette_samples(space[grouped], labels[grouped], metric="cosine")
    assert silhouettes(space, labels)[grouped] == pytest.approx(oracle, abs=1e-5)
    assert (silhouettes(space, labels)[~grouped] == 0).all()
    of_two = silhouettes(space, labels, first=2)
    assert of_two == pytest.approx(np.where(labels < 2, silhouettes(space, labels), 0), abs=1e-6)


def test_silhouettes_of_a_single_group_are_zero():
    assert silhouettes(at_angles(0, 1, 2), np.array([0, 0, UNGROUPED])).tolist() == [0, 0, 0]


def test_equal_notes_in_two_groups_have_silhouette_zero():
    assert silhouettes(at_angles(0, 0, 0, 0), np.array([0, 0, 1, 1])).tolist() == [0, 0, 0, 0]


def test_default_height_finds_the_local_gap():
    # Three axes; between them distance 1, within them far below .8: every height gives the same.
    rng = np.random.default_rng(0)
    vectors = unit_length(np.repeat(np.eye(3), 5, axis=0) + rng.normal(scale=0.05, size=(15, 3)))
    tree = linkage_tree(vectors)
    height = default_height(tree, vectors, BY_MEANING)
    assert cut(tree, height).tolist() == [0] * 5 + [1] * 5 + [2] * 5


def test_real_notes_fall_into_a_usable_number_of_groups(space: Vectors, notes: list[str]):
    prepared = group_space(space, notes, BY_MEANING)
    tree = linkage_tree(prepared)
    labels = cut(tree, default_height(tree, prepared, BY_MEANING))
    assert 5 <= labels.max() + 1 <= 12
    assert (labels != UNGROUPED).mean() > 0.7
    # The same omission on two traces, word for word but for one capital letter.
    assert labels[0] == labels[2] != UNGROUPED
    locked = [number for number, note in enumerate(notes) if "shipping address" in note]
    assert len({labels[number] for number in locked}) == 1


@pytest.mark.needs_shared
def test_default_cut_is_no_worse_than_the_best_silhouette_on_bank_questions(
    shared: Path, minilm: SentenceTransformerEmbedder
):
    # Single draws differ by .1 either way, so the comparison needs 20 of them.
    table = pd.read_csv(shared / "banking77" / "test.csv")
    intents = sorted(table["label"].unique())[::3]
    table = table[table["label"].isin(intents)].reset_index(drop=True)
    vectors = minilm.embed(table["text"].tolist())
    ours, silhouette = [], []
    for seed in range(20):
        rows = _zipf_sample(table["label"], intents, np.random.default_rng(seed))
        texts = table["text"][rows].tolist()
        ours.append(_score(table["label"][rows], _default_cut(vectors[rows], texts)))
        silhouette.append(_score(table["label"][rows], _silhouette_cut(vectors[rows])))
    assert np.mean(ours) >= np.mean(silhouette)
    assert np.mean(ours) >= 0.75


def _zipf_sample(labels: pd.Series, intents: list[str], rng: np.random.Generator) -> list[int]:
    """Rows of 8 intents, sizes falling like 1/rank, 60 in all (8 of 1/rank add up to 2.718)."""
    sizes = np.round(60 / 2.718 / np.arange(1, 9)).astype(int)
    chosen = rng.choice(intents, 8, replace=False)
    rows: list[int] = []
    for intent, size in zip(chosen, sizes, strict=True):
        rows += rng.choice(np.flatnonzero(labels == intent), size, replace=False).tolist()
    return rows


def _default_cut(vectors: Vectors, texts: list[str]) -> Labels:
    space = group_space(note_space(vectors, BY_MEANING), texts, BY_MEANING)
    tree = linkage_tree(space)
    return cut(tree, default_height(tree, space, BY_MEANING))


def _silhouette_cut(vectors: Vectors) -> Labels:
    """The cut into 2 to 20 parts with the best silhouette, single notes being parts as well."""
    tree = linkage_tree(vectors)
    halfway = (tree.merges[-20:-1, 2] + tree.merges[-19:, 2]) / 2
    cuts = [_singletons_apart(cut(tree, height)) for height in halfway]
    return max(cuts, key=lambda labels: silhouette_score(vectors, labels, metric="cosine"))


def _score(truth: pd.Series, labels: Labels) -> float:
    return float(adjusted_rand_score(truth, _singletons_apart(labels)))


def _singletons_apart(labels: Labels) -> Labels:
    return np.where(labels == UNGROUPED, -1 - np.arange(len(labels)), labels)


def test_ten_thousand_notes_are_cut_again_within_fifty_milliseconds():
    # The tree itself takes seconds and 1 GB, so it is made here from merges alone: 5,000 pairs,
    # then pairs of those, and so on, as scipy's matrix wants it.
    tree = _balanced_tree(10_000)
    times = []
    for height in (0.5, 1.5, 2.5):
        start = time.perf_counter()
        cut(tree, height)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05


def _balanced_tree(size: int) -> Tree:
    merges, level, height, next_id = [], [(n, 1) for n in range(size)], 0.0, size
    while len(level) > 1:
        height += 1
        merged = []
        for (a, n), (b, m) in zip(level[::2], level[1::2], strict=False):
            merges.append((a, b, height, n + m))
            merged.append((next_id, n + m))
            next_id += 1
        level = merged + ([level[-1]] if len(level) % 2 else [])
    return Tree(size, np.array(merges, dtype=float))


@given(vectors_of_notes, st.floats(0, 2))
def test_labels_partition_the_notes(vectors: Vectors, height: float):
    before = vectors.copy()
    labels = cut(linkage_tree(vectors), height)
    assert np.array_equal(vectors, before)
    assert len(labels) == len(vectors)
    sizes = np.bincount(labels[labels != UNGROUPED], minlength=labels.max(initial=-1) + 1)
    assert (sizes >= 2).all()
    assert sizes.tolist() == sorted(sizes, reverse=True)


@given(vectors_of_notes, st.floats(0, 2), st.floats(0, 2))
def test_a_higher_cut_never_separates_notes(vectors: Vectors, one: float, other: float):
    tree = linkage_tree(vectors)
    low, high = cut(tree, min(one, other)), cut(tree, max(one, other))
    for group in range(low.max(initial=-1) + 1):
        assert len(set(high[low == group])) == 1


@given(
    vectors_of_notes,
    st.lists(st.tuples(st.integers(0, 13), st.integers(0, 13)), max_size=12),
    st.floats(0, 5),
)
def test_no_cut_ever_joins_a_forbidden_pair(
    vectors: Vectors, pairs: list[tuple[int, int]], height: float
):
    allowed = [(a, b) for a, b in pairs if a != b and max(a, b) < len(vectors)]
    labels = cut(linkage_tree(vectors, cannot_link=allowed), height)
    assert not [(a, b) for a, b in allowed if labels[a] == labels[b] != UNGROUPED]
