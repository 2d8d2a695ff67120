"""What a project holds, as bytes that two ways to the same thing have in common.

Of the archive's tables every row, but for times; ids become places in their table, because
PostgreSQL does not hand out the ids of a lost chunk again.
"""

import json
from typing import Any

import sqlalchemy as sa

from server.archive.tables import ARCHIVED, references, table_of
from server.db import Database

_TIMES = ("_at", "seconds")
_BY_CHANCE = ("stored_path", "run_id")
_OF_RUNS = ("analysis_run",)
"""Who performed it, and how often it was begun, is no content."""


def contents(database: Database) -> bytes:
    """Return every archived row as lines of JSON."""
    places: dict[str, dict[int, int]] = {}
    lines: list[str] = []
    with database.engine.connect() as connection:
        for model in ARCHIVED:
            table = table_of(model)
            found = connection.execute(sa.select(table).order_by(table.c.id)).mappings().all()
            places[table.name] = {row["id"]: place for place, row in enumerate(found, 1)}
            if table.name in _OF_RUNS:
                continue
            refers = {reference.column: reference.table for reference in references(model)}
            for row in found:
                plain = _plain(dict(row), table.name, refers, places)
                lines.append(json.dumps([table.name, plain]))
    return "\n".join(lines).encode()


def _plain(
    values: dict[str, Any],
    table: str,
    refers: dict[str, str],
    places: dict[str, dict[int, int]],
) -> dict[str, Any]:
    plain = {}
    for name, value in values.items():
        if name.endswith(_TIMES) or name in _BY_CHANCE:
            continue
        if name == "id":
            plain[name] = places[table][value]
        elif name in refers and value is not None:
            plain[name] = places[refers[name]].get(value, value)
        else:
            plain[name] = _without_times(value)
    return plain


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        kept = ((key, inner) for key, inner in value.items() if not key.endswith(_TIMES))
        return {key: _without_times(inner) for key, inner in kept}
    if isinstance(value, list):
        return [_without_times(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)
