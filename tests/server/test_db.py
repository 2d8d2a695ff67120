"""One writer at a time, commits before answers, actions only after commits."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlmodel import select

from server.db import Database, after_commit
from server.models.project import Project


def names(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.exec(select(Project.name).order_by(Project.name)))


def test_a_failed_block_leaves_nothing_and_runs_no_action(database: Database) -> None:
    done: list[str] = []

    def write_and_fail() -> None:
        with database.writing() as session:
            session.add(Project(name="lost", slug="lost"))
            session.flush()
            after_commit(session, lambda: done.append("lost"))
            raise KeyError("in the middle")

    with pytest.raises(KeyError):
        write_and_fail()
    assert (names(database), done) == ([], [])


def test_an_action_after_commit_sees_the_committed_row(database: Database) -> None:
    seen: list[list[str]] = []
    with database.writing() as session:
        session.add(Project(name="kept", slug="kept"))
        after_commit(session, lambda: seen.append(names(database)))
        assert seen == []
    assert seen == [["kept"]]


def test_many_threads_write_without_losing_or_locking(database: Database) -> None:
    def write(number: int) -> None:
        with database.writing() as session:
            session.add(Project(name=f"{number:03}", slug=f"p{number}"))

    with ThreadPoolExecutor(24) as pool:
        list(pool.map(write, range(120)))
    assert names(database) == [f"{number:03}" for number in range(120)]


def test_a_reader_sees_the_state_before_an_unfinished_write(database: Database) -> None:
    written, read = threading.Event(), threading.Event()

    def write() -> None:
        with database.writing() as session:
            session.add(Project(name="new", slug="new"))
            session.flush()
            written.set()
            assert read.wait(10)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        assert written.wait(10)
        assert names(database) == []
        read.set()
        writing.result()
    assert names(database) == ["new"]


@pytest.mark.sqlite
def test_sqlite_syncs_fully_and_checks_foreign_keys(database: Database) -> None:
    with database.engine.connect() as connection:
        # 2 = FULL: what is acknowledged is on disk.
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


@pytest.mark.sqlite
def test_the_planner_hears_of_what_has_grown(database: Database) -> None:
    with database.writing() as session:
        session.add_all([Project(name=f"p{n}", slug=f"p{n}") for n in range(300)])
    database.refresh_statistics()
    with database.reading() as session:
        counted = sa.text("SELECT stat FROM sqlite_stat1 WHERE tbl = 'project'")
        assert {row[0].split()[0] for row in session.connection().execute(counted)} == {"300"}


@pytest.mark.sqlite
def test_the_text_index_of_a_new_database_is_searched_not_scanned(database: Database) -> None:
    """What FTS5 sends for each batch of traces; scanning made imports quadratic."""
    sent = "EXPLAIN QUERY PLAN DELETE FROM trace_text_data WHERE id >= ? AND id <= ?"
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")  # as earlier versions counted
        connection.commit()
    database.refresh_statistics()
    with database.engine.connect() as connection:
        (plan,) = connection.exec_driver_sql(sent, (1, 2))
    assert plan.detail.startswith("SEARCH trace_text_data USING INTEGER PRIMARY KEY"), plan


def test_ids_are_never_handed_out_twice(database: Database) -> None:
    with database.writing() as session:
        first = Project(name="one", slug="one")
        session.add(first)
        session.flush()
        first_id = first.id
        session.delete(first)
        session.flush()
        second = Project(name="two", slug="two")
        session.add(second)
        session.flush()
        assert second.id != first_id


def test_a_naive_time_is_refused(database: Database) -> None:
    from datetime import datetime

    naive = datetime(2026, 1, 1)  # noqa: DTZ001  # the point of the test
    with database.writing() as session:
        session.add(Project(name="x", slug="x", archived_at=naive))
        with pytest.raises(sa.exc.StatementError, match="naive datetime"):
            session.flush()
        session.rollback()
