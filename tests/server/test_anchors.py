"""Where anchors go when the steps of a trace change under them."""

import pytest

from server.models.note import Anchor
from server.services.anchors import StepText, moved, moved_step


def steps(*texts: str) -> list[StepText]:
    return [StepText("user", "message", text) for text in texts]


BEFORE = steps("hello", "the order was lost", "bye")


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (steps("hello", "the order was lost", "bye"), 1),
        (steps("new", "hello", "the order was lost", "bye"), 2),
        (steps("the order was lost"), 0),
        # Reworded in place: still the second message of the user.
        (steps("hello", "the order was late", "bye"), 1),
        (steps("hello"), None),
        ([BEFORE[0], StepText("tool", "tool_result", "{}"), BEFORE[2]], None),
    ],
)
def test_a_step_is_followed_by_its_text_then_by_its_place(after, expected):
    assert moved_step(1, BEFORE, after) == expected


def test_of_equal_steps_the_nearest_is_followed():
    assert moved_step(2, steps("a", "b", "x"), steps("x", "a", "b", "x", "x")) == 3


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        # «order» stood at characters 4 to 9 of the second step.
        (steps("hello", "the order was lost", "bye"), Anchor(1, 4, 9)),
        (steps("hello", "hello", "the order was lost"), Anchor(2, 4, 9)),
        (steps("hello", "your whole order is gone", "bye"), Anchor(1, 11, 16)),
        (steps("hello", "nothing of it", "an order"), Anchor(2, 3, 8)),
        (steps("order, hello", "gone"), Anchor(0, 0, 5)),
        (steps("hello", "nothing"), Anchor()),
        ([], Anchor()),
    ],
)
def test_a_quote_is_followed_and_becomes_the_whole_run_when_it_is_gone(after, expected):
    assert moved(Anchor(1, 4, 9), "order", BEFORE, after) == expected


def test_of_several_quotes_the_nearest_to_the_old_place_is_taken():
    after = steps("hello", "order order  order", "bye")
    assert moved(Anchor(1, 4, 9), "order", BEFORE, after) == Anchor(1, 6, 11)


def test_an_anchor_to_a_whole_step_follows_the_step():
    assert moved(Anchor(2), "", BEFORE, steps("bye")) == Anchor(0)


def test_an_anchor_to_the_whole_run_stays():
    assert moved(Anchor(), "", BEFORE, []) == Anchor()
