"""Fifty people who ask for their next trace at once, in several server processes."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from server.db import Database
from server.settings import Settings
from tests import readers
from tests.processes import running
from tests.torture.conftest import ROUNDS
from tests.torture.report import Row
from tests.torture.test_stale_edits import send

PEOPLE = 50
MOST_TRACES = 5_000


class Hands:
    """Which traces are in somebody's hands, and how many readings were sent and acknowledged."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: set[int] = set()
        self.twice: list[int] = []
        self.sent = self.finished = 0

    def take(self, trace_id: int) -> None:
        with self._lock:
            if trace_id in self._held:
                self.twice.append(trace_id)
            self._held.add(trace_id)

    def send(self) -> None:
        with self._lock:
            self.sent += 1

    def finish(self) -> None:
        """What is read stays in the hands of whoever read it: nobody else may be given it."""
        with self._lock:
            self.finished += 1


def read_all(url: str, person: readers.Person, hands: Hands) -> None:
    """Claim, judge and hand in until nothing is left; each request on a connection of its own."""

    def ask(method: str, path: str, body: Any = None) -> Any:
        status, told = send(url, person, method, path, body)
        assert status == 200, (method, path, status, told)
        return told

    while claim := ask("POST", "/queue/claim"):
        trace_id = claim["trace_id"]
        hands.take(trace_id)
        ask("PUT", f"/traces/{trace_id}/verdict", {"value": "fail", "first_failure_step": 1})
        hands.send()
        ask("POST", f"/traces/{trace_id}/verdict/submit", {"lease": claim["token"]})
        hands.finish()


def check_counts(url: str, person: readers.Person, hands: Hands, traces: int) -> None:
    """What the queue tells while others read: pending is what there is less what is done."""
    least = hands.finished
    status, queue = send(url, person, "GET", "/queue", None)
    most = hands.sent
    assert status == 200
    (batch,) = queue["batches"]
    assert batch["pending"] == batch["asked"] - batch["done"]
    assert (batch["asked"], least <= batch["done"] <= most) == (traces, True)
    assert batch["in_review"] <= PEOPLE


def test_fifty_people_ask_for_their_next_trace_and_none_is_handed_out_twice(
    database: Database, settings: Settings, row: Row
) -> None:
    traces = min(MOST_TRACES, 100 * ROUNDS)
    persons = readers.batch_to_read(database, traces, PEOPLE)
    database.dispose()
    on_it = ("--data", settings.data, "--database", settings.database_url)
    workers = () if database.takes_turns else ("--workers", 4)
    hands, looks = Hands(), 0
    with running("serve", "--port", 0, *on_it, *workers) as server:
        url = server.answer["url"]
        with ThreadPoolExecutor(PEOPLE) as pool:
            readings = [pool.submit(read_all, url, person, hands) for person in persons]
            while not all(reading.done() for reading in readings):
                check_counts(url, persons[0], hands, traces)
                looks += 1
            for reading in readings:
                reading.result()
        check_counts(url, persons[0], hands, traces)
        assert server.end(signal.SIGTERM) == 0
    row.add(acknowledged=hands.finished, doubled=len(hands.twice))
    row.remark = f"pending = traces - done at each of {looks:,} looks"
    assert (hands.finished, hands.twice) == (traces, [])
