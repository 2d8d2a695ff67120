"""Search inside a trace: every place where a text stands, and the way from one to the next."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from sqlmodel import Session

from server.markdown import Mark
from server.queries import readings as queries

MOST = 500
"""Places that are marked and walked through; of more the page says that there are more."""


@dataclass(frozen=True)
class Hit:
    """One place, numbered from 1 in reading order."""

    number: int
    step: int
    start: int
    end: int


@dataclass(frozen=True)
class Hits:
    """What a search found in a trace, and at which of the places somebody looks."""

    text: str = ""
    found: tuple[Hit, ...] = ()
    current: int = 1
    are_all: bool = True

    @property
    def here(self) -> Hit | None:
        return self.found[self.current - 1] if self.found else None

    @property
    def query(self) -> str:
        """The search as part of an address; empty without one."""
        return urlencode({"text": self.text}) if self.text else ""

    def marks(self) -> Mapping[int, tuple[Mark, ...]]:
        """Return the places by step, to be marked in its text."""
        marks: dict[int, tuple[Mark, ...]] = {}
        for hit in self.found:
            mark = Mark(0, hit.start, hit.end, 0, hit=hit.number)
            marks[hit.step] = (*marks.get(hit.step, ()), mark)
        return marks


@dataclass(frozen=True)
class SearchBar:
    """The bar of a search: which place of how many, and the ways on; empty where there is none."""

    text: str
    standing: str
    previous: str
    next: str


def find(session: Session, trace_id: int, text: str, current: int = 1) -> Hits:
    """Find a text in the steps of a trace, whatever its case."""
    text = text.strip()
    if not text:
        return Hits()
    pattern = re.compile(re.escape(text), re.IGNORECASE)
    found: list[Hit] = []
    for position, stored in session.execute(queries.texts(trace_id)):
        for match in pattern.finditer(stored):
            if len(found) == MOST:
                return _at(text, found, current, are_all=False)
            found.append(Hit(len(found) + 1, position, *match.span()))
    return _at(text, found, current, are_all=True)


def _at(text: str, found: list[Hit], current: int, *, are_all: bool) -> Hits:
    return Hits(text, tuple(found), min(max(current, 1), max(len(found), 1)), are_all)


def search_bar(hits: Hits) -> SearchBar | None:
    """Return the bar of a search; None where nobody searches."""
    if not hits.text:
        return None
    count = len(hits.found)
    if not count:
        return SearchBar(hits.text, "not in this trace", "", "")
    total = f"{count:,}" if hits.are_all else f"the first {count:,}"
    return SearchBar(
        hits.text,
        f"{hits.current:,} of {total}",
        _link(hits, (hits.current - 2) % count + 1),
        _link(hits, hits.current % count + 1),
    )


def _link(hits: Hits, number: int) -> str:
    return f"?{urlencode({'text': hits.text, 'hit': number})}#hit-{number}"
