"""Code in colours, as classes; the characters stay where they are."""

from collections.abc import Iterator

from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

HIGHLIGHTED_CHARACTERS = 20_000
"""Of one text, all its code together; what is longer stays plain: some lexers take a time quadratic
in its length."""


def coloured(code: str, language: str) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, class) of every piece of the code, without a gap."""
    pieces = [*_lexed(code, language)] if language else []
    if "".join(code[start:end] for start, end, _ in pieces) == code:
        yield from pieces
    else:
        yield 0, len(code), ""


def _lexed(code: str, language: str) -> Iterator[tuple[int, int, str]]:
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return
    for at, kind, value in lexer.get_tokens_unprocessed(code):
        yield at, at + len(value), STANDARD_TYPES.get(kind, "")
