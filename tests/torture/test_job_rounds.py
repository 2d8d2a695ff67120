"""Workers killed at a job, cancelled jobs, a locked database, and a clock that is set."""

import http.client
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from sqlmodel import col, select

from server import db, turns
from server.db import Database
from server.models.batch import Lease
from server.models.event import Event
from server.models.note import Note
from server.models.run import AnalysisRun, RunStatus
from server.services import batches
from server.settings import Settings
from tests import readers
from tests.databases import Databases
from tests.factories import SLUG, make_project, member
from tests.processes import running
from tests.server import test_import_resume as resume
from tests.torture import test_import_rounds as imports
from tests.torture.conftest import ROUNDS
from tests.torture.contents import contents
from tests.torture.report import Row

pytestmark = pytest.mark.timeout(3_600)
WITHIN_S = 180
MOST_ROUNDS = 20
SHIFTED = """
import datetime, os, pathlib
from server.models import base
_now, _file = base.utc_now, pathlib.Path(os.environ["SHIFT"])
base.utc_now = lambda: _now() + datetime.timedelta(seconds=float(_file.read_text()))
"""
"""A server's clock, ahead by as many seconds as a file says."""


def until(is_so: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def run_of(database: Database) -> AnalysisRun:
    with database.reading() as session:
        return session.exec(select(AnalysisRun).where(AnalysisRun.kind == "import")).one()


def post(url: str, path: str, person: readers.Person, **form: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=WITHIN_S)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": f"faultbook_session={person.cookie}",
    }
    connection.request("POST", f"/projects/{SLUG}{path}", urlencode(form), headers)
    answer = connection.getresponse()
    told = answer.read().decode()
    connection.close()
    return answer.status, told


def many(folder: Path) -> Path:
    file = folder / "many.jsonl"
    file.write_text("".join(f"{resume.record(n, 'many')}\n" for n in range(imports.TRACES)))
    return file


def test_a_job_whose_worker_is_killed_is_done_by_the_next_worker(
    settings: Settings, databases: Databases, tmp_path: Path, row: Row
) -> None:
    file = many(tmp_path)
    with databases.settings(tmp_path / "clean", None) as once:
        expected = worked_on(once, file, Row("once"), rounds=0)
    assert worked_on(settings, file, row, rounds=min(ROUNDS, MOST_ROUNDS)) == expected
    row.remark = f"{len(expected):,} bytes the same; the first time nobody helps the clock along"


def worked_on(settings: Settings, file: Path, row: Row, *, rounds: int) -> bytes:
    """Have an import performed by workers of which so many are killed; what is there then."""
    database = Database.from_url(settings.database_url)
    make_project(database, traces=0)
    on_it = ("--data", settings.data, "--database", settings.database_url)
    with running("serve", "--no-login", "--no-jobs", "--port", 0, *on_it) as server:
        imports.upload(server, file)
    row.rounds = 0
    killed_at = 0.0
    while row.rounds < rounds and not run_of(database).status.is_over:
        if row.rounds > 1:
            imports.as_if_a_minute_had_passed(database, run_of(database))
        with running("worker", *on_it) as worker:
            wait_until_at_work(database, for_more=row.rounds % 2 == 1)
            if row.rounds == 1:
                row.restarted(time.monotonic() - killed_at)
            assert worker.end(signal.SIGKILL) == -signal.SIGKILL
        killed_at = time.monotonic()
        row.rounds += 1
    if row.rounds:
        imports.as_if_a_minute_had_passed(database, run_of(database))
    with running("worker", *on_it):
        until(lambda: run_of(database).status.is_over, "the job is under way for ever")
    assert run_of(database).status is RunStatus.DONE, run_of(database).error
    found = contents(database)
    database.dispose()
    return found


def wait_until_at_work(database: Database, *, for_more: bool) -> None:
    """Until a worker began the import, or stored some more of it, or it is over."""
    begun, stored = run_of(database).started_at, imports.stored(database)

    def is_so() -> bool:
        run = run_of(database)
        has_more = not for_more or imports.stored(database) > stored
        return run.status.is_over or (run.started_at != begun and has_more)

    until(is_so, "no worker began it")


