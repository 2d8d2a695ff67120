"""Runs: pieces of a stored text as they stand on the page, each with its position.

A browser selection becomes an anchor by adding up positions of runs, so a run's visible text is
the stored text from `at` on, except where HTML cannot carry it; then `length` says how many
stored characters it stands for.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_UNCARRIED = re.compile("\r\n|[\r\0\ud800-\udfff]")
"""What an HTML document cannot hold as it is: it would come out as something else."""


@dataclass(frozen=True)
class Mark:
    """Characters [start, end) of a text: what a note is anchored to, or a hit of a search."""

    note_id: int
    start: int
    end: int
    hue: int
    hit: int = 0
    """Number of the hit; 0 for the anchor of a note."""

    @property
    def name(self) -> str:
        """What the mark is called on the page."""
        return f"hit-{self.hit}" if self.hit else f"anchor-{self.note_id}"

    @property
    def css(self) -> str:
        return "hit" if self.hit else f"anchor hue-{self.hue}"


@dataclass(frozen=True)
class Run:
    """A piece of text between two boundaries of marks."""

    at: int
    text: str
    length: int | None = None
    """Stored characters it stands for, where the visible text is not the stored one."""
    marks: tuple[Mark, ...] = ()
    opens: tuple[str, ...] = ()
    """Names of the marks that begin with this run."""


class Runs:
    """Cuts one text into runs, in reading order; remembers which marks have begun."""

    def __init__(self, text: str, marks: Sequence[Mark] = ()) -> None:
        self.text = text
        self._marks = tuple(mark for mark in marks if mark.start < mark.end)
        self._boundaries = sorted({edge for mark in self._marks for edge in (mark.start, mark.end)})
        self._begun: set[str] = set()

    def cut(self, start: int, end: int) -> Iterator[Run]:
        """Yield the runs of characters [start, end)."""
        at = start
        for uncarried in _UNCARRIED.finditer(self.text, start, end):
            yield from self._between(at, uncarried.start())
            shown = "\n" if uncarried.group().startswith("\r") else "\ufffd"
            yield self.stand_in(uncarried.start(), uncarried.end(), shown)
            at = uncarried.end()
        yield from self._between(at, end)

    def stand_in(self, start: int, end: int, shown: str) -> Run:
        """Return a run that shows something else than characters [start, end)."""
        return self._run(start, end, shown, end - start)

    def _between(self, start: int, end: int) -> Iterator[Run]:
        while start < end:
            place = bisect_right(self._boundaries, start)
            following = self._boundaries[place] if place < len(self._boundaries) else end
            stop = min(following, end)
            yield self._run(start, stop, self.text[start:stop], None)
            start = stop

    def _run(self, start: int, end: int, shown: str, length: int | None) -> Run:
        marks = tuple(mark for mark in self._marks if mark.start < end and mark.end > start)
        opens = tuple(mark.name for mark in marks if mark.name not in self._begun)
        self._begun.update(opens)
        return Run(start, shown, length, marks, opens)
