"""Many rounds of twenty people at once against server processes, and servers killed under them."""

import random
import signal

import pytest

from server.db import Database
from server.settings import Settings
from tests import readers
from tests.processes import running
from tests.torture.conftest import ROUNDS
from tests.torture.report import Row

pytestmark = pytest.mark.timeout(3_600)
PEOPLE = 20
TRACES = 2_000
TRACES_A_ROUND = 60


def serve(settings: Settings, *options: object) -> tuple[object, ...]:
    on_it = ("--data", settings.data, "--database", settings.database_url)
    return ("serve", "--port", 0, *on_it, *options)


def test_twenty_people_read_thousands_of_traces_once_each(
    database: Database, settings: Settings, row: Row
) -> None:
    persons = readers.batch_to_read(database, TRACES, PEOPLE)
    database.dispose()
    workers = () if database.takes_turns else ("--workers", 4)
    with running(*serve(settings, *workers)) as server:
        with readers.Crowd(server.answer["url"], persons) as crowd:
            crowd.join(within_s=1_800)
        assert server.end(signal.SIGTERM) == 0, "its processes end with it"
    assert len(crowd.finished) == TRACES
    readers.check_each_read_once(database, crowd)
    row.add(acknowledged=len(crowd.notes) + len(crowd.finished))


def test_readings_survive_servers_that_are_killed(
    database: Database, settings: Settings, row: Row
) -> None:
    row.rounds = ROUNDS
    persons = readers.batch_to_read(database, TRACES_A_ROUND * ROUNDS, PEOPLE)
    database.dispose()
    moments = random.Random(13)
    notes: list[str] = []
    finished: list[int] = []
    for _ in range(ROUNDS):
        with running(*serve(settings)) as server:
            with readers.Crowd(server.answer["url"], persons) as crowd:
                crowd.wait_for_notes(moments.randrange(1, TRACES_A_ROUND // 2))
                server.end(signal.SIGKILL)
            notes += crowd.notes
            finished += crowd.finished
    assert len(set(finished)) == len(finished), "nobody was given what another had finished"
    readers.check_kept(database, notes)
    readers.check_finished(database, finished)
    row.add(acknowledged=len(notes) + len(finished))
