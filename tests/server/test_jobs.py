"""Runs: performed once, with progress, cancelled, failed with a reason, found again when dead."""

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from server import tasks
from server.db import Database
from server.errors import Conflict, Invalid
from server.jobs import Jobs
from server.models.base import stored_id, utc_now
from server.models.run import AnalysisRun, RunStatus
from server.services import runs
from server.services.runs import Handler, RunContext
from server.settings import Settings
from tests.factories import make_project, member


@pytest.fixture
def jobs(settings: Settings) -> Iterator[Jobs]:
    """The real queue on disk with two worker threads, as in `serve`."""
    jobs = Jobs.beside(settings.database_url, settings.jobs_path)
    yield jobs
    jobs.stop()


def start(jobs: Jobs, database: Database, settings: Settings, handler: Handler) -> None:
    jobs.performed_by(lambda run_id: runs.perform(database, settings, {"count": handler}, run_id))
    jobs.start(workers=2)


def ask(database: Database, jobs: Jobs, input_digest: str = "") -> int:
    with database.writing() as session:
        run = runs.request(
            session, jobs, member(session), "count", {"to": 3}, input_digest=input_digest
        )
        return stored_id(run)


def state(database: Database, run_id: int) -> AnalysisRun:
    with database.reading() as session:
        run = session.get(AnalysisRun, run_id)
        assert run is not None
        return run


def wait_until_over(database: Database, run_id: int, limit_s: float = 20) -> AnalysisRun:
    pause = threading.Event()
    for _ in range(int(limit_s / 0.05)):
        if (run := state(database, run_id)).status.is_over:
            return run
        pause.wait(0.05)
    raise AssertionError(f"run {run_id} is still {state(database, run_id).status}")


def test_a_run_is_performed_with_its_parameters_and_keeps_its_result(
    database: Database, jobs: Jobs, settings: Settings
) -> None:
    make_project(database)
    start(jobs, database, settings, lambda context: {"counted": context.parameters["to"]})
    run = wait_until_over(database, ask(database, jobs))
    assert (run.status, run.result) == (RunStatus.DONE, {"counted": 3})
    assert run.started_at is not None
    assert run.finished_at is not None


def test_a_rolled_back_request_is_never_performed(
    database: Database, jobs: Jobs, settings: Settings
) -> None:
    make_project(database)
    performed = threading.Event()

    def handler(_context: RunContext) -> dict[str, object]:
        performed.set()
        return {}

    start(jobs, database, settings, handler)

    def ask_and_fail(session: Session) -> None:
        runs.request(session, jobs, member(session), "count", {})
        raise KeyError("before the commit")

    with pytest.raises(KeyError), database.writing() as session:
        ask_and_fail(session)
    assert wait_until_over(database, ask(database, jobs)).status is RunStatus.DONE
    with database.reading() as session:
        assert len(session.exec(select(AnalysisRun)).all()) == 1


def test_cancel_stops_a_run_at_its_next_progress(
    database: Database, jobs: Jobs, settings: Settings
) -> None:
    make_project(database)
    begun = threading.Event()

    def count_for_ever(context: RunContext) -> dict[str, object]:
        begun.set()
        number = 0
        while True:
            number += 1
            context.progress(number, text="counting")
            threading.Event().wait(0.01)

    start(jobs, database, settings, count_for_ever)
    run_id = ask(database, jobs)
    assert begun.wait(10)
    with database.writing() as session:
        runs.cancel(session, member(session), run_id)
    assert wait_until_over(database, run_id).status is RunStatus.CANCELLED
    with database.writing() as session, pytest.raises(Conflict, match="over already"):
        runs.cancel(session, member(session), run_id)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Invalid("Line 3: no messages."), "Line 3: no messages."),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError"),
    ],
)
def test_a_failed_run_says_why(
    database: Database, jobs: Jobs, settings: Settings, error: Exception, told: str
) -> None:
    make_project(database)

    def fail(_context: RunContext) -> dict[str, object]:
        raise error

    start(jobs, database, settings, fail)
    run = wait_until_over(database, ask(database, jobs))
    assert run.status is RunStatus.FAILED
    assert told in run.error


def test_the_same_question_asked_twice_runs_once(database: Database, jobs: Jobs) -> None:
    make_project(database)
    assert ask(database, jobs, "notes 1,2,3") == ask(database, jobs, "notes 1,2,3")
    assert ask(database, jobs, "notes 1,2,3") != ask(database, jobs, "notes 1,2,3,4")


