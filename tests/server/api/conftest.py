"""A guarded server with one project, and people who hold tokens."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from server.db import Database
from server.models.base import stored_id, utc_now
from server.models.project import Role, Stage
from server.models.user import User
from server.queries import users
from server.services import accounts, projects, tokens
from server.services.tokens import Scope
from server.settings import Settings
from tests.application import serving
from tests.databases import Databases, Prefilled
from tests.factories import PROJECT_NAME, SLUG, make_trace

API = "/api/v1"
HERE = f"{API}/projects/{SLUG}"
PEOPLE = {"alice": Role.LEAD, "bob": Role.ANNOTATOR, "ben": Role.ANNOTATOR, "vera": Role.VIEWER}
STRANGER = "charlie"
TRACES = 3


@dataclass
class Caller:
    """Somebody with a token; paths are inside the project unless they begin with /api."""

    client: TestClient
    secret: str
    id: int | None = None
    """As an annotator of the project."""

    def call(self, method: str, path: str, **more: Any) -> Response:
        url = path if path.startswith("/api") else f"{HERE}{path}"
        headers = {"authorization": f"Bearer {self.secret}", **more.pop("headers", {})}
        return self.client.request(method, url, headers=headers, **more)

    def get(self, path: str, **query: Any) -> Any:
        """Return the body of a successful GET."""
        answer = self.call("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """Return the body of an answer with the expected status."""
        answer = self.call(method, path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


@dataclass
class Team:
    """The people around one project, by name."""

    client: TestClient
    database: Database
    traces: list[int]
    alice: Caller
    """The lead."""
    bob: Caller
    """An annotator."""
    ben: Caller
    """Another annotator."""
    vera: Caller
    """A viewer."""
    charlie: Caller
    """A stranger."""

    def with_scopes(self, name: str, *scopes: Scope) -> Caller:
        """Somebody with another token of theirs."""
        with self.database.writing() as session:
            user = next(u for u in session.exec(users.everybody()) if u.name == name)
            return Caller(self.client, tokens.create_token(session, user, "narrow", list(scopes)))

    def bound_to(self, name: str, slug: str) -> Caller:
        """Somebody with a token for one project."""
        with self.database.writing() as session:
            user = next(u for u in session.exec(users.everybody()) if u.name == name)
            project = projects.find(session, slug)
            secret = tokens.create_token(session, user, "one", list(Scope), project=project)
            return Caller(self.client, secret)

    def make_read_only(self) -> None:
        self._change(read_only=True)

    def archive(self) -> None:
        self._change(archived_at=utc_now())

    def unblind(self) -> None:
        self._change(blind=False)

    def early(self) -> None:
        self._change(stage=Stage.OPEN_CODING)

    def _change(self, **values: Any) -> None:
        with self.database.writing() as session:
            project = projects.find(session, SLUG)
            for name, value in values.items():
                setattr(project, name, value)
            session.add(project)


@dataclass(frozen=True)
class Peopled:
    """A database with a team's project in it, for tests to copy."""

    prefilled: Prefilled
    traces: list[int]
    secrets: dict[str, str]
    ids: dict[str, int | None]

    def team(self, client: TestClient, database: Database) -> Team:
        """The team of a copy."""
        callers = {
            name: Caller(client, secret, self.ids[name]) for name, secret in self.secrets.items()
        }
        return Team(client, database, self.traces, **callers)


def with_people(databases: Databases, data: Path) -> Peopled:
    """Make a database with a project of three traces, its people, and a stranger."""
    secrets: dict[str, str] = {}
    ids: dict[str, int | None] = {}
    traces: list[int] = []

    def fill(settings: Settings) -> None:
        database = Database.from_url(settings.database_url)
        with database.writing() as session:
            project = projects.create(session, PROJECT_NAME)
            project.stage = Stage.AXIAL_CODING
            for number in range(1, TRACES + 1):
                trace = make_trace(session, project, f"trace-{number}", model="model-a")
                traces.append(stored_id(trace))
            for name, role in {**PEOPLE, STRANGER: None}.items():
                user = User(name=name, email=f"{name}@example.org")
                session.add(user)
                session.flush()
                secrets[name] = tokens.create_token(session, user, "all", list(Scope))
                ids[name] = (
                    accounts.take_part(session, stored_id(project), user, role).id if role else None
                )
        database.dispose()

    return Peopled(databases.prefilled(data, fill), traces, secrets, ids)


@pytest.fixture(scope="session")
def peopled(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Peopled:
    """A project with three traces, its people, and a stranger; a module may add to it."""
    return with_people(databases, tmp_path_factory.mktemp("peopled") / "data")


def worked_on(
    peopled: Peopled, databases: Databases, data: Path, work: Callable[[Team], object]
) -> Peopled:
    """The same after some work of the team."""

    def fill(settings: Settings) -> None:
        settings.no_login = False
        with serving(settings, follow_redirects=False) as client:
            work(peopled.team(client, client.app.state.database))  # type: ignore[attr-defined]

    return replace(peopled, prefilled=databases.prefilled(data, fill, peopled.prefilled))


@pytest.fixture
def settings(
    tmp_path: Path, databases: Databases, request: pytest.FixtureRequest
) -> Iterator[Settings]:
    """The test's settings; with the team's project in the database of a test that asks for it."""
    like = None
    if "team" in request.fixturenames:
        like = request.getfixturevalue("peopled").prefilled
    with databases.settings(tmp_path / "data", like) as settings:
        yield settings


@pytest.fixture
def guarded(settings: Settings) -> Iterator[TestClient]:
    """A server on which people sign in."""
    settings.no_login = False
    with serving(settings, follow_redirects=False) as client:
        yield client


@pytest.fixture
def team(guarded: TestClient, database: Database, peopled: Peopled) -> Team:
    """A project with three traces, its people, and a stranger."""
    return peopled.team(guarded, database)
