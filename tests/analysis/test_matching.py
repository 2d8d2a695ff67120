import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.geometry import Vectors, unit_length
from analysis.matching import match_to_modes, suggest_modes, was_dismissed


def at_angles(*degrees: float) -> Vectors:
    radians = np.radians(degrees)
    return unit_length(np.column_stack([np.cos(radians), np.sin(radians)]))


NOTES = at_angles(0, 10, 20)
MODES = {"near": at_angles(10, 40, 70, 190), "far": at_angles(150, 160), "empty": at_angles()}


def test_score_is_the_mean_of_the_three_nearest_notes():
    # The centroid lies at 10 degrees: cosines with 10, 40, 70: 1, .8660, .5, mean .7887.
    (match,) = match_to_modes(NOTES, [0, 1, 2], MODES, threshold=0.5)
    assert (match.mode, match.members, match.nearest) == ("near", (0, 1, 2), (0, 1, 2))
    assert match.score == pytest.approx(0.7887, abs=1e-4)


def test_below_the_threshold_the_mode_is_new():
    assert match_to_modes(NOTES, [0, 1, 2], MODES, threshold=0.8) == []


def test_best_match_first():
    modes = {"second": at_angles(40), "first": at_angles(10)}
    matches = match_to_modes(NOTES, [0, 1, 2], modes, threshold=0.5)
    assert [match.mode for match in matches] == ["first", "second"]


def test_a_rejected_note_is_left_out_of_the_offer():
    (match,) = match_to_modes(NOTES, [0, 1, 2], MODES, rejected={(1, "near")}, threshold=0.5)
    assert match.members == (0, 2)


def test_a_mode_rejected_by_every_note_is_not_offered():
    rejected = {(note, "near") for note in range(3)}
    assert match_to_modes(NOTES, [0, 1, 2], MODES, rejected=rejected, threshold=0.5) == []


def test_no_members_match_nothing():
    assert match_to_modes(NOTES, [], MODES, threshold=0.0) == []


def test_suggestions_are_ranked_by_the_modes_centroids():
    # Centroids at 45, 155 and 90; the note at 80.
    modes = {"a": at_angles(40, 50), "b": at_angles(150, 160), "c": at_angles(80, 100)}
    suggestions = suggest_modes(at_angles(80)[0], modes)
    assert [suggestion.mode for suggestion in suggestions] == ["c", "a", "b"]
    assert suggestions[0].score == pytest.approx(np.cos(np.radians(10)), abs=1e-5)


def test_suggestions_leave_out_rejected_and_empty_modes_and_stop_at_three():
    modes = {number: at_angles(number, number + 2) for number in range(5)} | {9: at_angles()}
    suggested = suggest_modes(at_angles(1)[0], modes, rejected={0})
    assert [suggestion.mode for suggestion in suggested] == [1, 2, 3]


def test_a_dismissed_group_does_not_come_back_with_one_note_more_or_less():
    dismissed = [range(9)]
    assert was_dismissed(range(9), dismissed)
    assert was_dismissed(range(10), dismissed)
    assert was_dismissed(range(8), dismissed)


def test_a_part_of_a_dismissed_group_is_a_new_suggestion():
    assert not was_dismissed(range(4), [range(9)])
    assert not was_dismissed([], [range(9), []])
    assert not was_dismissed(range(4), [])


@given(
    st.sets(st.tuples(st.integers(0, 5), st.sampled_from("abc")), max_size=18),
    st.lists(st.integers(0, 5), unique=True),
)
def test_a_rejected_pair_is_never_offered(rejected: set[tuple[int, str]], members: list[int]):
    vectors = at_angles(0, 30, 60, 90, 120, 150)
    modes = {"a": vectors[:2], "b": vectors[2:4], "c": vectors[4:]}
    for match in match_to_modes(vectors, members, modes, rejected=rejected, threshold=-1.0):
        assert match.members
        assert set(match.members) <= set(members)
        assert not rejected & {(note, match.mode) for note in match.members}
