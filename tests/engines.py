"""Database engines in tests: each has a database of its own, but none translates SQL anew."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache

_STATEMENTS = 3_000
_first: dict[type, Engine] = {}
"""An engine of each kind that has been connected, and so knows its database's version."""
_translated: LRUCache[Any, Any] = LRUCache(_STATEMENTS)


def translate_once() -> None:
    """Let the engines of this process share the SQL that they make of statements.

    A server keeps it in its one engine; with an engine for each test it took a sixth of the time.
    """
    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        dialect.engine_created = classmethod(_share)  # type: ignore[assignment]


def _share(kind: type, engine: Engine) -> None:
    engine.update_execution_options(compiled_cache=_translated)
    first = _first.get(kind)
    if first is None:
        sa.event.listen(engine, "connect", lambda *_: _first.setdefault(kind, engine), once=True)
    else:
        engine.dialect = engine.pool._dialect = first.dialect
