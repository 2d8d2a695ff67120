"""The database: engines, SQLite pragmas, one writer at a time, and the only commits.

SQLite takes one writer. Writers queue on one process-wide lock before `BEGIN IMMEDIATE`, which
keeps the slowest save near the typical one; without it they collide and back off. Requests take
turns for it in `turns.py`, where several may be kept by one commit. PostgreSQL needs no turns.
"""

import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import sqlalchemy as sa
from anyio import to_thread
from fastapi import Depends, Request
from sqlalchemy.engine import Connection, Engine
from sqlmodel import Session, SQLModel

from server.turns import Actions, Turn, Turns, commit

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BUSY_TIMEOUT_MS = 20_000
"""How long SQLite waits for another process that writes."""

_CHECKPOINT_PAGES = 8_000
"""How far the log grows, in pages of 4 KiB, before it goes into the database file. A chunk of an
import is 3,000: at the thousand that SQLite has set, each waited for the disk three times."""
_LOOKS_EVERY_MS = 4
_PRIMARY = 0xFF
"""Of an error code of SQLite: what is wrong, without the details."""
_WRITES = "faultbook_writes"
"""Marks the connections of those who write."""
_ANALYSED_ROWS = 10_000
"""Of each index. It is also the most rows that SQLite then expects of one value: with the thousand
that its authors advise it would read all labels of four people to find those of fifty traces."""
_ANALYSED_TABLES = """SELECT name FROM sqlite_master WHERE type = 'table'
    AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'trace_text%' ORDER BY name"""
"""All but the full-text index: told that it is small, as it is in a new database, SQLite reads all
of it whenever traces are added, however much that has become."""


def is_sqlite(url: str) -> bool:
    """Return whether a database URL names SQLite."""
    return sa.make_url(url).get_backend_name() == "sqlite"


def _sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin in _sqlite_begin, not in the driver
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    cursor.close()


def _sqlite_checkin(connection: Any, _record: Any) -> None:
    """End what a commit that failed left open, or the next who gets the connection is in it."""
    if connection is not None and connection.in_transaction:
        connection.rollback()


def _sqlite_begin(connection: Connection) -> None:
    if connection.get_execution_options().get(_WRITES, False):
        _begin_writing(connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection) -> None:
    """Begin to write once no other process does.

    Left to itself SQLite looks every tenth of a second, and misses the moments between the
    transactions of an import: somebody's note waited for seconds.
    """
    driver: Any = connection.connection.driver_connection
    (longest_ms,) = driver.execute("PRAGMA busy_timeout").fetchone()
    until = time.monotonic() + longest_ms / 1000
    driver.execute(f"PRAGMA busy_timeout={_LOOKS_EVERY_MS}")
    try:
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                is_busy = error.sqlite_errorcode & _PRIMARY == sqlite3.SQLITE_BUSY
                if is_busy and time.monotonic() < until:
                    continue
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # says why not, as any statement
            return
    finally:
        driver.execute(f"PRAGMA busy_timeout={longest_ms}")


def _forget_search_index(connection: Connection) -> None:
    """Delete what earlier versions counted of the full-text index."""
    if connection.dialect.has_table(connection, "sqlite_stat1"):
        connection.exec_driver_sql("DELETE FROM sqlite_stat1 WHERE tbl LIKE 'trace_text%'")


def _postgresql_connect(connection: Any, _record: Any) -> None:
    """Leave statements uncompiled: that takes longer than those of a page do."""
    connection.execute("SET jit TO off")
    connection.commit()


def create_engine(url: str) -> Engine:
    """Return an engine; on SQLite with WAL, full sync, foreign keys and explicit transactions."""
    if not is_sqlite(url):
        engine = sa.create_engine(url, pool_pre_ping=True, hide_parameters=True)
        sa.event.listen(engine, "connect", _postgresql_connect)
        return engine
    path = sa.make_url(url).database
    if path:
        Path(path).parent.mkdir(0o700, parents=True, exist_ok=True)
    engine = sa.create_engine(
        url,
        connect_args={"check_same_thread": False},
        pool_size=20,
        max_overflow=60,
        hide_parameters=True,  # an error's text goes to the log, which holds no words of traces
    )
    sa.event.listen(engine, "connect", _sqlite_connect)
    sa.event.listen(engine, "checkin", _sqlite_checkin)
    sa.event.listen(engine, "begin", _sqlite_begin)
    return engine


def lock(session: Session, row: SQLModel) -> None:
    """Read a row anew and keep it from other processes until the commit.

    What is decided by a row's version has to be: else two who read the same version both write. On
    SQLite whoever writes is alone already.
    """
    if session.get_bind().dialect.name != "sqlite":
        session.refresh(row, with_for_update=True)


def after_commit(session: Session, action: Callable[[], None]) -> None:
    """Run `action` once the session's work is on disk; never if it is rolled back."""
    session.info.setdefault("after_commit", []).append(action)


