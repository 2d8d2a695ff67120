"""Markdown to safe HTML in which every piece of text carries its place in the source."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape

import nh3
from markdown_it.token import Token

from server.markdown.code import HIGHLIGHTED_CHARACTERS, coloured
from server.markdown.positions import PositionLost, Positions, Source, positioned_parser
from server.markdown.runs import Mark, Run, Runs

_TAGS = {
    "paragraph": "p",
    "blockquote": "blockquote",
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "table": "table",
    "thead": "thead",
    "tbody": "tbody",
    "tr": "tr",
    "th": "th",
    "td": "td",
    "em": "em",
    "strong": "strong",
    "s": "s",
}
_ALLOWED_TAGS = {*_TAGS.values(), "div", "pre", "code", "span", "mark", "br", "hr"}
_ALLOWED_ATTRIBUTES = {
    "*": {"class"},
    "span": {"data-at", "data-length"},
    "mark": {"data-note", "id"},
    "ol": {"start"},
    "table": {"tabindex"},
}
_LIST_NUMBER = re.compile(r"\d{1,9}[.)](?=\s|$)")
_WORD = re.compile(r"[^\W_]")
_PARSER = positioned_parser()


@lru_cache(maxsize=512)
def to_html(text: str, marks: tuple[Mark, ...] = ()) -> str:
    """Render Markdown; a text whose words would not all come out is shown as it is written."""
    try:
        page = _Writer(text, marks).prose()
    except PositionLost:
        page = _Writer(text, marks).plain()
    return nh3.clean(
        page, tags=_ALLOWED_TAGS, attributes=_ALLOWED_ATTRIBUTES, link_rel=None, url_schemes=set()
    )


class _Writer:
    """Writes one text; `_written` is how far it has come in the source."""

    def __init__(self, text: str, marks: Sequence[Mark]) -> None:
        self._text = text
        self._runs = Runs(text, marks)
        self._source = Source(text)
        self._parts: list[str] = []
        self._written = 0
        self._colours_left = HIGHLIGHTED_CHARACTERS

    def plain(self) -> str:
        self._parts.append('<div class="plain-text">')
        self._write(self._runs.cut(0, len(self._text)))
        self._parts.append("</div>")
        return "".join(self._parts)

    def prose(self) -> str:
        tokens = _PARSER.parse(self._text)
        row: list[Positions] = []
        for place, token in enumerate(tokens):
            if token.type == "tr_open":
                row = self._row(tokens, place)
            if token.type == "inline":
                in_row = tokens[place - 1].type in ("th_open", "td_open")
                at = row.pop(0) if in_row else self._source.block(token.content, token.map or ())
                self._inline(token, at)
            else:
                self._block(token)
        self._pass_over(len(self._text))
        return "".join(self._parts)

    def _row(self, tokens: Sequence[Token], place: int) -> list[Positions]:
        cells = []
        for token in tokens[place:]:
            if token.type == "tr_close":
                break
            if token.type == "inline":
                cells.append(token.content)
        return self._source.row(cells, (tokens[place].map or [0])[0])

    def _block(self, token: Token) -> None:
        if token.hidden:
            # Items of a list without blank lines: the item is enough, its paragraph only divides.
            self._parts.append("\n" if token.nesting < 0 else "")
        elif token.type in ("fence", "code_block"):
            self._code(token)
        elif token.type == "hr":
            self._parts.append("<hr>")
        elif token.type == "heading_open":
            # The page's own headings make its outline; a trace's are only set off.
            self._parts.append(f'<p class="heading heading-{token.tag[1:]}">')
        elif token.type == "heading_close":
            self._parts.append("</p>")
        else:
            self._tag(token)

    def _tag(self, token: Token) -> None:
        name = _TAGS.get(token.type.removesuffix("_open").removesuffix("_close"))
        if name is None:
            raise PositionLost
        if token.nesting < 0:
            self._parts.append(f"</{name}>")
        elif name == "ol" and "start" in token.attrs:
            self._parts.append(f'<ol start="{int(token.attrs["start"])}">')
        elif name == "table":
            # It may scroll sideways, which has to work by keyboard too.
            self._parts.append('<table tabindex="0">')
        else:
            self._parts.append(f"<{name}>")

    def _inline(self, token: Token, positions: Positions) -> None:
        for child in token.children or ():
            at = child.meta.get("at", 0)
            if child.type == "text":
                self._slice(positions, token.content, at, at + len(child.content))
            elif child.type == "text_special":
                self._special(positions, token.content, child, at)
            elif child.type == "code_inline":
                self._code_inline(positions, token.content, child, at)
            elif child.type in ("softbreak", "hardbreak"):
                self._parts.append("<br>")
            elif child.type == "link_open":
                self._parts.append('<span class="link">')
            elif child.type == "link_close":
                self._parts.append('</span><span class="address">')
                self._slice(positions, token.content, at + 1, child.meta["end"])
                self._parts.append("</span>")
            else:
                self._tag(child)

    def _special(self, positions: Positions, content: str, token: Token, at: int) -> None:
        if token.info == "escape":
            skipped = len(token.markup) - len(token.content)
            self._slice(positions, content, at + skipped, at + len(token.markup))
            return
        ((_, _, place),) = positions.cut(at, at + len(token.markup))
        if place is None:
            raise PositionLost
        self._write([self._runs.stand_in(place, place + len(token.markup), token.content)])

    def _code_inline(self, positions: Positions, content: str, token: Token, at: int) -> None:
        start = at + len(token.markup)
        if content[start : start + len(token.content)].replace("\n", " ") != token.content:
            start += 1
        self._parts.append("<code>")
        self._slice(positions, content, start, start + len(token.content))
        self._parts.append("</code>")

    def _code(self, token: Token) -> None:
        language = ""
        if token.type == "fence":
            first = (token.map or [0])[0]
            if token.info.strip():
                language = token.info.split()[0]
                self._parts.append('<div class="code-language">')
                where = self._source.block(token.info.strip(), (first, first + 1))
                self._slice(where, token.info.strip(), 0, len(token.info.strip()))
                self._parts.append("</div>")
        skipped = 1 if token.type == "fence" else 0
        code = token.content.removesuffix("\n")
        positions = self._source.block(code, token.map or (), skipped=skipped)
        self._parts.append('<pre class="highlight"><code>')
        self._colours_left -= len(code)
        for start, end, css in coloured(code, language if self._colours_left >= 0 else ""):
            self._slice(positions, code, start, end, css)
        self._parts.append("</code></pre>")

    def _slice(
        self, positions: Positions, content: str, start: int, end: int, css: str = ""
    ) -> None:
        """Write characters of a block's content; spaces that the source lacks carry no place."""
        for first, last, at in positions.cut(start, end):
            if at is None:
                if content[first:last].strip():
                    raise PositionLost
                self._parts.append(content[first:last])
            else:
                shown = self._text[at : at + last - first].replace("\0", "\ufffd")
                if shown != content[first:last]:
                    raise PositionLost
                self._write(self._runs.cut(at, at + last - first), css)

    def _write(self, runs: Iterable[Run], css: str = "") -> None:
        for run in runs:
            self._pass_over(run.at)
            self._written = run.at + (run.length or len(run.text))
            self._parts.append(_html(run, css))

    def _pass_over(self, at: int) -> None:
        """Leave out markup up to `at`; words may never be left out, nor written twice."""
        left_out = self._text[self._written : at]
        if at < self._written or _WORD.search(_LIST_NUMBER.sub("", left_out)):
            raise PositionLost


def _html(run: Run, css: str) -> str:
    length = f' data-length="{run.length}"' if run.length is not None else ""
    shown = f' class="{css}"' if css else ""
    html = f'<span data-at="{run.at}"{length}{shown}>{escape(run.text, quote=False)}</span>'
    for mark in reversed(run.marks):
        opened = f' id="{mark.name}"' if mark.name in run.opens else ""
        note = f' data-note="{mark.note_id}"' if mark.note_id else ""
        html = f'<mark class="{mark.css}"{note}{opened}>{html}</mark>'
    return html
