import numpy as np
import pytest

from analysis.clusters import cut, linkage_tree
from analysis.geometry import BY_WORDS, Geometry, Vectors, unit_length
from analysis.group_space import group_space

PLAIN = Geometry(centred=False, heights=(0.5,), add_threshold=0.5)
WITH_WORDS = Geometry(centred=False, heights=(0.5,), add_threshold=0.5, word_share=0.3)
DRAWN = Geometry(centred=False, heights=(0.5,), add_threshold=0.5, neighbours=1)


def at_angles(*degrees: float) -> Vectors:
    radians = np.radians(degrees)
    return unit_length(np.column_stack([np.cos(radians), np.sin(radians)]))


def test_a_plain_geometry_changes_nothing():
    vectors = at_angles(0, 10, 90)
    assert group_space(vectors, ["a", "b", "c"], PLAIN) is vectors
    assert group_space(vectors, ["a", "b", "c"], BY_WORDS) is vectors


def test_similarity_is_shared_between_meaning_and_words():
    # The same meaning, no word in common: .7; other meaning, the same words: .3.
    found = group_space(at_angles(0, 0, 90), ["alpha", "omega", "alpha"], WITH_WORDS)
    assert found[0] @ found[1] == pytest.approx(0.7, abs=1e-3)
    assert found[0] @ found[2] == pytest.approx(0.3, abs=1e-3)


def test_a_note_is_drawn_half_way_of_one_to_two_towards_its_neighbour():
    # (1, 0) + ½·(0.5, .8660) = (1.25, .4330): at 19.1 degrees; the other mirrors it at 40.9.
    found = group_space(at_angles(0, 60), ["", ""], DRAWN)
    degrees = np.degrees(np.arctan2(found[:, 1], found[:, 0]))
    assert degrees.tolist() == pytest.approx([19.107, 40.893], abs=1e-2)


def test_opposite_notes_do_not_attract_each_other():
    found = group_space(at_angles(0, 180), ["", ""], DRAWN)
    assert found == pytest.approx(at_angles(0, 180), abs=1e-6)


def test_blocks_agree_with_one_another():
    vectors = unit_length(np.random.default_rng(0).normal(size=(1100, 4)))
    found = group_space(vectors, [""] * 1100, DRAWN)
    similarity = vectors @ vectors.T - 2 * np.eye(1100)
    nearest = similarity.argmax(axis=1)
    expected = unit_length(vectors + 0.5 * vectors[nearest])
    assert found == pytest.approx(expected, abs=1e-5)


def test_of_equal_notes_the_earlier_draw():
    vectors = np.array([[1, 0, 0], [0.6, 0.8, 0], [0.6, 0, 0.8], [0, 1, 0]], dtype=np.float32)
    found = group_space(vectors, [""] * 4, DRAWN)
    # The first is as like the second as the third: (1, 0, 0) + ½·(.6, .8, 0), of length 1.
    assert found[0] == pytest.approx(np.array([1.3, 0.4, 0]) / np.hypot(1.3, 0.4), abs=1e-6)


def test_none_one_and_unequal():
    assert group_space(at_angles(), [], WITH_WORDS).shape == (0, 2)
    assert group_space(at_angles(5), ["x"], WITH_WORDS).shape == (1, 2)
    with pytest.raises(ValueError, match="2 vectors for 1 texts"):
        group_space(at_angles(0, 1), ["a"], WITH_WORDS)


def test_texts_without_a_word_leave_meaning_alone():
    found = group_space(at_angles(0, 60), ["", ""], WITH_WORDS)
    assert found[0] @ found[1] == pytest.approx(0.5, abs=1e-6)
    assert cut(linkage_tree(found), 0.6).tolist() == [0, 0]
