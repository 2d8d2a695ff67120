"""A request's turn to write: what is kept when its answer fails, and who may write next."""

from collections.abc import Callable

import anyio
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from server.db import Database, SessionDep, save_now
from server.models.project import Project
from tests import loops


def names(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.exec(select(Project.name).order_by(Project.name)))


def add(session: Session, name: str) -> None:
    session.add(Project(name=name, slug=name))
    session.flush()


def asked(database: Database, act: Callable[[Session], None]) -> int:
    """The status of a request that does `act`, followed by one that needs the turn to write."""
    app = FastAPI()
    app.state.database = database

    @app.post("/acts")
    def acts(session: SessionDep) -> None:
        act(session)

    @app.post("/next")
    def next_one(session: SessionDep) -> None:
        add(session, "next")

    with TestClient(app, raise_server_exceptions=False) as client:
        status = client.post("/acts").status_code
        assert client.post("/next").status_code == 200
    return status


def test_an_answer_that_fails_after_the_save_keeps_what_was_saved(database: Database) -> None:
    def act(session: Session) -> None:
        add(session, "kept")
        save_now(session)
        assert names(database) == ["kept"]  # others see it while the answer is made
        raise KeyError("in the answer")

    assert asked(database, act) == 500
    assert names(database) == ["kept", "next"]


@pytest.mark.parametrize(
    "late",
    [
        lambda session: session.add(Project(name="late", slug="late")),
        lambda session: add(session, "late"),
        lambda session: session.execute(sa.update(Project).values(name="late")),
    ],
    ids=["added", "flushed", "a statement"],
)
def test_what_writes_after_the_save_is_refused(
    database: Database, late: Callable[[Session], None]
) -> None:
    def act(session: Session) -> None:
        add(session, "kept")
        save_now(session)
        late(session)

    assert asked(database, act) == 500
    assert names(database) == ["kept", "next"]


def test_a_request_that_fails_before_the_save_keeps_nothing(database: Database) -> None:
    def act(session: Session) -> None:
        add(session, "lost")
        raise KeyError("before the save")

    assert asked(database, act) == 500
    assert names(database) == ["next"]


def test_a_cancelled_request_keeps_nothing_and_lets_the_next_one_write(database: Database) -> None:
    async def given_up(is_writing: anyio.Event) -> None:
        async with database.writing_request() as session:
            add(session, "lost")
            is_writing.set()
            await anyio.sleep_forever()

    async def requests() -> None:
        is_writing = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(given_up, is_writing)
            await is_writing.wait()
            group.cancel_scope.cancel()
        async with database.writing_request() as session:
            add(session, "next")

    loops.run(requests())
    assert names(database) == ["next"]
