from itertools import pairwise

import numpy as np
import pytest

from analysis.clusters import cut, linkage_tree
from analysis.geometry import Vectors, unit_length
from analysis.granularity import granularity_levels, height_at, position_of


def test_positions_go_from_two_groups_to_the_most(space: Vectors):
    tree = linkage_tree(space)
    levels = granularity_levels(tree)
    cuts = [cut(tree, height) for height in levels]
    counts = [int(labels.max()) + 1 for labels in cuts]
    every = [cut(tree, height).max() + 1 for height in np.linspace(0.01, 1.5, 300)]
    assert counts[0] == 2
    assert counts[-1] == max(every)
    assert all(high > low for high, low in pairwise(levels))
    assert all(not np.array_equal(one, other) for one, other in pairwise(cuts))


def test_many_notes_still_give_few_steps_fine_where_groups_are_few():
    vectors = unit_length(np.random.default_rng(3).normal(size=(600, 8)))
    tree = linkage_tree(vectors)
    levels = granularity_levels(tree)
    counts = [int(cut(tree, height).max()) + 1 for height in levels]
    assert 15 <= len(levels) <= 25
    assert counts[:3] == [2, 3, 4]
    assert counts[-1] > 100


def test_heights_lie_between_merges(space: Vectors):
    tree = linkage_tree(space)
    for height in granularity_levels(tree):
        assert np.array_equal(cut(tree, height), cut(tree, height + 1e-7))


def test_positions_and_heights_go_back_and_forth(space: Vectors):
    levels = granularity_levels(linkage_tree(space))
    assert height_at(levels, 0.0) == levels[0]
    assert height_at(levels, 1.0) == levels[-1]
    assert all(height_at(levels, position_of(levels, height)) == height for height in levels)


@pytest.mark.parametrize("size", [0, 1])
def test_without_a_merge_there_is_one_position(size: int):
    levels = granularity_levels(linkage_tree(np.ones((size, 2), dtype=np.float32)))
    assert len(levels) == 1
    assert position_of(levels, 0.85) == 0.0
    assert height_at(levels, 1.0) == levels[0]


def test_two_notes_have_the_one_cut_that_joins_them():
    tree = linkage_tree(unit_length(np.array([[1.0, 0.0], [1.0, 1.0]])))
    (height,) = granularity_levels(tree)
    assert cut(tree, height).tolist() == [0, 0]


def test_equal_notes_have_one_cut():
    tree = linkage_tree(np.array([[1.0, 0.0]] * 5, dtype=np.float32))
    (height,) = granularity_levels(tree)
    assert cut(tree, height).tolist() == [0] * 5


def test_a_position_in_percent_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        height_at((0.5, 0.4), 50)
