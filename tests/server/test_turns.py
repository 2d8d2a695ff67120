"""Requests that write right behind each other: one commit for all, and each fails alone."""

from collections.abc import Awaitable, Callable

import anyio
import pytest
import sqlalchemy as sa
from anyio.lowlevel import checkpoint
from sqlmodel import Session, select

from server import turns
from server.db import Database, after_commit, save_now
from server.models.note import Note
from server.models.project import Project
from server.turns import NotKept
from tests import loops

pytestmark = pytest.mark.sqlite
Act = Callable[[Session], None]


def names(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.exec(select(Project.name).order_by(Project.name)))


def adds(name: str) -> Act:
    def act(session: Session) -> None:
        session.add(Project(name=name, slug=name))
        session.flush()

    return act


def fails(session: Session) -> None:
    adds("lost")(session)
    raise KeyError("in the middle")


def loses_all(session: Session) -> None:
    """What SQLite does by itself where a disk fails in the middle of a transaction."""
    driver = session.connection().connection.driver_connection
    assert driver is not None
    driver.execute("ROLLBACK")
    raise KeyError("of the disk")


def cannot_be_kept(session: Session) -> None:
    session.connection().exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    session.add(Note(trace_id=404, annotator_id=404, text="of no trace"))


def saves_at_once(session: Session) -> None:
    adds("at once")(session)
    save_now(session)


def counted(database: Database) -> list[object]:
    """What grows by one with each commit."""
    found: list[object] = []
    sa.event.listen(database.engine, "commit", found.append)
    return found


def behind_each_other(
    database: Database, *acts: tuple[Act, bool], told: list[str] | None = None
) -> list[str]:
    """What became of requests that waited for the first one's turn: each with whether it shares."""
    ended = [""] * len(acts)

    async def request(number: int, queued: Callable[[], Awaitable[None]]) -> None:
        act, shares = acts[number]
        try:
            async with database.writing_request(shares=shares) as session:
                await queued()
                act(session)
                if told is not None:
                    after_commit(session, lambda: told.append(f"{number}"))
            ended[number] = "kept"
        except Exception as error:
            ended[number] = type(error).__name__

    async def nobody() -> None:
        await checkpoint()

    async def requests() -> None:
        async with anyio.create_task_group() as group:

            async def all_others() -> None:
                for number in range(1, len(acts)):
                    before = database._turns._waiting
                    group.start_soon(request, number, nobody)
                    while database._turns._waiting == before:
                        await checkpoint()

            group.start_soon(request, 0, all_others)
        async with database.writing_request() as session:
            adds("next")(session)

    loops.run(requests())
    return ended


def test_requests_behind_each_other_are_kept_by_one_commit(database: Database) -> None:
    commits = counted(database)
    acts = [(adds(f"{number}"), True) for number in range(5)]
    assert behind_each_other(database, *acts) == ["kept"] * 5
    assert names(database) == ["0", "1", "2", "3", "4", "next"]
    assert len(commits) == 2  # of the five, and of the next one


def test_who_fails_loses_only_their_own(database: Database) -> None:
    ended = behind_each_other(database, (adds("a"), True), (fails, True), (adds("b"), True))
    assert ended == ["kept", "KeyError", "kept"]
    assert names(database) == ["a", "b", "next"]


def test_nobody_shares_with_a_request_that_may_last(database: Database) -> None:
    commits = counted(database)
    acts = [(adds("a"), True), (adds("b"), False), (adds("c"), True)]
    assert behind_each_other(database, *acts) == ["kept"] * 3
    assert names(database) == ["a", "b", "c", "next"]
    assert len(commits) == 4


def test_a_commit_keeps_no_more_than_some(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MOST_SHARE", 2)
    commits = counted(database)
    acts = [(adds(f"{number}"), True) for number in range(5)]
    assert behind_each_other(database, *acts) == ["kept"] * 5
    assert len(commits) == 4  # 2 + 2 + 1, and the next one


def test_what_sqlite_takes_back_is_acknowledged_to_nobody(database: Database) -> None:
    told: list[str] = []
    acts = [(adds("a"), True), (loses_all, True), (adds("b"), True)]
    ended = behind_each_other(database, *acts, told=told)
    assert ended == [NotKept.__name__, "KeyError", "kept"]
    assert (names(database), told) == (["b", "next"], ["2"])


def test_a_commit_that_fails_is_told_to_all(database: Database) -> None:
    told: list[str] = []
    acts = [(adds("a"), True), (cannot_be_kept, True)]
    assert behind_each_other(database, *acts, told=told) == ["IntegrityError"] * 2
    assert (names(database), told) == (["next"], [])


def test_a_commit_that_fails_leaves_nothing_to_the_next(database: Database) -> None:
    assert behind_each_other(database, (cannot_be_kept, False)) == ["IntegrityError"]
    assert names(database) == ["next"]


def test_who_saves_before_the_answer_keeps_what_was_before_it(database: Database) -> None:
    told: list[str] = []
    acts = [(adds("a"), True), (saves_at_once, True), (adds("b"), True)]
    assert behind_each_other(database, *acts, told=told) == ["kept"] * 3
    assert names(database) == ["a", "at once", "b", "next"]
    assert sorted(told) == ["0", "2"]  # 1 asked for it only after its commit