def test_a_job_in_another_process_is_cancelled_and_keeps_what_it_did(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    make_project(database, traces=0)
    on_it = ("--data", settings.data, "--database", settings.database_url)
    with (
        running("serve", "--no-login", "--no-jobs", "--port", 0, *on_it) as server,
        running("worker", *on_it),
    ):
        imports.upload(server, many(tmp_path))
        until(lambda: imports.stored(database) > 0, "no worker began it")
        nobody = readers.Person("", "", "")
        path = f"/runs/{run_of(database).id}/cancel"
        assert post(server.answer["url"], path, nobody)[0] == 303
        until(lambda: run_of(database).status.is_over, "it is not cancelled")
    assert run_of(database).status is RunStatus.CANCELLED
    assert 0 < imports.stored(database) < imports.TRACES


@pytest.mark.sqlite
def test_a_database_locked_by_something_else_is_waited_for_in_bounds(
    database: Database, settings: Settings, row: Row
) -> None:
    make_project(database, traces=1)
    person = readers.Person("", "", "")
    with (
        running("serve", "--no-login", "--port", 0, "--data", settings.data) as server,
        closing(sqlite3.connect(database.engine.url.database or "")) as other,
    ):
        other.isolation_level = None
        other.execute("BEGIN EXCLUSIVE")
        begun = time.monotonic()
        status, told = post(server.answer["url"], "/read/1/notes", person, text="waits")
        waited = time.monotonic() - begun
        assert (status, "kept the database to itself" in told) == (503, True)
        assert waited < 2 * db.BUSY_TIMEOUT_MS / 1000 + turns.TURN_TIMEOUT_S
        other.execute("ROLLBACK")
        assert post(server.answer["url"], "/read/1/notes", person, text="is saved")[0] == 303
    row.remark = f"answered after {waited:.0f} s"
    with database.reading() as session:
        assert list(session.exec(select(Note.text))) == ["is saved"]


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(days=1)], ids=["hour", "day"])
def test_a_clock_that_jumps_ahead_and_back_keeps_claims_sessions_and_the_order_of_events(
    database: Database,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    jump: timedelta,
) -> None:
    shift = tmp_path / "shift"
    (tmp_path / "sitecustomize.py").write_text(SHIFTED)
    shift.write_text("0")
    monkeypatch.setenv("SHIFT", str(shift))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    trace_ids = make_project(database, traces=3)
    with database.writing() as session:
        batches.create_from(session, member(session), trace_ids)
        first, second, third = readers.people(session, 3)
    on_it = ("--data", settings.data, "--database", settings.database_url)
    with running("serve", "--port", 0, *on_it) as server:
        url = server.answer["url"]
        held = claim(url, first)
        shift.write_text(str(jump.total_seconds()))
        assert claim(url, second) == held, "a claim of long ago keeps nothing from others"
        assert post(url, f"/read/{held}/notes", second, text="in the future")[0] == 303
        shift.write_text("0")
        assert claim(url, third) == held, "nor does one of a future that did not come"
        assert post(url, f"/read/{held}/notes", second, text="after it")[0] == 303
        assert post(url, "/undo", second)[0] == 303
        assert server.end(signal.SIGTERM) == 0
    with database.reading() as session:
        assert list(session.exec(select(Note.text))) == ["in the future"]
        kinds = list(session.exec(select(Event.kind).order_by(col(Event.id).desc()).limit(3)))
        assert kinds == ["undo", "note.added", "note.added"]
        assert len(session.exec(select(Lease.id)).all()) == 1


def claim(url: str, person: readers.Person) -> int:
    """Ask for the next trace; signed in all the while."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=WITHIN_S)
    cookie = {"Cookie": f"faultbook_session={person.cookie}"}
    connection.request("GET", f"/projects/{SLUG}/read", headers=cookie)
    answer = connection.getresponse()
    answer.read()
    location = answer.getheader("location") or ""
    connection.close()
    assert "/read/" in location, (answer.status, location)
    return int(location.rsplit("/", 1)[1])
