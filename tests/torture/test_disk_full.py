"""A data directory on a disk that fills up: a sentence everywhere, nothing half-written."""

import http.client
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import sqlalchemy as sa
from sqlmodel import select

from server import schema
from server.db import Database
from server.models.note import Note
from server.models.run import AnalysisRun
from server.models.trace import Trace
from server.settings import Settings
from tests.factories import SLUG, make_project
from tests.processes import FAULTBOOK, running
from tests.torture.disks import MEBIBYTE, Disk, mounted

pytestmark = [pytest.mark.timeout(1_800), pytest.mark.sqlite]
DISK = 48 * MEBIBYTE
LONG_NOTE = "far too much " * 1_500
WITHIN_S = 120
Told = tuple[int, str]


@pytest.fixture
def disk(backend: str, tmp_path: Path) -> Iterator[Disk]:
    """A disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted(folder, DISK) as made:
        yield made


@pytest.fixture
def data(disk: Disk) -> Path:
    """A data directory on that disk, with a project."""
    settings = Settings(data=disk.folder / "data")
    settings.data.mkdir()
    database = Database.from_url(settings.database_url)
    schema.upgrade(database)
    make_project(database, traces=2)
    database.dispose()
    return settings.data


@contextmanager
def opened(data: Path) -> Iterator[Database]:
    database = Database.from_url(Settings(data=data).database_url)
    yield database
    database.dispose()


def shell(data: Path, *arguments: object) -> Told:
    """A command in a shell: its exit code and all it printed."""
    command = [str(FAULTBOOK), *map(str, arguments), "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S)
    told = done.stdout + done.stderr
    assert "Traceback" not in told, told[-2_000:]
    return done.returncode, " ".join(told.split())


def says_why(told: str) -> bool:
    return "disk" in told and any(words in told for words in ("full", "space", "disk I/O error"))


def asked(url: str, method: str, path: str, form: dict[str, str] | None = None) -> Told:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=WITHIN_S)
    body = None if form is None else urlencode(form)
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
    connection.request(method, f"/projects/{SLUG}{path}", body, headers)
    answer = connection.getresponse()
    told = answer.read().decode()
    connection.close()
    assert "Traceback" not in told
    return answer.status, told


def until_full(save: Callable[[], Told]) -> Told:
    """Save until it is refused: what a database has taken of the disk before, it still uses."""
    for _ in range(2_000):
        status, told = save()
        if status >= 400:
            return status, told
    raise AssertionError("the disk never fills up")


def traces(path: Path, count: int) -> Path:
    words = "word " * 200
    lines = (
        json.dumps({"id": f"t{n}", "messages": [{"role": "user", "content": f"{n} {words}"}]})
        for n in range(count)
    )
    path.write_text("\n".join(lines))
    return path


def check_sound(database: Database) -> None:
    with database.reading() as session:
        assert session.execute(sa.text("PRAGMA integrity_check")).scalars().all() == ["ok"]
    with database.engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO trace_text(trace_text) VALUES ('integrity-check')"))


def test_notes_on_the_screen_are_refused_in_a_sentence_and_saved_when_there_is_room(
    disk: Disk, data: Path
) -> None:
    with running("serve", "--no-login", "--port", 0, "--data", data) as server:
        url = server.answer["url"]
        saved: list[int] = []

        def save() -> Told:
            status, told = asked(url, "POST", "/read/1/notes", {"text": LONG_NOTE})
            saved.extend([status] if status < 400 else [])
            return status, told

        disk.fill()
        status, told = until_full(save)
        assert (status, "disk is full" in told) == (507, True)
        assert asked(url, "GET", "/read/1")[0] == 200, "what is there can be read"
        with opened(data) as database, database.reading() as session:
            assert len(session.exec(select(Note.id)).all()) == len(saved)
        disk.free()
        assert save()[0] == 303
        assert server.end(signal.SIGTERM) == 0
    with opened(data) as database:
        check_sound(database)
        with database.reading() as session:
            assert len(session.exec(select(Note.id)).all()) == len(saved)


def test_a_job_that_finds_no_room_ends_with_a_sentence_or_waits_and_is_done_later(
    disk: Disk, data: Path
) -> None:
    with running("serve", "--no-login", "--port", 0, "--data", data) as server:
        url = server.answer["url"]
        disk.fill()
        status, told = asked(url, "POST", "/lifecycle/archive", {})
        assert status in (303, 507), told[-500:]
        disk.free()
        status, told = asked(url, "POST", "/lifecycle/archive", {})
        assert status == 303, told[-500:]
        with opened(data) as database:
            end = time.monotonic() + WITHIN_S
            while not over(database):
                assert time.monotonic() < end, "a run is under way for ever"
                time.sleep(0.2)
        assert server.end(signal.SIGTERM) == 0


def over(database: Database) -> bool:
    with database.reading() as session:
        return all(run.status.is_over for run in session.exec(select(AnalysisRun)))


def test_an_import_in_the_shell_that_finds_no_room_says_so_and_goes_on_later(
    disk: Disk, data: Path, tmp_path: Path
) -> None:
    file = traces(tmp_path / "many.jsonl", 6_000)
    disk.fill(but=3 * MEBIBYTE)
    code, told = shell(data, "import", file, "-p", SLUG)
    assert (code, says_why(told)) == (1, True), told
    disk.free()
    code, told = shell(data, "import", file, "-p", SLUG)
    assert code == 0, told
    with opened(data) as database:
        check_sound(database)
        with database.reading() as session:
            assert session.execute(sa.select(sa.func.count()).select_from(Trace)).scalar() == 6_002


def test_exports_and_backups_that_find_no_room_leave_no_file(
    disk: Disk, data: Path, tmp_path: Path
) -> None:
    shell(data, "import", traces(tmp_path / "many.jsonl", 2_000), "-p", SLUG)
    with opened(data) as database, database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    disk.fill(but=64 * 1024)
    before = {path.name for path in disk.folder.iterdir()}
    for name, arguments in (
        ("archive.zip", ("export", "-p", SLUG, "-f", "archive", "-o")),
        ("traces.jsonl", ("export", "-p", SLUG, "-f", "jsonl", "-o")),
        ("traces.xlsx", ("export", "-p", SLUG, "-f", "xlsx", "-o")),
        ("backup.zip", ("backup",)),
    ):
        code, told = shell(data, *arguments, disk.folder / name)
        assert (code, says_why(told)) == (1, True), (name, told)
        assert {path.name for path in disk.folder.iterdir()} == before, name
    disk.free()
    code, told = shell(data, "backup", disk.folder / "backup.zip")
    assert code == 0, told


def test_a_migration_that_finds_no_room_leaves_the_old_database(
    disk: Disk, data: Path, tmp_path: Path
) -> None:
    shell(data, "import", traces(tmp_path / "many.jsonl", 2_000), "-p", SLUG)
    with opened(data) as database:
        schema.downgrade(database, "-1")
        old = schema.current_revision(database)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    disk.fill(but=64 * 1024)
    code, told = shell(data, "migrate")
    assert (code, says_why(told)) == (1, True), told
    assert not list(data.glob("*-before-*")), "no half of a copy is left"
    with opened(data) as database:
        assert schema.current_revision(database) == old
    disk.free()
    code, told = shell(data, "migrate")
    assert code == 0, told
    with opened(data) as database:
        assert schema.current_revision(database) == schema.head_revision()
        check_sound(database)
