"""Fixtures: a migrated database, an application on it, and people who act in a project."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from server import schema
from server.app import create_app
from server.db import Database
from server.jobs import Jobs
from server.models.project import Member, Project
from server.services import projects
from server.settings import Settings
from tests.factories import PROJECT_NAME

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated SQLite file that tests copy instead of migrating again."""
    path = tmp_path_factory.mktemp("migrated") / "faultbook.sqlite"
    database = Database.from_url(f"sqlite:///{path}")
    schema.upgrade(database)
    database.dispose()
    return path


@pytest.fixture
def settings(tmp_path: Path, migrated_sqlite: Path) -> Settings:
    """Settings on a data directory of the test's own, with a migrated database in it."""
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(migrated_sqlite, data / "faultbook.sqlite")
    return Settings(data=data)


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
    app = create_app(settings, jobs=Jobs.immediate(), runs_jobs=False)
    with TestClient(app) as client:
        yield client


@pytest.fixture(scope="session")
def shared() -> Path:
    """Data that may not be redistributed; tests that use it carry the marker `needs_shared`."""
    if not SHARED.is_dir():
        pytest.skip("the shared data is not on this machine")
    return SHARED
