"""Fixtures: a migrated database, an application on it, and people who act in a project."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from server.db import Database
from server.models.project import Member, Project
from server.services import projects
from server.settings import Settings
from tests import engines, one_database, passwords, postgres
from tests.application import serving
from tests.databases import Databases, PostgresDatabases, Prefilled, SqliteDatabases
from tests.factories import PROJECT_NAME

SHARED = Path(__file__).parents[2] / "shared" / "data"


passwords.hash_quickly()
engines.translate_once()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--db postgres` runs what uses a database on PostgreSQL, `--db both` on both."""
    parser.addoption("--db", choices=("sqlite", "postgres", "both"), default="sqlite")


def pytest_configure() -> None:
    """Data of tests lies in memory where there is enough, and goes with the test that passed."""
    memory = postgres.memory()
    if memory is not None and not os.environ.get("FAULTBOOK_TORTURE"):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


def pytest_xdist_auto_num_workers() -> int | None:
    """A worker for each processor that this process may use, whether or not it has its own core."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """With `--db both`, what uses a database is a test for each, unless one shows everything."""
    if metafunc.config.getoption("--db") == "both" and "backend" in metafunc.fixturenames:
        one = one_database.suffices(metafunc.definition.path)
        kinds = ("sqlite",) if one else databases_of(metafunc.config)
        metafunc.parametrize("backend", kinds, indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, run what uses a database and is not about SQLite; the rest runs without."""
    databases = config.getoption("--db")
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        (kept if _belongs(item, databases) else dropped).append(item)
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


def pytest_collection_finish() -> None:
    """Leave the program and the tests out of garbage collection, as a server does."""
    gc.collect()
    gc.freeze()


def databases_of(config: pytest.Config) -> tuple[str, ...]:
    """Return the kinds of databases that tests run on."""
    chosen: str = config.getoption("--db")
    return ("sqlite", "postgres") if chosen == "both" else (chosen,)


def _belongs(item: pytest.Item, databases: str) -> bool:
    if databases == "both":
        given = getattr(item, "callspec", None)
        databases = given.params.get("backend", "sqlite") if given else "sqlite"
    uses = "backend" in getattr(item, "fixturenames", ()) or item.get_closest_marker(
        "each_database"
    )
    return databases == "sqlite" or (bool(uses) and item.get_closest_marker("sqlite") is None)


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on."""
    chosen: str = getattr(request, "param", request.config.getoption("--db"))
    return chosen


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """SQLite files."""
    return SqliteDatabases(tmp_path_factory.mktemp("migrated"))


@pytest.fixture(scope="session")
def postgres_databases() -> Iterator[Databases]:
    """Databases in a PostgreSQL server that is there for the tests of this process."""
    with postgres.server() as url:
        databases = PostgresDatabases(url)
        yield databases
        databases.drop()


@pytest.fixture(scope="session")
def databases(backend: str, request: pytest.FixtureRequest) -> Databases:
    """Where the test's databases come from."""
    chosen: Databases = request.getfixturevalue(f"{backend}_databases")
    return chosen


@pytest.fixture(scope="module")
def prefilled() -> Prefilled | None:
    """What is in the test's database from the start: nothing, unless a module says else."""
    return None


@pytest.fixture
def settings(
    tmp_path: Path, databases: Databases, prefilled: Prefilled | None
) -> Iterator[Settings]:
    """Settings on a data directory and a migrated database of the test's own."""
    with databases.settings(tmp_path / "data", prefilled) as settings:
        yield settings


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """The test's database."""
    database = Database.from_url(settings.database_url)
    yield database
    database.dispose()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A writing session, committed at the end of the test."""
    with database.writing() as session:
        yield session


@pytest.fixture
def project(session: Session) -> Project:
    """An empty project."""
    return projects.create(session, PROJECT_NAME)


@pytest.fixture
def lead(session: Session, project: Project) -> Member:
    """The lead of the project."""
    return projects.local_member(session, project, "Lead")


@pytest.fixture
def alice(session: Session, project: Project) -> Member:
    """An annotator."""
    return projects.local_member(session, project, "Annotator A")


@pytest.fixture
def bob(session: Session, project: Project) -> Member:
    """Another annotator."""
    return projects.local_member(session, project, "Annotator B")


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """The application, with jobs performed at once; acts as the lead unless a cookie says else.

    Use the fixture `database` beside it to fill and inspect; not `session`, which holds the
    write lock for the whole test.
    """
    with serving(settings) as client:
        yield client


@pytest.fixture(scope="session")
def shared() -> Path:
    """Data that may not be redistributed; tests that use it carry the marker `needs_shared`."""
    if not SHARED.is_dir():
        pytest.skip("the shared data is not on this machine")
    return SHARED
