"""A full disk, a read-only or locked database: a sentence, and nothing half-written."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import anyio
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlmodel import select

from server import storage, tasks, turns
from server.db import Database
from server.jobs import Jobs
from server.models.event import Event
from server.models.note import Note
from server.settings import Settings
from server.turns import NoTurn
from tests import loops
from tests.factories import SLUG, make_project

pytestmark = pytest.mark.sqlite
MEBIBYTE = 1024**2


@contextmanager
def connected_with(database: Database, pragma: str) -> Iterator[None]:
    """Have each new connection begin with a pragma."""

    def tell(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA {pragma}")

    sa.event.listen(database.engine, "connect", tell)
    database.engine.dispose()
    yield
    sa.event.remove(database.engine, "connect", tell)
    database.engine.dispose()


def served(client: TestClient) -> Database:
    database: Database = client.app.state.database  # type: ignore[attr-defined]  # FastAPI's own
    return database


def save(client: TestClient, trace_id: int, text: str) -> tuple[int, str]:
    """Save a note by the screen; its status, and what is said."""
    answer = client.post(
        f"/projects/{SLUG}/read/{trace_id}/notes",
        data={"text": text},
        headers={"HX-Request": "true"},
        follow_redirects=False,
    )
    return answer.status_code, answer.text


def kept(database: Database) -> tuple[list[str], int]:
    with database.reading() as session:
        return list(session.exec(select(Note.text))), len(session.exec(select(Event.id)).all())


def test_a_full_disk_is_said_and_what_fits_later_is_saved(
    database: Database, client: TestClient
) -> None:
    trace_id = make_project(database, traces=1)[0]
    before = kept(database)
    with database.reading() as session:
        pages = session.execute(sa.text("PRAGMA page_count")).scalar_one()
    words = "far too much " * 1_500
    with connected_with(served(client), f"max_page_count={pages}"):
        status, told = save(client, trace_id, words)
        assert status == 507
        assert "disk is full" in told
        assert kept(database) == before
        by_program = client.post(
            f"/api/v1/projects/{SLUG}/notes", json={"trace_id": trace_id, "text": words}
        )
        assert by_program.status_code == 507
        assert "disk is full" in by_program.json()["error"]["message"]
    assert save(client, trace_id, words)[0] == 200
    assert kept(database)[0] == [words.strip()]


def test_a_database_that_may_only_be_read_shows_its_pages_and_says_so_on_a_save(
    database: Database, client: TestClient
) -> None:
    trace_id = make_project(database, traces=1)[0]
    with connected_with(served(client), "query_only=ON"):
        assert client.get(f"/projects/{SLUG}/read/{trace_id}").status_code == 200
        status, told = save(client, trace_id, "words")
    assert (status, "may not write" in told) == (503, True)
    assert kept(database)[0] == []


def test_a_database_that_something_else_keeps_locked_is_waited_for_in_bounds(
    database: Database, client: TestClient, settings: Settings
) -> None:
    trace_id = make_project(database, traces=1)[0]
    file = database.engine.url.database or ""
    with (
        connected_with(served(client), "busy_timeout=50"),
        closing(sqlite3.connect(file, isolation_level=None)) as other,
    ):
        other.execute("BEGIN EXCLUSIVE")
        assert client.get(f"/projects/{SLUG}/read/{trace_id}").status_code == 200
        answer = client.post(
            f"/api/v1/projects/{SLUG}/notes", json={"trace_id": trace_id, "text": "words"}
        )
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "kept the database to itself" in answer.json()["error"]["message"]
        other.execute("ROLLBACK")
        assert save(client, trace_id, "words")[0] == 200
    assert kept(database)[0] == ["words"]


def test_nobody_waits_for_a_turn_without_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "TURN_TIMEOUT_S", 0.02)

    async def wait_in_vain() -> None:
        with pytest.raises(NoTurn):
            async with database.writing_request():
                pass

    async def requests() -> None:
        async with database.writing_request(), anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(wait_in_vain)
        with database.writing():  # as a job does, in a thread
            await wait_in_vain()
        async with database.writing_request():
            pass

    loops.run(requests())


def test_a_server_starts_beside_whatever_keeps_the_database_locked(database: Database) -> None:
    with (
        connected_with(database, "busy_timeout=20"),
        closing(sqlite3.connect(database.engine.url.database or "", isolation_level=None)) as other,
    ):
        other.execute("BEGIN EXCLUSIVE")
        with tasks.looked_after(Jobs.immediate(), database):
            other.execute("ROLLBACK")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 507),
        (OSError(errno.EROFS, "Read-only file system"), 503),
        (sa.exc.TimeoutError("QueuePool limit"), 503),
        (FileNotFoundError(errno.ENOENT, "ours"), None),
        (sa.exc.IntegrityError("INSERT", {}, sqlite3.IntegrityError("ours")), None),
    ],
)
def test_an_error_of_ours_is_not_blamed_on_the_disk(error: Exception, status: int | None) -> None:
    told = storage.refusal(error)
    assert (told.status if told else None) == status
