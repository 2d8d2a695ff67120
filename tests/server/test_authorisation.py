"""Every route of a project knows who may use it: viewers change nothing, strangers get 404."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlmodel import Session, col, select

from server.app import ROUTERS
from server.db import SAFE_METHODS, Database
from server.models.event import Event
from server.models.project import Annotator, Role
from server.services import projects
from tests.factories import SLUG, make_project

PROJECT = "/projects/{slug}"


class Way(NamedTuple):
    """A method on a path."""

    method: str
    path: str

    def filled(self, slug: str) -> str:
        """Return the path with ids in it that the project may or may not have."""
        return re.sub(r"\{\w+(:\w+)?\}", "1", self.path.replace("{slug}", slug))


WAYS = sorted(
    Way(method, route.path)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and route.path.startswith(PROJECT)
    for method in route.methods
)
ASKS_ONLY = {f"{PROJECT}/{what}/compute" for what in ("lenses/{lens}", "evaluation-sets", "{page}")}
"""What decides nothing, so that whoever may read may ask for it."""
CHANGING = [way for way in WAYS if way.method not in SAFE_METHODS and way.path not in ASKS_ONLY]
OF_ITS_LIFE = {
    f"{PROJECT}/lifecycle/{step}"
    for step in ("archive", "copy", "put-away", "bring-back", "delete")
} | {f"{PROJECT}/traces/{{trace_id}}/erase"}
"""What a lead may do although a project is read-only: keep it, copy it, end it, erase from it."""


@pytest.fixture
def decided(database: Database) -> Iterator[None]:
    """A project in which nothing may be decided during the test."""
    make_project(database)
    yield
    with database.reading() as session:
        assert session.exec(select(Event)).all() == []


def answers(client: TestClient, ways: list[Way], slug: str) -> dict[Way, int]:
    return {
        way: client.request(way.method, way.filled(slug), follow_redirects=False).status_code
        for way in ways
    }


def test_there_are_ways_to_walk() -> None:
    assert len(WAYS) > 20
    assert len(CHANGING) > 10


def test_an_unknown_project_is_404_on_every_way(client: TestClient, database: Database) -> None:
    make_project(database)
    found = answers(client, WAYS, "no-such-project")
    assert {way: status for way, status in found.items() if status != 404} == {}


@pytest.mark.usefixtures("decided")
def test_a_viewer_changes_nothing(client: TestClient, database: Database) -> None:
    with database.writing() as session:
        somebody(session).role = Role.VIEWER
    client.cookies.set("faultbook_acting", "Annotator%20A")
    found = answers(client, CHANGING, SLUG)
    assert {way: status for way, status in found.items() if status != 403} == {}


def somebody(session: Session) -> Annotator:
    return session.exec(select(Annotator).where(col(Annotator.name) == "Annotator A")).one()


@pytest.mark.usefixtures("decided")
def test_a_read_only_project_is_changed_by_nobody(client: TestClient, database: Database) -> None:
    with database.writing() as session:
        projects.find(session, SLUG).read_only = True
    found = answers(client, [way for way in CHANGING if way.path not in OF_ITS_LIFE], SLUG)
    assert {way: status for way, status in found.items() if status != 403} == {}


def test_another_site_changes_nothing_anywhere(client: TestClient, database: Database) -> None:
    make_project(database)
    for way in CHANGING:
        answer = client.request(
            way.method, way.filled(SLUG), headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert answer.status_code == 403, way
        assert "came from another site" in answer.text
