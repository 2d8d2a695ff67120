"""Where parsed Markdown stands in the text it was parsed from.

markdown-it-py knows the lines of a block but not the columns of its words. Here the inline
parser notes where each token begins in its content, and `Source` finds the content's lines in
the text again. What cannot be found raises `PositionLost`; the text is then shown unparsed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.link import link
from markdown_it.token import Token
from markdown_it.utils import EnvType

_LINE_END = re.compile(r"\r\n?|\n")
_UNUSED = ("image", "autolink", "html_inline", "html_block", "reference")
"""Images and automatic links stay as written; definitions of references would vanish."""
_JOINING = ("fragments_join", "text_join")
"""Rules that melt neighbouring texts into one and lose their positions."""


class PositionLost(Exception):
    """A parsed text could not be found in the stored one."""


class _State(StateInline):
    """Notes in `token.meta["at"]` where each inline token begins in the content."""

    _pending_at = 0
    _last: tuple[Token, int] | None = None

    def append_pending(self, text: str) -> None:
        if not self.pending:
            self._pending_at = self.pos
        super().append_pending(text)

    def pushPending(self) -> Token:
        token = super().pushPending()
        token.meta["at"] = self._pending_at
        return token

    def push(self, ttype: str, tag: str, nesting: Literal[-1, 0, 1]) -> Token:
        token = super().push(ttype, tag, nesting)
        at = self.pos
        if ttype == "text":
            # A row of `***` is pushed mark by mark while the position stays at the first.
            if self._last is not None and self._last[1] == self.pos:
                at = self._last[0].meta["at"] + len(self._last[0].content)
            self._last = (token, self.pos)
        token.meta["at"] = at
        return token


class _Parser(ParserInline):
    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = _State(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def _link(state: StateInline, silent: bool) -> bool:
    found = link(state, silent)
    if found and not silent:
        state.tokens[-1].meta["end"] = state.pos
    return found


def positioned_parser() -> MarkdownIt:
    """Return CommonMark with tables and strikethrough whose inline tokens know their place."""
    parser = MarkdownIt()
    parser.inline = _Parser()
    parser.configure("commonmark", {"html": False})
    parser.enable(["table", "strikethrough"])
    parser.disable([*_UNUSED, *_JOINING])
    parser.inline.ruler.at("link", _link)
    return parser


@dataclass(frozen=True)
class Piece:
    """Characters [start, end) of a content, which stand from `at` on in the stored text."""

    start: int
    end: int
    at: int


@dataclass(frozen=True)
class Positions:
    """Where a block's content stands; characters between pieces are not in the stored text."""

    pieces: tuple[Piece, ...]

    def cut(self, start: int, end: int) -> Iterator[tuple[int, int, int | None]]:
        """Yield parts of [start, end) with their place in the stored text, None for none."""
        for piece in self.pieces:
            if piece.end <= start:
                continue
            if piece.start >= end:
                break
            if start < piece.start:
                yield start, piece.start, None
                start = piece.start
            stop = min(end, piece.end)
            yield start, stop, piece.at + start - piece.start
            start = stop
        if start < end:
            yield start, end, None


class Source:
    """A stored text by lines, in which contents of blocks are found again."""

    def __init__(self, text: str) -> None:
        ends = [*_LINE_END.finditer(text)]
        self._starts = [0, *(end.end() for end in ends)]
        stops = [*(end.start() for end in ends), len(text)]
        spans = zip(self._starts, stops, strict=True)
        self._lines = [text[start:stop].replace("\0", "\ufffd") for start, stop in spans]

    def block(self, content: str, lines: Sequence[int], *, skipped: int = 0) -> Positions:
        """Find a content whose lines stand one below the other, from `lines[0] + skipped` on."""
        pieces = []
        start, number = 0, lines[0] + skipped
        for line in content.split("\n"):
            if line.strip():
                while (piece := self._in_line(line, number, start)) is None:
                    number += 1
                    if number >= min(lines[1], len(self._lines)):
                        raise PositionLost
                pieces.append(piece)
            number += 1
            start += len(line) + 1
        return Positions(tuple(pieces))

    def _in_line(self, line: str, number: int, start: int) -> Piece | None:
        """Find one line of a content; tabs before it may have become spaces."""
        if number >= len(self._lines):
            return None
        whole, wanted = self._lines[number], line.rstrip()
        if whole.rstrip().endswith(wanted):
            column, indent = len(whole.rstrip()) - len(wanted), 0
        else:
            indent = len(wanted) - len(wanted.lstrip())
            column = whole.rfind(wanted[indent:])
            if column < 0:
                return None
        kept = line if whole.startswith(line[indent:], column) else wanted
        return Piece(start + indent, start + len(kept), self._starts[number] + column)

    def row(self, cells: Sequence[str], number: int) -> list[Positions]:
        """Find the cells of a table's row, in which a pipe is written with a backslash."""
        filled = [place for place, cell in enumerate(cells) if cell]
        if not filled:
            return [Positions(()) for _ in cells]
        pattern, before = "", filled[0]
        for place in filled:
            pattern += r"\s*+\|" * (place - before) + (r"\s*+" if pattern else "")
            pattern += "(" + re.escape(cells[place]).replace(r"\|", r"\\?\|") + ")"
            before = place
        found = re.search(pattern + r"\s*+(?:\||$)", self._lines[number])
        if found is None:
            raise PositionLost
        positions = [Positions(()) for _ in cells]
        for group, place in enumerate(filled, 1):
            column = self._starts[number] + found.start(group)
            positions[place] = Positions(tuple(_unescaped(found.group(group), column)))
        return positions


def _unescaped(written: str, at: int) -> Iterator[Piece]:
    r"""Yield the pieces of a cell between the backslashes of its `\|`."""
    start = 0
    for number, part in enumerate(written.split("\\|")):
        text = part if number == 0 else f"|{part}"
        if text:
            yield Piece(start, start + len(text), at)
        start += len(text)
        at += len(text) + 1
