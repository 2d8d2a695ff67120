"""A full disk under PostgreSQL itself: a sentence, nothing half-written, and it goes on later."""

import http.client
import secrets
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa
from sqlmodel import select

from server.db import Database
from server.models.note import Note
from server.models.trace import Trace
from server.settings import Settings
from tests import postgres
from tests.factories import SLUG, make_project
from tests.processes import running
from tests.torture import test_disk_full as full
from tests.torture import test_postgres_rounds as rounds
from tests.torture.disks import MEBIBYTE, Disk, mounted
from tests.torture.report import Row

DISK = 224 * MEBIBYTE
OPTIONS = f"{rounds.DURABLE} -c max_wal_size=64MB"
own = rounds.own
AWAY = 503


@pytest.fixture
def disk(backend: str) -> Iterator[Disk]:
    """A disk that PostgreSQL's own user reaches."""
    folder = Path(tempfile.mkdtemp(prefix="faultbook-disk-"))
    folder.chmod(0o755)
    with mounted(folder, DISK) as made:
        yield made
    folder.rmdir()


@pytest.fixture
def cluster(disk: Disk) -> Iterator[postgres.Cluster]:
    """A cluster on that disk."""
    with postgres.cluster(OPTIONS, disk.folder) as made:
        yield made
        disk.free()
        if not is_up(made):
            made.start()


def is_up(cluster: postgres.Cluster) -> bool:
    """Whether PostgreSQL runs; where it finds no room for its log it ends."""
    return (cluster.folder / "data" / "postmaster.pid").exists() and psutil.pid_exists(
        cluster.process
    )


def note(url: str) -> full.Told:
    """Save a text that cannot be compressed."""
    try:
        return full.asked(url, "POST", "/read/1/notes", {"text": secrets.token_hex(9_000)})
    except (OSError, http.client.HTTPException):
        return AWAY, "the database stopped answering: no answer at all"


def notes(settings: Settings) -> int:
    database = Database.from_url(settings.database_url)
    with database.reading() as session:
        found = len(session.exec(select(Note.id)).all())
    database.dispose()
    return found


def test_a_full_disk_under_postgresql_is_said_and_what_was_saved_is_kept(
    own: Settings, cluster: postgres.Cluster, disk: Disk, row: Row
) -> None:
    database = Database.from_url(own.database_url)
    make_project(database, traces=2)
    database.dispose()
    serve = ("--data", own.data, "--database", own.database_url)
    with running("serve", "--no-login", "--port", 0, *serve) as server:
        url = server.answer["url"]
        saved: list[int] = []

        def save() -> full.Told:
            status, told = note(url)
            saved.extend([status] if status < 400 else [])
            return status, told

        assert {save()[0] for _ in range(10)} == {303}
        disk.fill()
        status, told = full.until_full(save)
        assert (status, "disk is full" in told) == (507, True) or (
            (status, "stopped answering" in told) == (AWAY, True)
        ), (status, told[-500:])
        said = f"{status}, {'running on' if is_up(cluster) else 'ended'}"
        if status == 507:
            assert full.asked(url, "GET", "/read/1")[0] == 200, "what is there can be read"
        disk.free()
        if not is_up(cluster):
            cluster.start()
        rounds.until(lambda: save()[0] == 303, "notes are not saved again")
        assert server.end(signal.SIGTERM) == 0
    assert 0 <= notes(own) - len(saved) <= (status == AWAY)
    row.add(acknowledged=len(saved))
    row.remark = f"answered {said}"


def test_an_import_that_finds_no_room_in_postgresql_says_so_and_goes_on_later(
    own: Settings, cluster: postgres.Cluster, disk: Disk, tmp_path: Path
) -> None:
    database = Database.from_url(own.database_url)
    make_project(database, traces=0)
    file = full.traces(tmp_path / "many.jsonl", 6_000)
    command = ("import", file, "-p", SLUG, "--database", own.database_url)
    disk.fill(but=3 * MEBIBYTE)
    code, told = full.shell(own.data, *command)
    assert code == 1, told
    assert full.says_why(told) or not is_up(cluster), told
    disk.free()
    if not is_up(cluster):
        cluster.start()
    code, told = full.shell(own.data, *command)
    assert code == 0, told
    with database.reading() as session:
        assert session.execute(sa.select(sa.func.count()).select_from(Trace)).scalar() == 6_000
    database.dispose()
