"""Servers killed at any moment under twenty people who write notes, verdicts, labels and modes."""

import random
import signal
import time

import pytest

from server.db import Database
from server.settings import Settings
from tests.processes import running
from tests.torture import writers
from tests.torture.conftest import ROUNDS
from tests.torture.report import Row

pytestmark = pytest.mark.timeout(7_200)


def test_a_server_killed_under_twenty_writers_keeps_what_it_acknowledged(
    database: Database, settings: Settings, row: Row
) -> None:
    people = writers.prepare(database)
    database.dispose()
    serve = ("serve", "--port", 0, "--data", settings.data, "--database", settings.database_url)
    moments = random.Random(11)
    killed_at = time.monotonic()
    row.rounds = ROUNDS
    for number in range(ROUNDS):
        with running(*serve) as server:
            if number:
                row.restarted(time.monotonic() - killed_at)
            with writers.Crowd(server.answer["url"], people) as crowd:
                crowd.wait_for(moments.randrange(1, 200))
                server.process.send_signal(signal.SIGKILL)
                killed_at = time.monotonic()
                server.process.wait()
    with running(*serve) as again:
        assert again.end(signal.SIGTERM) == 0
    found = writers.examine(database, people)
    row.add(**found._asdict())
    assert (found.lost, found.doubled) == (0, 0)
