import numpy as np
import pytest

from analysis.clusters import cut, default_height, linkage_tree
from analysis.draft_groups import describe_groups
from analysis.geometry import BY_MEANING, Vectors, unit_length


def at_angles(*degrees: float) -> Vectors:
    radians = np.radians(degrees)
    return unit_length(np.column_stack([np.cos(radians), np.sin(radians)]))


def test_medoid_is_the_note_in_the_middle():
    group, _ = describe_groups(
        ["left", "middle", "right", "far", "farther"],
        at_angles(0, 10, 20, 120, 121),
        np.array([0, 0, 0, 1, 1]),
    )
    assert group.members == (0, 1, 2)
    assert group.medoid == 1


def test_borderline_is_the_note_nearest_to_another_group():
    group, other = describe_groups(
        ["a", "b", "c", "d", "far", "farther"],
        at_angles(0, 5, 10, 30, 90, 91),
        np.array([0, 0, 0, 0, 1, 1]),
    )
    assert group.borderline == 3
    assert other.borderline is None


def test_borderline_of_the_only_group_is_the_least_alike():
    (group,) = describe_groups(["a", "b", "c"], at_angles(0, 5, 40), np.zeros(3, dtype=np.int64))
    assert group.borderline == 2


def test_representatives_are_alike_the_medoid_but_do_not_repeat_it():
    texts = ["refund twice", "Refund twice ", "refund two times", "refund late", "refund lost"]
    (group,) = describe_groups(texts, at_angles(10, 10, 11, 2, 30), np.zeros(5, dtype=np.int64))
    assert group.medoid in (0, 1, 2)
    shown = [group.medoid, *group.representatives]
    said = {texts[note].strip().casefold() for note in shown}
    assert len(said) == len(shown)
    assert group.borderline == 4
    assert group.borderline not in shown


def test_cohesion_is_the_mean_cosine_of_all_pairs():
    # Pairs 0-60, 0-90, 60-90: cosines .5, 0, .8660, mean .4553.
    (group,) = describe_groups(["a", "b", "c"], at_angles(0, 60, 90), np.zeros(3, dtype=np.int64))
    assert group.cohesion == pytest.approx(0.4553, abs=1e-4)


def test_equal_notes_have_cohesion_one_and_nothing_more_to_show():
    (group,) = describe_groups(["same"] * 4, at_angles(7, 7, 7, 7), np.zeros(4, dtype=np.int64))
    assert group.cohesion == pytest.approx(1.0)
    assert group.representatives == ()


def test_groups_of_real_notes(notes: list[str], space: Vectors):
    tree = linkage_tree(space)
    labels = cut(tree, default_height(tree, space, BY_MEANING))
    groups = describe_groups(notes, space, labels)
    assert [group.size for group in groups] == sorted((g.size for g in groups), reverse=True)
    members = [note for group in groups for note in group.members]
    assert sorted(members) == np.flatnonzero(labels >= 0).tolist()
    for number, group in enumerate(groups):
        assert {labels[note] for note in group.members} == {number}
        shown = [group.medoid, *group.representatives]
        shown += [] if group.borderline is None else [group.borderline]
        assert set(shown) <= set(group.members)
        assert len(shown) == len(set(shown))
        assert group.key_terms
        assert 0 < group.cohesion <= 1
    terms = next(group.key_terms for group in groups if 0 in group.members)
    assert {"authenticate", "correctly count"} & set(terms)


def test_no_groups():
    assert describe_groups(["a"], at_angles(0), np.array([-1])) == []
    assert describe_groups([], np.zeros((0, 2), dtype=np.float32), np.array([], dtype=int)) == []


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="1 texts, 2 vectors, 2 labels"):
        describe_groups(["a"], at_angles(0, 1), np.array([0, 0]))
