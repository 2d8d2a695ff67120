"""Moving everything from one database to another, SQLite or PostgreSQL: all of it, or nothing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from server.db import Database
from server.errors import Conflict, Invalid
from server.services import moved_rows
from server.services.move_targets import Target, opened_target, refuse_in_use, shown
from server.settings import with_driver

_TELL_EVERY = 1000
_OTHERS = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Moved:
    """What was moved, and how far it was compared."""

    target: str
    rows: dict[str, int]
    projects: int
    verified: bool
    rewritten_numbers: int
    """Rows with a number that PostgreSQL writes otherwise, such as 1e+22 as a whole number."""


def move(source: Database, url: str, progress: Progress, *, verify: bool = True) -> Moved:
    """Copy all tables into the empty database behind `url`; the source stays as it is.

    Raises:
        Conflict: Somebody uses the source, or the target is not empty.
        Invalid: Something does not fit the target, or arrived differently.
    """
    url = with_driver(url)
    if sa.make_url(url) == source.engine.url:
        raise Invalid("This is the database that is to be moved: name another one.")
    with _held(source) as before, opened_target(url) as target:
        rows = moved_rows.counts(before)
        copy_rows(before, target, rows, progress)
        for number, _ in enumerate(target.steps_left()):
            progress(number, 0, "Building indexes")
        moved_rows.move_sequences(before, target.connection)
        if moved_rows.counts(target.connection) != rows:
            raise Invalid("The row counts differ. Nothing was moved.")
        rewritten = _verify(before, target.connection, progress) if verify else 0
        projects = len(moved_rows.projects_of(before))
        where = shown(sa.make_url(url))
    return Moved(where, rows, projects, verify, rewritten)


@contextmanager
def _held(source: Database) -> Iterator[Connection]:
    """Read one state of a database that nobody else uses, and that nobody may write meanwhile."""
    source.dispose()
    if source.takes_turns:
        refuse_in_use(Path(source.engine.url.database or ""))
        with source.engine.connect() as connection:
            yield _begun(connection.execution_options(faultbook_writes=True))
        return
    with source.engine.connect() as connection:
        held = connection.execution_options(isolation_level="REPEATABLE READ")
        others = held.exec_driver_sql(_OTHERS).scalar_one()
        if others:
            raise Conflict(
                f"{shown(source.engine.url)} is in use: {others} other connections. Stop every "
                "Faultbook process on it, then run this again. Nothing was moved."
            )
        quote = held.dialect.identifier_preparer.quote
        names = ", ".join(quote(table.name) for table in moved_rows.tables())
        held.exec_driver_sql(f"LOCK TABLE {names} IN SHARE MODE")
        yield held


def _begun(connection: Connection) -> Connection:
    connection.begin()
    return connection


def copy_rows(before: Connection, target: Target, rows: dict[str, int], progress: Progress) -> None:
    """Copy all tables, of which `rows` says how many rows each holds."""
    total, done = sum(rows.values()), 0
    for table in moved_rows.tables():
        form = moved_rows.plain(table, json_as_text=target.json_as_text)
        told = f"Copying {table.name.replace('_', ' ')}"

        def counted(
            form: sa.TableClause = form, told: str = told, first: int = done
        ) -> Iterator[Sequence[Any]]:
            for number, row in enumerate(moved_rows.rows(before, form)):
                if number % _TELL_EVERY == 0:
                    progress(first + number, total, told)
                yield row

        target.write(form, counted())
        done += rows[table.name]


def _verify(before: Connection, after: Connection, progress: Progress) -> int:
    projects, beside = moved_rows.projects_of(before), moved_rows.beside_archives()
    total, rewritten = len(projects) + len(beside), 0
    for number, table in enumerate(beside):
        progress(number, total, f"Comparing {table.name.replace('_', ' ')}")
        moved_rows.check(before, after, table)
    for number, project in enumerate(projects, len(beside)):
        progress(number, total, f"Comparing «{project.name}»")
        rewritten += moved_rows.check_project(before, after, project)
    return rewritten
