"""A database moves to another kind, all of it or nothing, and both then hold the same."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from server import schema
from server.db import Database
from server.errors import Conflict, FaultbookError, Invalid
from server.models.base import stored_id
from server.models.note import Note
from server.models.trace import Trace
from server.search import search_traces
from server.services import accounts, database_moves, events, move_targets, notes
from server.services.moved_rows import counts, tables
from server.settings import Settings, with_driver
from tests.databases import Databases, Prefilled
from tests.factories import member
from tests.processes import Ended
from tests.server.test_archives import archive, fill

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


def values_of(table: sa.Table, numbers: Iterator[int]) -> dict[str, Any]:
    """A row that is valid in any table: it refers to the first rows of others."""

    def value(column: sa.Column[Any]) -> Any:
        if column.foreign_keys:
            return 1
        kind, number = column.type, next(numbers)
        if isinstance(kind, sa.Enum):
            return kind.enums[0]
        if isinstance(kind, sa.JSON):
            return {"ü": [number, 0.1, None, {"z": True, "a": ""}]}
        if isinstance(kind, sa.Boolean):
            return True
        if isinstance(kind, sa.LargeBinary):
            return b"\x00\xff\\x" + bytes([number % 256])
        if isinstance(kind, sa.Integer):
            return number
        if isinstance(kind, sa.Float):
            return number / 3
        return NOW if column.name.endswith("_at") else f"\\N\t{number} «ü»\r\n😀"

    return {column.name: value(column) for column in table.columns if column.name != "id"}


def fill_everything(settings: Settings) -> None:
    """A project with all that people do, somebody signed in, and a row in every table besides."""
    database = Database.from_url(settings.database_url)
    fill(database, settings)
    numbers = count(1000)
    with database.writing() as session:
        user = accounts.new_user(
            session, name="Ada", email="ada@example.org", password="long enough, too"
        )
        session.add(user)
        session.flush()
        signed_in = accounts.open_session(session, user)
        (settings.data / "secret").write_text(signed_in.secret, encoding="utf-8")
        held = counts(session.connection())
        for table in tables():
            if not held[table.name]:
                session.execute(sa.insert(table), values_of(table, numbers))
    database.dispose()


@pytest.fixture(scope="module")
def prefilled(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Prefilled:
    return databases.prefilled(tmp_path_factory.mktemp("moved") / "data", fill_everything)


@pytest.fixture
def source(settings: Settings, request: pytest.FixtureRequest, backend: str) -> Iterator[Database]:
    """What is to be moved, opened as a command does."""
    if request.config.getoption("--db") == "sqlite":
        pytest.skip("needs PostgreSQL: --db both")
    database = Database.from_url(settings.database_url)
    yield database
    database.dispose()


@pytest.fixture
def to(
    source: Database, backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """An empty database of the other kind."""
    if backend == "postgres":
        yield f"sqlite:///{tmp_path / 'new' / 'faultbook.sqlite'}"
        return
    there: Databases = request.getfixturevalue("postgres_databases")
    with there.settings(tmp_path / "new", None) as settings:
        yield settings.database_url


@pytest.fixture
def moved(to: str) -> Iterator[Database]:
    """The database behind `to`."""
    database = Database.from_url(to)
    yield database
    database.dispose()


def nothing(_done: int, _total: int, _told: str) -> None:
    """Whom progress is told, where nobody asks."""


def rows_in(database: Database) -> int:
    with database.engine.connect() as connection:
        there = sa.inspect(connection).get_table_names()
        return sum(counts(connection).values()) if there else 0


def shape(database: Database) -> dict[str, Any]:
    """Indexes and references of each table that models describe."""
    found = sa.inspect(database.engine)
    return {
        table.name: (
            sorted(str(index) for index in found.get_indexes(table.name)),
            sorted(str(key) for key in found.get_foreign_keys(table.name)),
            found.get_unique_constraints(table.name),
        )
        for table in tables()
    }


def some_trace(session: Session) -> Trace:
    return session.exec(select(Trace).where(Trace.external_id == "t3")).one()


def test_everything_arrives_and_goes_on(
    source: Database, to: str, moved: Database, settings: Settings, tmp_path: Path
) -> None:
    with source.writing() as session:
        some_trace(session).metadata_ = {"far": [1e22, 0.5, 3], "near": 1.0}
    source.dispose()
    options = ("--data", settings.data, "--database", settings.database_url, "--json")
    ended = Ended("migrate", "--to", to, *options)
    assert ended.code == 0, ended.told
    assert "Both hold the same" in ended.told
    assert "FAULTBOOK_DATABASE" in ended.told
    assert min(ended.answer["tables"].values()) >= 1
    assert ended.answer["rows"] == sum(ended.answer["tables"].values())
    # PostgreSQL writes 1e22 in full: an equal number, told and not taken for damage.
    assert ended.answer["rewritten_numbers"] == (1 if source.takes_turns else 0)
    with source.writing() as before, moved.writing() as after:
        for session in (before, after):
            some_trace(session).metadata_ = {}
    for slug in ("before", "try-me"):
        archive(source, settings, slug, tmp_path / "old.zip")
        archive(moved, settings, slug, tmp_path / "new.zip")
        assert (tmp_path / "old.zip").read_bytes() == (tmp_path / "new.zip").read_bytes()
    with moved.writing() as session:
        user = accounts.signed_in(session, (settings.data / "secret").read_text(encoding="utf-8"))
        assert user is not None
        assert user.name == "Ada"
        found = session.exec(select(Trace.external_id).where(search_traces("becau*"))).all()
        assert sorted(found) == ["t0", "t1", "t2", "t3"]
        lead = member(session)
        events.undo(session, lead)
        last = session.exec(select(sa.func.max(Note.id))).one()
        note = notes.add_note(session, lead, stored_id(some_trace(session)), "goes on")
        assert stored_id(note) == last + 1
    source.dispose()
    moved.dispose()
    again = Ended("migrate", "--to", to, *options)
    assert again.code == 1
    assert "is not empty" in again.told


@pytest.mark.sqlite
def test_indexes_and_references_are_there_afterwards(
    source: Database, to: str, moved: Database
) -> None:
    schema.upgrade(moved)
    migrated = shape(moved)
    moved.dispose()
    database_moves.move(source, to, nothing, verify=False)
    assert shape(moved) == migrated


def test_a_database_in_use_is_not_moved(source: Database, to: str, settings: Settings) -> None:
    server = Database.from_url(settings.database_url)
    with server.reading() as session:
        session.exec(select(Trace.id)).first()
        with pytest.raises(Conflict, match="in use"):
            database_moves.move(source, to, nothing)
    server.dispose()


def test_what_ends_early_leaves_nothing(source: Database, to: str, moved: Database) -> None:
    class Ended(Exception):
        """It is over here."""

    def end(_done: int, _total: int, told: str) -> None:
        if told == "Comparing «Try me»":
            raise Ended

    with pytest.raises(Ended):
        database_moves.move(source, to, end)
    assert rows_in(moved) == 0


@pytest.mark.sqlite
def test_text_that_postgresql_does_not_take_is_told(
    source: Database, to: str, moved: Database
) -> None:
    with source.writing() as session:
        some_trace(session).answer = "\x00"
    with pytest.raises(Invalid, match=r"does not take a row of .*trace.*Nothing was moved"):
        database_moves.move(source, to, nothing)
    assert rows_in(moved) == 0


@pytest.mark.sqlite
@pytest.mark.parametrize("table", ["note", "webhook"])
def test_what_arrives_differently_does_not_stay(
    source: Database, to: str, moved: Database, table: str
) -> None:
    column = "text" if table == "note" else "url"
    with moved.engine.begin() as connection:
        connection.exec_driver_sql(
            f"CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN NEW.{column} := 'else'; RETURN NEW; END $$"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER spoil BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION spoil()"
        )
    with pytest.raises(Invalid, match=f"The table {table} .*arrived differently"):
        database_moves.move(source, to, nothing)
    assert rows_in(moved) == 0


@pytest.mark.sqlite
def test_tables_of_something_else_are_left_alone(
    source: Database, to: str, moved: Database
) -> None:
    with moved.engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
        connection.exec_driver_sql("CREATE TABLE theirs (id int)")
    with pytest.raises(Conflict, match="something else"):
        database_moves.move(source, to, nothing)
    assert sa.inspect(moved.engine).get_table_names() == ["theirs"]


def test_a_password_in_an_address_is_not_shown() -> None:
    url = sa.make_url("postgresql+psycopg://ada:geheim@db/faultbook?sslmode=require")
    assert move_targets.shown(url) == "postgresql+psycopg://ada:***@db/faultbook"


def test_the_driver_of_an_address_may_be_left_out() -> None:
    wanted = "postgresql+psycopg://ada@db/faultbook"
    assert with_driver("postgres://ada@db/faultbook") == wanted
    assert Settings(database="postgresql://ada@db/faultbook").database_url == wanted
    assert with_driver("sqlite:////data/x.sqlite") == "sqlite:////data/x.sqlite"


def test_a_database_is_not_moved_onto_itself(settings: Settings, database: Database) -> None:
    with pytest.raises(FaultbookError, match="name another"):
        database_moves.move(database, settings.database_url, nothing)