def test_a_run_whose_worker_died_is_begun_again(
    database: Database, jobs: Jobs, settings: Settings
) -> None:
    make_project(database)
    run_id = ask(database, jobs)
    with database.writing() as session:
        run = session.get(AnalysisRun, run_id)
        assert run is not None
        run.status = RunStatus.RUNNING
        run.heartbeat_at = utc_now() - runs.DEAD_AFTER - timedelta(seconds=1)
        session.add(run)
    with database.writing() as session:
        assert runs.recover(session, jobs) == 1
    start(jobs, database, settings, lambda _context: {"again": True})
    assert wait_until_over(database, run_id).result == {"again": True}


def test_a_run_that_is_alive_is_left_alone(database: Database, jobs: Jobs) -> None:
    make_project(database)
    run_id = ask(database, jobs)
    with database.writing() as session:
        run = session.get(AnalysisRun, run_id)
        assert run is not None
        run.status, run.heartbeat_at = RunStatus.RUNNING, utc_now()
        session.add(run)
    with database.writing() as session:
        assert runs.recover(session, jobs) == 0


def test_two_messages_for_one_run_perform_it_once(
    database: Database, jobs: Jobs, settings: Settings
) -> None:
    make_project(database)
    performed: list[int] = []

    def handler(context: RunContext) -> dict[str, object]:
        performed.append(context.run_id)
        return {}

    run_id = ask(database, jobs)
    jobs.enqueue_now(run_id)
    start(jobs, database, settings, handler)
    wait_until_over(database, run_id)
    last = ask(database, jobs)
    wait_until_over(database, last)
    assert performed.count(run_id) == 1


def lose_and_find(database: Database, jobs: Jobs, run_id: int) -> None:
    """Take the worker of a run for dead, as after the clock was set; and queue the run again."""
    with database.writing() as session:
        run = session.get_one(AnalysisRun, run_id)
        run.heartbeat_at = utc_now() + timedelta(days=1)
        session.add(run)
    with database.writing() as session:
        assert runs.recover(session, jobs) == 1


def test_a_worker_wrongly_taken_for_dead_leaves_the_run_to_who_began_it_again(
    database: Database, jobs: Jobs, settings: Settings
) -> None:
    make_project(database)
    tries: list[int] = []

    def handler(context: RunContext) -> dict[str, object]:
        tries.append(context.run_id)
        first = len(tries) == 1
        if first:
            lose_and_find(database, jobs, context.run_id)
            while len(tries) == 1:
                threading.Event().wait(0.01)
            wait_until_over(database, context.run_id)
        return {"first": first}

    start(jobs, database, settings, handler)
    run_id = ask(database, jobs)
    assert wait_until_over(database, run_id).result == {"first": False}
    assert tries == [run_id, run_id]
    jobs.stop()
    assert state(database, run_id).result == {"first": False}


def test_a_run_whose_message_was_lost_is_queued_again(
    database: Database, settings: Settings, jobs: Jobs
) -> None:
    make_project(database)
    run_id = ask(database, Jobs.immediate())  # its message goes nowhere: nobody performs it
    assert jobs.is_empty()
    with database.writing() as session:
        runs.enqueue_waiting(session, jobs)
    assert not jobs.is_empty()
    start(jobs, database, settings, lambda _context: {"found": True})
    assert wait_until_over(database, run_id).result == {"found": True}


@pytest.mark.sqlite
def test_a_run_that_cannot_be_queued_now_waits_in_the_database(
    database: Database, settings: Settings, jobs: Jobs
) -> None:
    make_project(database)
    other = sqlite3.connect(settings.jobs_path, isolation_level=None)
    other.execute("DROP TABLE task")
    run_id = ask(database, jobs)
    other.close()
    assert state(database, run_id).status is RunStatus.QUEUED


def test_a_question_asked_at_once_in_several_processes_is_one_run(
    database: Database, jobs: Jobs
) -> None:
    make_project(database)
    url = database.engine.url.render_as_string(hide_password=False)
    processes = [Database.from_url(url) for _ in range(8)]
    with ThreadPoolExecutor(len(processes)) as pool:
        asked = [pool.submit(ask, process, jobs, "which?") for process in processes]
        assert len({one.result() for one in asked}) == 1
    for process in processes:
        process.dispose()


def test_a_clock_that_was_set_is_noticed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = tasks.Clock()
    assert not clock.was_set()
    for jump in (timedelta(hours=1), timedelta(hours=-1), timedelta(days=-1)):
        now = utc_now() + jump
        monkeypatch.setattr(tasks, "utc_now", lambda now=now: now)
        assert clock.was_set()
        assert not clock.was_set()
