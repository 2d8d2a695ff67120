"""Imports killed at any moment, in the shell and as a browser's job: the same as one clean run."""

import http.client
import random
import shutil
import signal
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from sqlmodel import select

from server.db import Database
from server.models.base import utc_now
from server.models.run import AnalysisRun, RunStatus
from server.models.trace import Import, ImportStatus
from server.settings import Settings
from tests.databases import Databases
from tests.factories import SLUG, make_project
from tests.processes import Running, running
from tests.server import test_import_resume as resume
from tests.torture.conftest import ROUNDS
from tests.torture.contents import contents
from tests.torture.report import Row

pytestmark = pytest.mark.timeout(7_200)
path = resume.path
TRACES = 12_000
WITHIN_S = 300


def status(database: Database) -> ImportStatus | None:
    with database.reading() as session:
        found = session.exec(select(Import)).first()
    return None if found is None else found.status


def cleanly(databases: Databases, folder: Path, path: Path) -> bytes:
    """What the import of `path` in one go leaves."""
    with databases.settings(folder, None) as settings:
        database = Database.from_url(settings.database_url)
        make_project(database, traces=0)
        resume.finish(settings, path)
        found = contents(database)
        database.dispose()
    return found


def test_an_import_in_the_shell_killed_at_any_moment_ends_as_in_one_go(
    database: Database,
    settings: Settings,
    databases: Databases,
    path: Path,
    tmp_path: Path,
    row: Row,
) -> None:
    expected = cleanly(databases, tmp_path / "clean", path)
    make_project(database, traces=0)
    moments = random.Random(12)
    row.rounds = 0
    for _ in range(ROUNDS):
        where = moments.choice(("here", "beside"))
        resume.kill_after(settings, path, moments.randrange(0, 4), moments.uniform(0, 0.05), where)
        row.rounds += 1
        if status(database) is ImportStatus.DONE:
            break
    resume.finish(settings, path)
    assert contents(database) == expected
    row.remark = f"{len(expected):,} bytes the same"


def test_an_import_in_the_browser_whose_server_is_killed_ends_as_in_one_go(
    database: Database, settings: Settings, databases: Databases, tmp_path: Path, row: Row
) -> None:
    file = tmp_path / "many.jsonl"
    file.write_text("".join(f"{resume.record(n, 'many')}\n" for n in range(TRACES)))
    with databases.settings(tmp_path / "clean", None) as once:
        expected = imported(once, file, Row("once"), rounds=0)
    assert imported(settings, file, row, rounds=ROUNDS) == expected
    row.remark = f"{len(expected):,} bytes the same"


def imported(settings: Settings, file: Path, row: Row, *, rounds: int) -> bytes:
    """Upload a file, kill the server again and again while it is imported; what is there then."""
    database = Database.from_url(settings.database_url)
    make_project(database, traces=0)
    on_it = ("--data", settings.data, "--database", settings.database_url, "--no-login")
    serve = ("serve", "--port", 0, *on_it)
    moments = random.Random(14)
    row.rounds = 0
    with running(*serve) as server:
        upload(server, file)
    while (run := under_way(database)) and row.rounds < rounds:
        as_if_a_minute_had_passed(database, run)
        before = stored(database)
        killed_at = time.monotonic()
        with running(*serve) as server:
            row.restarted(time.monotonic() - killed_at)
            wait_for_more(database, before)
            time.sleep(moments.uniform(0, 0.2))
            assert server.end(signal.SIGKILL) == -signal.SIGKILL
        row.rounds += 1
    if run := under_way(database):
        as_if_a_minute_had_passed(database, run)
        with running(*serve):
            wait_until_over(database)
    found = contents(database)
    database.dispose()
    shutil.rmtree(settings.artefacts, ignore_errors=True)
    return found


def upload(server: Running, file: Path) -> None:
    """Send a file as a browser does, look at it, and press Import."""
    connection = http.client.HTTPConnection(urlsplit(server.answer["url"]).netloc, timeout=60)
    head = f'--edge\r\nContent-Disposition: form-data; name="files"; filename="{file.name}"\r\n\r\n'
    body = head.encode() + file.read_bytes() + b"\r\n--edge--\r\n"
    kind = "multipart/form-data; boundary=edge"
    for path, sent, of_kind in (
        (f"/projects/{SLUG}/imports", body, kind),
        (f"/projects/{SLUG}/imports/1/start", b"", "application/x-www-form-urlencoded"),
    ):
        connection.request("POST", path, sent, {"Content-Type": of_kind})
        answer = connection.getresponse()
        assert answer.status == 303, answer.read().decode()
        answer.read()
    connection.close()


def under_way(database: Database) -> AnalysisRun | None:
    """The import, if it is not over; what follows it is no part of it."""
    with database.reading() as session:
        found = session.exec(select(AnalysisRun).where(AnalysisRun.kind == "import")).one()
        assert found.status is not RunStatus.FAILED, found.error
        return None if found.status.is_over else found


def as_if_a_minute_had_passed(database: Database, run: AnalysisRun) -> None:
    """A killed worker is taken for dead half a minute later: spare the rounds that wait."""
    with database.writing() as session:
        found = session.get_one(AnalysisRun, run.id)
        if found.heartbeat_at is not None:
            found.heartbeat_at = utc_now() - timedelta(minutes=1)
        session.add(found)


def stored(database: Database) -> int:
    with database.reading() as session:
        return int(session.execute(sa.text("SELECT count(*) FROM trace")).scalar_one())


def wait_for_more(database: Database, before: int) -> None:
    end = time.monotonic() + WITHIN_S
    while stored(database) <= before and under_way(database):
        assert time.monotonic() < end, "the import does not go on"
        time.sleep(0.02)


def wait_until_over(database: Database) -> None:
    end = time.monotonic() + WITHIN_S
    while under_way(database):
        assert time.monotonic() < end, "the import does not end"
        time.sleep(0.1)
