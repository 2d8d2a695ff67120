"""Where a database moves to: an empty one, that is full at once or stays empty."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from server import schema
from server.db import Database, is_sqlite
from server.errors import Conflict, Invalid
from server.services.moved_rows import ROWS_AT_ONCE, counts, tables

_UNFINISHED = ".unfinished"
_FOREIGN_KEYS = """SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)
    FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"""
_INDEXES = """SELECT quote_ident(relname), pg_get_indexdef(indexrelid) FROM pg_index
    JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relnamespace = current_schema()::regnamespace AND indrelid IN (
        SELECT to_regclass(quote_ident(name)) FROM unnest(CAST(:tables AS text[])) AS name)
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)"""


@dataclass
class Target:
    """An empty database in a transaction that ends with all of another's rows in it, or none."""

    connection: Connection
    json_as_text: bool
    write: Callable[[sa.TableClause, Iterable[Sequence[Any]]], None]
    _left: list[str] = field(default_factory=list)
    """Statements that make what was taken away for the time of writing."""

    def steps_left(self) -> Iterator[None]:
        """Build indexes and check references, a step at a time."""
        for statement in self._left:
            self.connection.exec_driver_sql(statement.replace("%", "%%"))
            yield
        if self.connection.dialect.name == "sqlite":
            found = self.connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            if found is not None:
                raise Invalid(f"A row of {found[0]} refers to one of {found[2]} that is not there.")


@contextmanager
def opened_target(url: str) -> Iterator[Target]:
    """Open the database behind `url` at this version's schema; what is written stays at the end.

    Raises:
        Conflict: It is not empty, or somebody uses it.
    """
    if is_sqlite(url):
        path = sa.make_url(url).database
        if not path or path == ":memory:":
            raise Invalid("Name a file: sqlite:///DIR/faultbook.sqlite")
        with _sqlite_file(Path(path)) as target:
            yield target
        return
    with _opened(url) as database:
        _refuse_strangers(database)
        schema.upgrade(database)
        with database.engine.connect() as connection:
            with connection.begin():
                _lock(connection)
                refuse_filled(connection)
                yield Target(
                    connection, True, _copied_into(connection), _without_indexes(connection)
                )
            with connection.begin():
                connection.exec_driver_sql("ANALYZE")


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = Database.from_url(url)
    try:
        yield database
    finally:
        database.dispose()


def refuse_filled(connection: Connection) -> None:
    """Stop where a database holds anything.

    Raises:
        Conflict: It does.
    """
    held = [f"{name} ({number:,})" for name, number in counts(connection).items() if number]
    if held:
        raise Conflict(
            f"{shown(connection.engine.url)} is not empty: {', '.join(held[:4])}. Nothing was "
            "changed. Name a new database."
        )


def shown(url: sa.URL) -> str:
    """Return a URL as people may see it."""
    return url.set(query={}).render_as_string(hide_password=True)


def _refuse_strangers(database: Database) -> None:
    if schema.current_revision(database) is not None:
        return
    with database.engine.connect() as connection:
        strangers = sa.inspect(connection).get_table_names()
    if strangers:
        raise Conflict(
            f"{shown(database.engine.url)} holds tables of something else ({strangers[0]}). "
            "Nothing was changed. Name a new database."
        )


def _lock(connection: Connection) -> None:
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(table.name) for table in tables())
    connection.exec_driver_sql(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")


def _without_indexes(connection: Connection) -> list[str]:
    """Drop foreign keys and indexes: both are made many times faster over all rows at once."""
    names = {"tables": [table.name for table in tables()]}
    keys = connection.exec_driver_sql(_FOREIGN_KEYS).all()
    indexes = connection.execute(sa.text(_INDEXES), names).all()
    for table, name, _ in keys:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for name, _ in indexes:
        connection.exec_driver_sql(f"DROP INDEX {name}")
    made = [definition for _, definition in indexes]
    return made + [f"ALTER TABLE {table} ADD CONSTRAINT {name} {how}" for table, name, how in keys]


def _copied_into(
    connection: Connection,
) -> Callable[[sa.TableClause, Iterable[Sequence[Any]]], None]:
    import psycopg  # an extra: only there where PostgreSQL is used

    driver: Any = connection.connection.driver_connection
    quote = connection.dialect.identifier_preparer.quote

    def write(table: sa.TableClause, rows: Iterable[Sequence[Any]]) -> None:
        columns = ", ".join(quote(column.name) for column in table.columns)
        try:
            with (
                driver.cursor() as cursor,
                cursor.copy(f"COPY {quote(table.name)} ({columns}) FROM STDIN") as copy,
            ):
                for row in rows:
                    copy.write_row(row)
        except psycopg.DataError as error:
            where = (error.diag.context or "").partition(": ")[0]
            raise Invalid(
                f"PostgreSQL does not take a row of {where or table.name}: "
                f"{error.diag.message_primary or error}. Nothing was moved."
            ) from error

    return write


@contextmanager
def _sqlite_file(path: Path) -> Iterator[Target]:
    """Fill a file beside `path`, and put it in its place when it is whole and on disk."""
    if path.exists():
        refuse_in_use(path)
        with _opened(f"sqlite:///{path}") as there, there.engine.connect() as connection:
            if sa.inspect(connection).get_table_names():
                refuse_filled(connection)
    unfinished = path.with_name(path.name + _UNFINISHED)
    _drop(unfinished)
    with _opened(f"sqlite:///{unfinished}") as database:
        schema.upgrade(database)
        with database.engine.connect() as connection:
            for setting in ("foreign_keys=OFF", "journal_mode=OFF", "synchronous=OFF"):
                _pragma(connection, setting)
            with connection.begin():
                yield Target(connection, False, _inserted_into(connection))
            _pragma(connection, "journal_mode=WAL")
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    _sync_folder(path.parent)


def _pragma(connection: Connection, assignment: str) -> None:
    with closing(connection.connection.cursor()) as cursor:
        cursor.execute(f"PRAGMA {assignment}")


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _drop(path: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _inserted_into(
    connection: Connection,
) -> Callable[[sa.TableClause, Iterable[Sequence[Any]]], None]:
    def write(table: sa.TableClause, rows: Iterable[Sequence[Any]]) -> None:
        names = [column.name for column in table.columns]
        chunk: list[dict[str, Any]] = []
        for row in rows:
            chunk.append(dict(zip(names, row, strict=True)))
            if len(chunk) == ROWS_AT_ONCE:
                connection.execute(sa.insert(table), chunk)
                chunk = []
        if chunk:
            connection.execute(sa.insert(table), chunk)

    return write


def refuse_in_use(path: Path) -> None:
    """Stop where another process has a SQLite file open.

    Raises:
        Conflict: One has.
    """
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            raise Conflict(
                f"{path} is in use ({error}). Stop every Faultbook process on it, then run this "
                "again. Nothing was moved."
            ) from error
