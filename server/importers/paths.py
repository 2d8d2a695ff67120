"""Dotted paths into a record: what stands there, and the record without it."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from server.importers import strict_json
from server.importers.base import FieldProblem

_NOTHING: Final = object()
_DEPTH = 200


def lookup(record: Mapping[str, Any], path: str) -> Any:
    """Return what stands at a path (`meta.model`, `messages.0.content`), or None.

    A key that itself holds dots is found first. A text that is JSON, as in a CSV cell, is
    looked into.
    """
    value = _at(record, path)
    return None if value is _NOTHING else value


def holds(record: Mapping[str, Any], path: str) -> bool:
    """Return whether a record has the path, whatever stands there."""
    return _at(record, path) is not _NOTHING


def without(record: Mapping[str, Any], taken: Iterable[str]) -> dict[str, Any]:
    """Return the record without what stands at some paths; everything around it is kept.

    An object that is left empty goes. A text that is JSON stays as it is written.
    """
    kept = dict(record)
    for path in taken:
        kept = _without(kept, [path] if path in kept else path.split("."))
    return kept


def _at(record: Mapping[str, Any], path: str) -> Any:
    if path in record:
        return record[path]
    value: Any = record
    for part in path.split("."):
        value = _child(opened(value), part)
    return value


def _child(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(part, _NOTHING)
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]
    return _NOTHING


def opened(value: Any) -> Any:
    """Return what a JSON text stands for; anything else as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return strict_json.parse(value, max_depth=_DEPTH)
    except FieldProblem:
        return value


def _without(value: Any, parts: list[str]) -> Any:
    head, rest = parts[0], parts[1:]
    if isinstance(value, dict) and head in value:
        others = {key: child for key, child in value.items() if key != head}
        left = _without(value[head], rest) if rest else {}
        was_emptied = left == {} and (not rest or value[head] != {})
        return others if was_emptied else {**value, head: left}
    if isinstance(value, list) and rest and head.isdecimal() and int(head) < len(value):
        place = int(head)
        return [*value[:place], _without(value[place], rest), *value[place + 1 :]]
    return value
