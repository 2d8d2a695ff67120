"""Repetition in other words: lines said again, openings begun again, frames that grow.

Two pieces of text say the same as far as they share shingles: runs of five words.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

SHINGLE_WORDS = 5
SHARED = 0.8
LAST_LINES = 40
FEWEST_LINES = 20
REPEATING_LINES = 0.5
LAST_PARAGRAPHS = 20
RESTARTS = 6
_OPENING_WORDS = 4
_SHORT_PARAGRAPH = 600
_FEWEST_GROWING = 6
_GROWING_SHARE = 0.8
_LONGEST_CYCLE = 4
_WORD = re.compile(r"\w+")
_LINE = re.compile(r"[^\n]+")
_SENTENCE = re.compile(r"[^\n.!?]+[.!?]*")
_PARAGRAPH = re.compile(r"(?:[^\n]|\n(?![ \t\r]*\n))+")

Shingles = frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class Piece:
    """A line, sentence or paragraph: where it begins, and its words."""

    start: int
    length: int
    words: tuple[str, ...]

    @property
    def shingles(self) -> Shingles:
        """Its runs of five words; none where it has fewer."""
        width = range(SHINGLE_WORDS)
        return frozenset(zip(*(self.words[offset:] for offset in width), strict=False))


@dataclass(frozen=True)
class Rewording:
    """Where it begins, and how many pieces say again what was said."""

    start: int
    count: int


def paraphrase(text: str) -> Rewording | None:
    """Return where lines begin to say again what earlier lines said.

    At least half of the last 40 lines (of sentences, where there are fewer than 20 lines) share
    0.8 of their shingles with one earlier line. Lines below five words never count as shared.
    """
    pieces = _pieces(text, _LINE)
    if len(pieces) < FEWEST_LINES:
        pieces = _pieces(text, _SENTENCE)
    if len(pieces) < FEWEST_LINES:
        return None
    first = max(0, len(pieces) - LAST_LINES)
    late = [*_said_before(pieces, first)]
    if len(late) < REPEATING_LINES * (len(pieces) - first):
        return None
    return Rewording(pieces[late[0]].start, len(late))


def _said_before(pieces: Sequence[Piece], first: int) -> Iterator[int]:
    """Yield which pieces from `first` on share most of their shingles with one earlier piece."""
    shingles = [piece.shingles for piece in pieces]
    asked = frozenset[tuple[str, ...]]().union(*shingles[first:])
    lines_of: dict[tuple[str, ...], list[int]] = {}
    for number, own in enumerate(shingles):
        if number >= first and own:
            known = [lines_of[shingle] for shingle in own if shingle in lines_of]
            # A line can't share more shingles than any lines do: most need no counting.
            if len(known) >= SHARED * len(own):
                shared = Counter(chain.from_iterable(known))
                if max(shared.values()) >= SHARED * len(own):
                    yield number
        for shingle in own & asked:
            lines_of.setdefault(shingle, []).append(number)


def restarts(text: str) -> Rewording | None:
    """Return where short paragraphs begin to start alike: 6 or more of the last 20.

    Alike: the same first four words. Short: 600 characters at most.
    """
    pieces = [piece for piece in _pieces(text, _PARAGRAPH)[-LAST_PARAGRAPHS:] if piece.words]
    openings: dict[tuple[str, ...], list[int]] = {}
    for piece in pieces:
        if len(piece.words) >= _OPENING_WORDS and piece.length <= _SHORT_PARAGRAPH:
            openings.setdefault(piece.words[:_OPENING_WORDS], []).append(piece.start)
    starts = max(openings.values(), key=len, default=[])
    return Rewording(starts[0], len(starts)) if len(starts) >= RESTARTS else None


def growing(text: str) -> Rewording | None:
    """Return where paragraphs begin to repeat the one before, each longer than that.

    Of at least six paragraphs, 80 % share 0.8 of the shorter one's shingles with the one k
    before (k up to 4) and are longer. The last paragraph is left out: the cut made it short.
    """
    pieces = [piece for piece in _pieces(text, _PARAGRAPH)[:-1] if piece.words]
    pieces = pieces[-LAST_PARAGRAPHS:]
    shingles = [piece.shingles for piece in pieces]
    for cycle in range(1, _LONGEST_CYCLE + 1):
        grown = [
            number
            for number in range(cycle, len(pieces))
            if pieces[number].length > pieces[number - cycle].length
            and _overlap(shingles[number], shingles[number - cycle]) >= SHARED
        ]
        compared = len(pieces) - cycle
        if compared >= _FEWEST_GROWING and len(grown) >= _GROWING_SHARE * compared:
            return Rewording(pieces[grown[0] - cycle].start, len(grown))
    return None


def _overlap(first: Shingles, second: Shingles) -> float:
    fewest = min(len(first), len(second))
    return len(first & second) / fewest if fewest else 0.0


def _pieces(text: str, pattern: re.Pattern[str]) -> Sequence[Piece]:
    return [
        Piece(match.start(), match.end() - match.start(), tuple(_WORD.findall(match[0].casefold())))
        for match in pattern.finditer(text)
        if not match[0].isspace()
    ]
