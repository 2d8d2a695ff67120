"""Constant comparison: the notes outside a mode that read most like those inside."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from analysis.matching import suggest_modes
from server.views.latest_groups import LatestGroups
from server.views.notes import NoteView

SHOWN = 12


@dataclass(frozen=True)
class NearNote:
    """A note outside the mode that reads like those inside."""

    note: NoteView
    similarity: str
    under: str
    is_counter_example: bool
    alike: int
    """Further notes in the same words, under the same mode."""


@dataclass(frozen=True)
class Surroundings:
    """The notes somebody may see, and where each stands."""

    notes: Mapping[int, NoteView]
    placed: Mapping[int, int]
    """Note to mode."""
    names: Mapping[int, str]
    """Mode to its name."""


def nearest_outside(
    latest: LatestGroups | None,
    mode_id: int,
    around: Surroundings,
    *,
    counter_examples: Collection[int | None],
) -> tuple[NearNote, ...]:
    """Rank the notes outside a mode by their likeness to those inside; none before a first run.

    Notes in the same words and the same mode stand as one, so that they do not crowd out others.
    """
    if latest is None:
        return ()
    vectors = latest.artefact.vectors
    rows = {n: row for row, n in enumerate(latest.artefact.note_ids) if n in around.notes}
    inside = [row for note, row in rows.items() if around.placed.get(note) == mode_id]
    found = [
        (suggestion.score, note)
        for note, row in rows.items()
        if around.placed.get(note) != mode_id
        for suggestion in suggest_modes(vectors[row], {mode_id: vectors[inside]}, most=1)
    ]
    return tuple(
        NearNote(
            note=around.notes[note],
            similarity=f"{score:.2f}".replace("0.", ".", 1).replace("-", "−"),
            under=around.names.get(around.placed.get(note, 0), ""),
            is_counter_example=note in counter_examples,
            alike=alike,
        )
        for score, note, alike in in_other_words(found, around)[:SHOWN]
    )


def in_other_words(
    found: list[tuple[float, int]], around: Surroundings
) -> list[tuple[float, int, int]]:
    """Return the best of each wording in each mode, with how many more say the same."""
    alike: dict[tuple[str, int | None], list[tuple[float, int]]] = {}
    for score, note in sorted(found, key=lambda pair: -pair[0]):
        words = " ".join(around.notes[note].text.casefold().split())
        alike.setdefault((words, around.placed.get(note)), []).append((score, note))
    return [(*best, len(others)) for best, *others in alike.values()]
