"""Migrations run up, down and up with data; a copy comes first; a newer database is refused."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.util.exc import CommandError

from server import schema
from server.assets import shipped
from server.db import Database
from server.errors import StartupError
from server.models.base import Row
from tests.factories import make_project


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "faultbook.sqlite"


@pytest.fixture
def empty(file: Path) -> Iterator[Database]:
    database = Database.from_url(f"sqlite:///{file}")
    yield database
    database.dispose()


@pytest.fixture
def migrated(empty: Database) -> Database:
    schema.upgrade(empty)
    return empty


def tables(database: Database) -> set[str]:
    return {
        name for name in sa.inspect(database.engine).get_table_names() if name != "alembic_version"
    }


def test_migrations_make_what_the_models_say(empty: Database) -> None:
    assert schema.upgrade(empty) is None, "an empty database needs no copy"
    schema.check(empty)
    assert schema.current_revision(empty) == schema.head_revision()
    declared = {table.name for table in Row.metadata.sorted_tables}
    assert declared <= tables(empty)


def test_check_notices_a_table_that_no_migration_makes(migrated: Database) -> None:
    with migrated.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE embedding")
    with pytest.raises(CommandError, match="embedding"):
        schema.check(migrated)


def test_down_and_up_again_with_data(migrated: Database) -> None:
    make_project(migrated, traces=2)
    schema.downgrade(migrated, "base")
    assert tables(migrated) == set()
    schema.upgrade(migrated)
    schema.check(migrated)
    assert make_project(migrated, traces=1) == [1]


NEXT_REVISION = """
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("project", sa.Column("added_later", sa.String(), nullable=True))
"""


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version after this one, which has a migration more."""
    folder = tmp_path / "code" / "migrations"
    shutil.copytree(shipped("migrations"), folder, ignore=shutil.ignore_patterns("__pycache__"))
    revision = NEXT_REVISION.format(head=schema.head_revision())
    (folder / "versions" / "next.py").write_text(revision)
    monkeypatch.setattr(schema, "shipped", lambda name: folder.with_name(name))


def traces_in(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("SELECT count(*) FROM trace").fetchone()[0])


def has_later_column(file: Path) -> bool:
    with closing(sqlite3.connect(file)) as connection:
        return any(
            row[1] == "added_later" for row in connection.execute("PRAGMA table_info(project)")
        )


def test_a_sqlite_file_is_copied_before_it_is_migrated(
    migrated: Database, file: Path, request: pytest.FixtureRequest
) -> None:
    make_project(migrated, traces=3)
    request.getfixturevalue("next_version")
    copy = schema.upgrade(migrated)
    assert copy is not None
    assert copy.parent == file.parent
    assert (traces_in(copy), has_later_column(copy)) == (3, False)
    assert (traces_in(file), has_later_column(file)) == (3, True)
    assert schema.upgrade(migrated) is None, "what is up to date is not copied again"


def test_a_database_of_a_newer_version_is_refused_and_left_alone(
    migrated: Database, file: Path
) -> None:
    with migrated.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    migrated.dispose()
    before = file.read_bytes()
    with pytest.raises(StartupError, match=r"revision 9999.*newer.*Nothing was changed"):
        schema.upgrade(migrated)
    migrated.dispose()
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_full_text_search_follows_traces_through_a_migration(
    migrated: Database, file: Path
) -> None:
    make_project(migrated, traces=2)
    migrated.dispose()
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute("SELECT count(*) FROM trace_text('1+1')").fetchone()
    assert found == (2,)
