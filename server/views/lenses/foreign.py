"""Answers that somebody else's server may have written: read without what could reach out.

A project's archive brings diagnoses with the charts they rest on, and those are specifications: one
could name data to fetch, or links of any kind.
"""

from typing import Any

_FETCHED = "url"
_LINKS = frozenset({"href", "traces"})


def harmless(value: Any) -> Any:
    """Return the JSON of an answer without addresses to fetch, its links only to this server."""
    if isinstance(value, dict):
        if {*value} == {"columns", "rows"}:
            return {**value, "rows": [_row(value["columns"], row) for row in value["rows"]]}
        return {
            key: _own(held) if key in _LINKS else harmless(held)
            for key, held in value.items()
            if key != _FETCHED
        }
    if isinstance(value, list):
        return [harmless(held) for held in value]
    return value


def _row(columns: list[str], row: list[Any]) -> list[Any]:
    return [
        _own(held) if column in _LINKS else harmless(held)
        for column, held in zip(columns, row, strict=True)
    ]


def _own(held: Any) -> Any:
    if isinstance(held, str):
        is_path = held.startswith(("/", "#", "?")) and not held.startswith(("//", "/\\"))
        return held if is_path else ""
    if isinstance(held, list):
        return [_own(one) for one in held]
    return harmless(held)
