"""JSON as a tree whose keys and values keep their place in the text."""

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum

MOST_NODES = 2_000
DEEPEST = 60
_TOKEN = re.compile(
    r'[\s,:]*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<bracket>[\[\]{}])|(?P<plain>[^\s,:\[\]{}"]+))'
)


class JsonKind(StrEnum):
    OBJECT = "object"
    ARRAY = "array"
    STRING = "string"
    NUMBER = "number"
    LITERAL = "literal"


@dataclass
class JsonNode:
    """A value at [start, end) of the text, with the place of its key inside an object."""

    kind: JsonKind
    start: int
    end: int = 0
    key: tuple[int, int] | None = None
    children: list["JsonNode"] = field(default_factory=list)


def parse_json(text: str) -> JsonNode | None:
    """Return the tree of an object or array; None for other texts and for enormous ones."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _tree(text)


def _tree(text: str) -> JsonNode | None:
    root: JsonNode | None = None
    inside: list[JsonNode] = []
    key: tuple[int, int] | None = None
    # Blanks that no token follows would be gone over again from each of them.
    for count, token in enumerate(_TOKEN.finditer(text.rstrip())):
        start, end = token.span(token.lastgroup or 0)
        if text[start] in "]}":
            inside.pop().end = end
            continue
        if count > MOST_NODES or len(inside) > DEEPEST:
            return None
        if inside and inside[-1].kind is JsonKind.OBJECT and key is None:
            key = (start, end)
            continue
        node = JsonNode(_kind(text[start]), start, end, key)
        key = None
        if inside:
            inside[-1].children.append(node)
        root = root or node
        if text[start] in "[{":
            inside.append(node)
    return root


def _kind(first: str) -> JsonKind:
    known = {"{": JsonKind.OBJECT, "[": JsonKind.ARRAY, '"': JsonKind.STRING}
    if first in known:
        return known[first]
    # NaN and Infinity, which Python reads, begin like literals; -Infinity like a number.
    return JsonKind.NUMBER if first in "-0123456789" else JsonKind.LITERAL
