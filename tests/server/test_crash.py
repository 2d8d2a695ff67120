"""A server killed while twenty people write: what it acknowledged is there, once.

`make torture` does this in many rounds, and to PostgreSQL and single processes as well.
"""

import signal

from server.db import Database
from server.settings import Settings
from tests.processes import running
from tests.torture import writers

ACKNOWLEDGED = 60
"""The server is killed once so many decisions were acknowledged."""


def test_a_killed_server_keeps_every_acknowledged_decision(
    database: Database, settings: Settings
) -> None:
    people = writers.prepare(database)
    database.dispose()
    serve = ("serve", "--port", 0, "--data", settings.data, "--database", settings.database_url)
    with running(*serve) as server, writers.Crowd(server.answer["url"], people) as crowd:
        crowd.wait_for(ACKNOWLEDGED)
        assert server.end(signal.SIGKILL) == -signal.SIGKILL
    with running(*serve) as again:
        assert again.end(signal.SIGTERM) == 0
    found = writers.examine(database, people)
    assert found.acknowledged >= ACKNOWLEDGED
    assert (found.lost, found.doubled) == (0, 0)
