"""Rows of one database as another takes them: every table, whatever it belongs to."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlmodel import Session, SQLModel

import server.models  # noqa: F401  # fills the metadata
from server.archive import sequences
from server.archive.tables import LEFT_OUT, MODELS
from server.errors import Invalid
from server.models.project import Project
from server.queries import projects
from server.services import archives

ROWS_AT_ONCE = 100
"""Steps may hold megabytes each: few at a time keep memory bounded."""


def tables() -> list[sa.Table]:
    """Return all tables of this version, parents first."""
    return SQLModel.metadata.sorted_tables


def counts(connection: Connection) -> dict[str, int]:
    """Return how many rows each table holds."""
    return {
        table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for table in tables()
    }


def plain(table: sa.Table, *, json_as_text: bool) -> sa.TableClause:
    """Return a table with columns of the kind that travels: JSON as text, enums as their value."""

    def kind(column: sa.Column[Any]) -> sa.types.TypeEngine[Any]:
        if isinstance(column.type, sa.JSON) and json_as_text:
            return sa.Text()
        return sa.Text() if isinstance(column.type, sa.Enum) else column.type

    columns: list[sa.ColumnClause[Any]] = [sa.column(c.name, kind(c)) for c in table.columns]
    return sa.table(table.name, *columns)


def rows(connection: Connection, table: sa.TableClause) -> Iterator[Sequence[Any]]:
    """Yield all rows by id, a few at a time; JSON that is wanted as text is cast on PostgreSQL."""
    casts = connection.dialect.name == "postgresql"
    columns = [
        sa.cast(column, sa.Text) if casts and isinstance(column.type, sa.Text) else column
        for column in table.columns
    ]
    statement = sa.select(*columns).select_from(table).order_by(table.c.id)
    with connection.execute(statement, execution_options={"yield_per": ROWS_AT_ONCE}) as found:
        yield from found


def move_sequences(source: Connection, target: Connection) -> None:
    """Let ids go on where they had got to, so that none is handed out a second time."""
    with Session(source) as before, Session(target) as after:
        for table in tables():
            if last := sequences.last_id(before, table.name):
                sequences.put(after, table.name, last)


def check(source: Connection, target: Connection, table: sa.Table) -> None:
    """Compare a table that no archive holds, or not with all its columns.

    Raises:
        Invalid: It differs.
    """
    form = plain(table, json_as_text=False)
    if _digest(source, form) != _digest(target, form):
        raise Invalid(f"The table {table.name} arrived differently. Nothing was moved.")


def beside_archives() -> list[sa.Table]:
    """Return the tables that archives leave out, or some columns of."""
    return [table for table in tables() if table.name not in MODELS or table.name in LEFT_OUT]


def _digest(connection: Connection, table: sa.TableClause) -> str:
    digest = hashlib.sha256()
    for row in rows(connection, table):
        told = [json.dumps(value, sort_keys=True, default=repr) for value in row]
        digest.update("\x00".join(told).encode())
    return digest.hexdigest()


def projects_of(connection: Connection) -> list[Project]:
    """Return all projects, archived ones too, by id."""
    with Session(connection) as session:
        return list(session.exec(projects.every()))


def check_project(source: Connection, target: Connection, project: Project) -> int:
    """Compare the archives that both databases would write of a project.

    Returns how many rows hold numbers that PostgreSQL writes otherwise, 1e+22 as a whole number.

    Raises:
        Invalid: Anything else differs.
    """
    with Session(source) as before, Session(target) as after:
        told, arrived = archives.digests(before, project), archives.digests(after, project)
    rewritten = 0
    for name in (name for name in told if told[name] != arrived[name]):
        with Session(source) as before, Session(target) as after:
            pairs = zip_longest(
                archives.lines(before, project, name), archives.lines(after, project, name)
            )
            compared = [_differs(one, other) for one, other in pairs]
        if True in compared:
            raise Invalid(
                f"The table {name} of «{project.name}» arrived differently, first its row "
                f"{compared.index(True) + 1}. Nothing was moved."
            )
        rewritten += compared.count(None)
    return rewritten


def _differs(one: Any, other: Any) -> bool | None:
    """Whether two rows differ; None: only in how their numbers are written."""
    if json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True):
        return False
    return None if _same(one, other) else True


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal, numbers as 64-bit floats where either is one."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) or isinstance(other, float):
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (one, other))
        return numbers and float(one) == float(other)
    return type(one) is type(other) and bool(one == other)
