"""PostgreSQL, or one of several server processes, killed under twenty people who write."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import sqlalchemy as sa

from server.db import Database
from server.settings import Settings
from tests import postgres
from tests.databases import migrated
from tests.processes import running
from tests.torture import writers
from tests.torture.conftest import ROUNDS
from tests.torture.report import Row

pytestmark = pytest.mark.timeout(7_200)
SERVER_PROCESSES = 4
DURABLE = "-c max_connections=200"
"""As PostgreSQL is when nobody changes it: what is acknowledged is on disk."""
WITHIN_S = 120


@pytest.fixture(scope="module")
def cluster() -> Iterator[postgres.Cluster]:
    """A cluster to kill."""
    with postgres.cluster(DURABLE) as made:
        yield made


@pytest.fixture
def own(backend: str, cluster: postgres.Cluster, tmp_path: Path) -> Settings:
    """Settings on an empty, migrated database of the cluster."""
    name = f"of_{backend}_{time.monotonic_ns()}"
    postgres.execute(cluster.url, f"CREATE DATABASE {name}")
    url = sa.make_url(cluster.url).set(database=name).render_as_string(hide_password=False)
    migrated(url)
    return Settings(data=tmp_path / "data", database=url)


def serve(settings: Settings) -> tuple[object, ...]:
    on_it = ("--data", settings.data, "--database", settings.database_url)
    return ("serve", "--port", 0, "--workers", SERVER_PROCESSES, *on_it)


def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait for something that nobody tells."""
    end = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def answering(supervisor: int) -> list[psutil.Process]:
    """The processes that answer requests; not the one that keeps track of what they share."""
    return [child for child in psutil.Process(supervisor).children() if answers(child)]


def answers(process: psutil.Process) -> bool:
    """Whether a process takes requests; it may be gone while it is looked at."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and not any(
            "resource_tracker" in part for part in process.cmdline()
        )
    except psutil.NoSuchProcess:
        return False


def finish(settings: Settings, people: list[writers.Writer], row: Row) -> None:
    database = Database.from_url(settings.database_url)
    found = writers.examine(database, people)
    database.dispose()
    row.add(**found._asdict())
    assert (found.lost, found.doubled) == (0, 0)


def prepared(settings: Settings) -> list[writers.Writer]:
    database = Database.from_url(settings.database_url)
    people = writers.prepare(database)
    database.dispose()
    return people


def test_one_of_four_server_processes_killed_is_replaced_and_nothing_is_lost(
    own: Settings, row: Row
) -> None:
    people = prepared(own)
    row.rounds = ROUNDS
    with running(*serve(own)) as server:
        supervisor = server.process.pid
        with writers.Crowd(server.answer["url"], people) as crowd:
            for number in range(ROUNDS):
                crowd.wait_for(20)
                ours = answering(supervisor)
                os.kill(ours[number % len(ours)].pid, signal.SIGKILL)
                killed_at = time.monotonic()
                until(
                    lambda: len(answering(supervisor)) == SERVER_PROCESSES,
                    "a killed process is not replaced",
                )
                row.restarted(time.monotonic() - killed_at)
        assert server.end(signal.SIGTERM) == 0
    finish(own, people, row)


def test_a_killed_supervisor_takes_its_processes_along_and_the_port_is_free(own: Settings) -> None:
    with running(*serve(own)) as server:
        processes = answering(server.process.pid)
        port = urlsplit(server.answer["url"]).port
        assert server.end(signal.SIGKILL) == -signal.SIGKILL
        psutil.wait_procs(processes, timeout=WITHIN_S)
        assert not any(process.is_running() for process in processes)
        socket.create_server(("127.0.0.1", port or 0)).close()


def test_postgresql_killed_under_four_processes_loses_nothing_and_all_goes_on(
    own: Settings, cluster: postgres.Cluster, row: Row
) -> None:
    people = prepared(own)
    row.rounds = ROUNDS
    with running(*serve(own)) as server:
        with writers.Crowd(server.answer["url"], people) as crowd:
            for number in range(ROUNDS):
                crowd.wait_for(20)
                killed_at = time.monotonic()
                if number % 2:
                    restart(cluster)
                else:
                    kill_a_backend(cluster)
                crowd.forget()
                crowd.wait_for(1)
                row.restarted(time.monotonic() - killed_at)
        assert server.end(signal.SIGTERM) == 0, "the processes were never restarted"
    finish(own, people, row)


def restart(cluster: postgres.Cluster) -> None:
    """Kill all of PostgreSQL, and start it again."""
    first = psutil.Process(cluster.process)
    every = [first, *first.children()]
    for process in every:
        with suppress(psutil.NoSuchProcess):  # those of PostgreSQL end with the first
            process.kill()
    psutil.wait_procs(every, timeout=WITHIN_S)
    cluster.start()


def kill_a_backend(cluster: postgres.Cluster) -> None:
    """Kill one that serves a connection: PostgreSQL ends all others and recovers."""
    for child in psutil.Process(cluster.process).children():
        with suppress(psutil.NoSuchProcess):  # a connection may end while it is looked at
            if "127.0.0.1" in " ".join(child.cmdline()):
                child.kill()
                return
    raise AssertionError("no connection is served")
