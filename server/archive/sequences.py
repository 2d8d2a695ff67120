"""Where the ids of each table have got to, on SQLite and on PostgreSQL."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlmodel import Session

from server.archive.tables import MODELS, table_of


def last_id(session: Session, table: str) -> int:
    """Return the highest id ever handed out in a table."""
    if session.get_bind().dialect.name == "sqlite":
        statement = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :table")
        return session.execute(statement, {"table": table}).scalar() or 0
    sequence = sa.text(f'SELECT last_value, is_called FROM "{table}_id_seq"')  # noqa: S608  # our names
    last, is_called = session.execute(sequence).one()
    return int(last) if is_called else 0


def catch_up(session: Session, at_least: Mapping[str, int]) -> None:
    """Let ids go on behind every stored row, and behind `at_least` of each table."""
    for name, number in at_least.items():
        table = table_of(MODELS[name])
        stored = session.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0
        if highest := max(stored, number):
            put(session, name, highest)


def put(session: Session, table: str, number: int) -> None:
    """Let ids of a table go on behind `number`."""
    values = {"table": table, "number": number}
    if session.get_bind().dialect.name != "sqlite":
        quoted = {**values, "table": f'"{table}"'}
        session.execute(
            sa.text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :number)"), quoted
        )
        return
    session.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :table"), {"table": table})
    session.execute(
        sa.text("INSERT INTO sqlite_sequence(name, seq) VALUES (:table, :number)"), values
    )
