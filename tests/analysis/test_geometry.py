import numpy as np
import pytest

from analysis.geometry import BY_MEANING, BY_WORDS, centred, note_space, unit_length


def test_rows_get_length_one_and_zeros_stay():
    assert unit_length(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == [
        pytest.approx([0.6, 0.8]),
        [0.0, 0.0],
    ]


def test_centring_removes_the_shared_direction():
    # 40 notes share the first axis and differ on the second: their cosine of .5 turns negative.
    half = np.sqrt(0.5)
    side = np.sqrt(0.25)
    a, b = [half, side, side], [half, -side, -side]
    vectors = np.array([a, b] * 20, dtype=np.float32)
    assert vectors[0] @ vectors[1] == pytest.approx(0.0, abs=1e-6)
    assert centred(vectors)[0] @ centred(vectors)[1] < -0.9


def test_two_notes_are_hardly_pushed_apart():
    # Full centring would put any two notes at cosine -1; a sixth of their mean is removed here.
    vectors = unit_length(np.array([[1.0, 0.2], [1.0, -0.2]]))
    assert centred(vectors)[0] @ centred(vectors)[1] > 0.8


def test_only_vectors_of_meaning_are_centred():
    vectors = unit_length(np.array([[1.0, 0.2], [1.0, -0.2]]))
    assert note_space(vectors, BY_WORDS) is vectors
    assert note_space(vectors, BY_MEANING).tolist() == centred(vectors).tolist()


def test_no_notes():
    assert centred(np.zeros((0, 3), dtype=np.float32)).shape == (0, 3)


def test_the_input_is_untouched():
    vectors = unit_length(np.array([[1.0, 0.2], [1.0, -0.2]]))
    before = vectors.copy()
    centred(vectors)
    assert np.array_equal(vectors, before)
