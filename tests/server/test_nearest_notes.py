"""Constant comparison on a mode's page: which notes from outside are shown."""

from server.views.nearest_notes import Surroundings, in_other_words
from server.views.notes import NoteView


def test_notes_in_the_same_words_and_mode_stand_as_one() -> None:
    texts = {1: "Loops", 2: "loops ", 3: "Loops", 4: "Gives up"}
    notes = {n: NoteView(n, text, f"trace {n}", "") for n, text in texts.items()}
    around = Surroundings(notes, placed={3: 7}, names={7: "Repeats"})
    found = [(0.2, 4), (0.5, 1), (0.9, 2), (0.4, 3)]
    assert in_other_words(found, around) == [(0.9, 2, 1), (0.4, 3, 0), (0.2, 4, 0)]
