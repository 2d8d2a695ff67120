"""The map of notes: where each lies, and under which mode it stands."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.artefacts import GroupArtefact
from server.views.notes import NoteView

WIDTH, HEIGHT, MARGIN = 328, 240, 12


@dataclass(frozen=True)
class MapPoint:
    """One note as a circle; without a hue it stands under no mode and is drawn hollow."""

    note: int
    x: float
    y: float
    hue: int | None
    title: str


def map_points(
    artefact: GroupArtefact, notes: Mapping[int, NoteView], hues: Mapping[int, int]
) -> tuple[MapPoint, ...]:
    """Place the notes that the run knew and that are still there, filling the box."""
    low, high = artefact.points.min(axis=0), artefact.points.max(axis=0)
    extent = [float(value) or 1.0 for value in high - low]
    return tuple(
        MapPoint(
            note=note,
            x=round(MARGIN + (WIDTH - 2 * MARGIN) * float(x - low[0]) / extent[0], 1),
            y=round(MARGIN + (HEIGHT - 2 * MARGIN) * float(y - low[1]) / extent[1], 1),
            hue=hues.get(note),
            title=notes[note].text,
        )
        for note, (x, y) in zip(artefact.note_ids, artefact.points, strict=True)
        if note in notes
    )
