"""The map of notes: where each lies, and under which mode it stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from server.views.latest_groups import LatestGroups
from server.views.notes import NoteView

WIDTH, HEIGHT, MARGIN = 328, 240, 12
MOST_POINTS = 400
"""Of more notes every second, third … is drawn: circles would only cover each other."""


@dataclass(frozen=True)
class MapPoint:
    """One note as a circle; without a hue it stands under no mode and is drawn hollow."""

    note: int
    x: float
    y: float
    hue: int | None
    title: str


def map_points(
    latest: LatestGroups, notes: Mapping[int, NoteView], hues: Mapping[int, int]
) -> tuple[MapPoint, ...]:
    """Place notes that the run knew and that are still there, evenly chosen, filling the box."""
    places = latest.artefact.points if latest.layout is None else latest.layout
    low, high = places.min(axis=0), places.max(axis=0)
    extent = [float(value) or 1.0 for value in high - low]
    known = [
        (note, place)
        for note, place in zip(latest.artefact.note_ids, places, strict=True)
        if note in notes
    ]
    return tuple(
        MapPoint(
            note=note,
            x=round(MARGIN + (WIDTH - 2 * MARGIN) * float(x - low[0]) / extent[0], 1),
            y=round(MARGIN + (HEIGHT - 2 * MARGIN) * float(y - low[1]) / extent[1], 1),
            hue=hues.get(note),
            title=notes[note].text,
        )
        for note, (x, y) in known[:: ceil(len(known) / MOST_POINTS) or 1]
    )