def unlink_after_commit(session: Session, files: Iterable[Path]) -> None:
    """Delete files once nothing on disk names them any more; never if that is rolled back."""
    for file in files:
        after_commit(session, partial(file.unlink, missing_ok=True))


def _run(actions: Actions) -> None:
    for action in actions:
        action()


_TURN = "turn"


def is_writing(session: Session) -> bool:
    """Return whether what the session sees may yet be taken back."""
    return bool(session.connection().get_execution_options().get(_WRITES, False))


def save_now(session: Session) -> None:
    """Put a request's work on disk before its answer is made, which others need not wait for.

    What fails after it takes nothing back; what writes after it raises RuntimeError.
    """
    turn: Turn | None = session.info.get(_TURN)
    if turn is not None:
        turn.save()


@dataclass
class Database:
    """One database with its readers and its single file of writers."""

    engine: Engine
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def from_url(cls, url: str) -> "Database":
        """Open the database behind `url`."""
        return cls(create_engine(url))

    @property
    def takes_turns(self) -> bool:
        """Whether writers must queue in this process (SQLite)."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one consistent state and writes nothing."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose work is committed at the end of the block, or not at all."""
        if self.takes_turns:
            self._lock.acquire()
        try:
            with self._write_session() as session:
                yield session
                actions = commit(session)
        finally:
            if self.takes_turns:
                self._lock.release()
        _run(actions)

    @contextmanager
    def rehearsing(self) -> Iterator[Session]:
        """A session that may write to see what would come of it; nothing is kept."""
        if self.takes_turns:
            self._lock.acquire()
        try:
            with self._write_session() as session:
                yield session
                session.rollback()
        finally:
            if self.takes_turns:
                self._lock.release()

    @asynccontextmanager
    async def writing_request(self, *, shares: bool = False) -> AsyncIterator[Session]:
        """`writing()` for a request: waiting holds no worker thread, so waiters can't starve it.

        Where it `shares`, others who wait may write behind it before its commit, which then keeps
        the work of all.
        """
        turns = self._turns
        await turns.take(shares=shares)
        with turns.shared.session() if turns.shared else self._write_session() as session:
            turn = Turn(session, self.engine, turns, shares=shares)
            session.info[_TURN] = turn
            try:
                yield session
                await to_thread.run_sync(turn.close, limiter=turns.limiter)
            finally:
                turn.end()
            if turn.shared is not None:
                await turns.see_kept(turn.shared, session)
        if turn.actions:
            await to_thread.run_sync(_run, turn.actions)

    @cached_property
    def _turns(self) -> Turns:
        return Turns(self._lock if self.takes_turns else None)

    @cached_property
    def _writing_engine(self) -> Engine:
        return self.engine.execution_options(**{_WRITES: True})

    def _write_session(self) -> Session:
        return Session(self._writing_engine, expire_on_commit=False)

    def refresh_statistics(self) -> None:
        """Let SQLite count its tables anew, or it walks those that have grown in a bad order.

        It looks at a bounded part of each index. PostgreSQL sees to this by itself.
        """
        if not self.takes_turns:
            return
        with self._lock, self._writing_engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA analysis_limit={_ANALYSED_ROWS}")
            for table in connection.exec_driver_sql(_ANALYSED_TABLES).scalars().all():
                connection.exec_driver_sql(f'ANALYZE "{table}"')
            _forget_search_index(connection)
            connection.commit()
        self.engine.dispose()  # a connection reads the statistics when it is opened

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()


Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def writes(endpoint: Endpoint) -> Endpoint:
    """Mark a route that writes although its method is safe, such as one that hands out work."""
    endpoint.__dict__["writes"] = True
    return endpoint


def shares_commit(endpoint: Endpoint) -> Endpoint:
    """Mark a route that is soon done: what it saves may be committed with others' saves."""
    endpoint.__dict__["shares_commit"] = True
    return endpoint


async def get_session(request: Request) -> AsyncIterator[Session]:
    """Give a request its session; unsafe methods commit when the route has returned."""
    database: Database = request.app.state.database
    endpoint = request.scope.get("endpoint")
    if request.method in SAFE_METHODS and not getattr(endpoint, "writes", False):
        with database.reading() as session:
            yield session
        return
    shares = getattr(endpoint, "shares_commit", False)
    async with database.writing_request(shares=shares) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session, scope="function")]
"""`scope="function"`: the commit comes before the response starts, so "saved" is true."""


def get_stream_session(request: Request) -> Iterator[Session]:
    """Give a response that is sent piece by piece its session."""
    database: Database = request.app.state.database
    with database.reading() as session:
        yield session


StreamSessionDep = Annotated[Session, Depends(get_stream_session, scope="request")]
"""A session that sees one state until the last byte is sent; `SessionDep` ends before the first."""
