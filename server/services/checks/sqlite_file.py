"""A SQLite database: readable, whole, free to write, its full-text index in step."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from server.services.checks.findings import Check, fixed, trouble, warning, well

_LOCKED_AFTER_S = 3.0
_OLDEST = (3, 38, 0)
"""The first whose JSON functions and operators are always there."""
_PRIMARY = 0xFF
_RESTORE = (
    "Stop Faultbook, keep the damaged file, and restore the latest backup into an empty --data: "
    "docs/operating.md."
)


def library(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> Check:
    """Whether SQLite itself is recent enough and was built with full-text search."""
    name, told = "SQLite", ".".join(map(str, version))
    remedy = "Use a Python that comes with a newer SQLite, such as those of uv or conda."
    if version < _OLDEST:
        needed = ".".join(map(str, _OLDEST))
        return trouble(name, f"version {told}, {needed} or later is needed", remedy)
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE words USING fts5(text)")
            connection.execute("""SELECT '{"a": 1}' ->> 'a'""")
        except sqlite3.OperationalError as error:
            return trouble(name, f"version {told}: {error}", remedy)
    return well(name, f"version {told}, with full-text search and JSON")


def examine(path: Path, *, fix: bool, wait_s: float = _LOCKED_AFTER_S) -> Iterator[Check]:
    """Look at a SQLite file; what cannot be told of a damaged one is left out."""
    if not path.is_file():
        yield trouble(
            "database",
            f"{path} is not there",
            "Name the right --data, restore a backup, or begin anew by «faultbook migrate».",
        )
        return
    with closing(sqlite3.connect(path, timeout=wait_s, isolation_level=None)) as opened:
        try:
            integrity = _integrity(opened)
            yield integrity
            lock = _lock(opened, wait_s)
            yield lock
            if not integrity.remedy and not lock.remedy:
                yield from _index(opened, fix=fix)
        except sqlite3.DatabaseError as error:
            yield trouble("database integrity", f"{path} cannot be read: {error}", _RESTORE)


def _integrity(opened: sqlite3.Connection) -> Check:
    name = "database integrity"
    found = [str(row[0]) for row in opened.execute("PRAGMA integrity_check(5)")]
    if found != ["ok"] and not all("fts5" in told or "inverted index" in told for told in found):
        return trouble(name, "; ".join(found), _RESTORE)
    broken = opened.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        return trouble(
            name, f"a row of {broken[0]} refers to one of {broken[2]} that is gone", _RESTORE
        )
    return well(name, "no damage found")


def _lock(opened: sqlite3.Connection, wait_s: float) -> Check:
    name = "database lock"
    try:
        opened.execute("BEGIN IMMEDIATE")
        opened.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & _PRIMARY == sqlite3.SQLITE_READONLY:
            return trouble(
                name,
                f"it cannot be written: {error}",
                "Give its file and folder to the user of Faultbook.",
            )
        if error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY:
            raise
        return trouble(
            name,
            f"something has kept it from being written for {wait_s:.0f} s",
            "Wait for a migration or import to end; else find who holds it by «fuser -v FILE».",
        )
    return well(name, "it can be written")


def _index(opened: sqlite3.Connection, *, fix: bool) -> Iterator[Check]:
    name = "search index"
    if not opened.execute("SELECT 1 FROM sqlite_master WHERE name = 'trace_text'").fetchone():
        return
    try:
        opened.execute("INSERT INTO trace_text(trace_text, rank) VALUES ('integrity-check', 1)")
    except sqlite3.DatabaseError as error:
        if fix:
            opened.execute("INSERT INTO trace_text(trace_text) VALUES ('rebuild')")
            yield fixed(name, "it did not agree with the traces, and was built anew")
            return
        yield warning(
            name,
            f"it does not agree with the traces ({error}): searches miss some",
            "faultbook doctor --fix",
        )
        return
    yield well(name, "it agrees with the traces")
