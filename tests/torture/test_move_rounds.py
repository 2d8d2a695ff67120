"""A move to another database that is killed at any moment leaves nothing, and can be run again."""

import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from server.db import Database
from server.services import database_moves
from server.services.moved_rows import counts
from server.settings import Settings
from tests.databases import Databases, Prefilled
from tests.processes import FAULTBOOK
from tests.server.test_database_moves import fill_everything
from tests.torture.conftest import ROUNDS
from tests.torture.report import Row

MOST_ROUNDS = 20


@pytest.fixture(scope="module")
def prefilled(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Prefilled:
    return databases.prefilled(tmp_path_factory.mktemp("killed") / "data", fill_everything)


@pytest.fixture
def to(
    settings: Settings, backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """An empty database of the other kind."""
    if backend == "postgres":
        yield f"sqlite:///{tmp_path / 'new' / 'faultbook.sqlite'}"
        return
    there: Databases = request.getfixturevalue("postgres_databases")
    with there.settings(tmp_path / "new", None) as settings_there:
        yield settings_there.database_url


def rows_in(url: str) -> int:
    database = Database.from_url(url)
    with database.engine.connect() as connection:
        is_there = sa.inspect(connection).has_table("trace")
        held = sum(counts(connection).values()) if is_there else 0
    database.dispose()
    return held


def empty(url: str) -> None:
    """Take everything out of a database that a move filled, so that the next can begin."""
    database = Database.from_url(url)
    if database.engine.dialect.name == "sqlite":
        database.dispose()
        for file in Path(str(sa.make_url(url).database)).parent.iterdir():
            file.unlink()
        return
    with database.engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    database.dispose()


@pytest.mark.timeout(600)
def test_a_killed_move_leaves_nothing_and_can_be_run_again(
    settings: Settings, to: str, row: Row
) -> None:
    row.rounds = min(ROUNDS, MOST_ROUNDS)
    chance = random.Random(20)
    command = [
        *(str(FAULTBOOK), "migrate", "--to", to),
        *("--data", str(settings.data), "--database", settings.database_url),
    ]
    begun = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    whole_s = time.monotonic() - begun
    killed = 0
    for _ in range(row.rounds):
        if rows_in(to):
            empty(to)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            said, _errors = process.communicate(timeout=chance.uniform(0.3, 1.1) * whole_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            killed += 1
            assert rows_in(to) in (0, rows_in(settings.database_url))
        else:
            assert process.returncode == 0, said
    assert killed
    row.remark = f"{killed} killed"
    if rows_in(to) == 0:
        source = Database.from_url(settings.database_url)
        database_moves.move(source, to, lambda *_: None)
        source.dispose()
    assert rows_in(to) == rows_in(settings.database_url)
