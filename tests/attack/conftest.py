"""A server that holds the hostile project, for all tests here; they only look."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

from server.db import Database
from server.schema import upgrade
from server.settings import Settings
from tests.application import serving
from tests.attack import hostile_project
from tests.attack.hostile_project import Hostile


@dataclass(frozen=True)
class Attacked:
    """The server, and where its hostile texts stand."""

    client: TestClient
    database: Database
    found: Hostile


@pytest.fixture(scope="package")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """A server on which nobody signs in, with one project, in which every text is an attack."""
    settings = Settings(data=tmp_path_factory.mktemp("attacked") / "data", no_login=True)
    database = Database.from_url(settings.database_url)
    upgrade(database)
    found = hostile_project.fill(database)
    with serving(settings, follow_redirects=False) as client:
        hostile_project.diagnose(client)
        yield Attacked(client, database, found)
    database.dispose()
