"""A request's turn to write, and one commit for requests that write right behind each other.

A commit waits for the disk, which takes as long as all the rest of a save. Where others wait for
their turn already, a request that is soon done leaves its transaction open, and they write in it,
each behind a savepoint of its own. None of them is answered before the disk has it.
"""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import sqlalchemy as sa
from anyio import CancelScope, CapacityLimiter, to_thread
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import ORMExecuteState
from sqlmodel import Session

TURN_TIMEOUT_S = 20.0
"""How long a request waits for others of this process; those may just wait for another one."""
MOST_SHARE = 20
"""Requests in one commit, so that the first of them is answered soon enough."""
_COMMITS_AT_ONCE = 10
"""Of a database that needs no turns."""
_TOO_LATE = "Something was written after the request's work had been saved."

Actions = list[Callable[[], None]]


class NoTurn(Exception):
    """A request waited too long for its turn to write; nothing of it was done."""


class NotKept(Exception):
    """SQLite gave up a transaction that others had written in; nothing of that was done."""


def commit(session: Session) -> Actions:
    """Commit, and return what waits for it: those may write, so they run without the lock."""
    session.commit()
    return kept_back(session)


def kept_back(session: Session) -> Actions:
    """Return what waits for a commit of the session."""
    actions: Actions = session.info.pop("after_commit", [])
    return actions


class SharedCommit:
    """A transaction that requests write in one behind the other; whoever has the turn ends it."""

    def __init__(self, first: Session, loop: asyncio.AbstractEventLoop) -> None:
        """Leave the transaction of `first` open; that session has to stay until `kept` returns."""
        first.flush()
        self.first = first
        self.members = 1
        self._loop = loop
        self._ended = asyncio.Event()
        self._error: Exception | None = None
        self._connection: Connection = first.connection()
        self._driver: Any = self._connection.connection.driver_connection

    @property
    def stands(self) -> bool:
        """Whether it holds what was written: where a disk fails, SQLite may take it all back."""
        return self._error is None and bool(self._driver.in_transaction)

    def session(self) -> Session:
        """Return a session for one request more, whose failure takes back only its own work."""
        self.members += 1
        return Session(
            self._connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        )

    def give_up(self) -> None:
        """Tell all who wrote in it that it does not stand."""
        self._error = NotKept()
        self._connection.rollback()

    def end(self) -> None:
        """Put it on disk, or remember why that failed."""
        try:
            if self.stands:
                self.first.commit()
            elif self._error is None:
                self.give_up()
        except Exception as error:  # whoever wrote in it is told, and answers with it
            self._error = error
            self._driver.rollback()  # a commit that fails may leave it open
        finally:
            self._loop.call_soon_threadsafe(self._ended.set)

    async def kept(self) -> None:
        """Wait for the disk.

        Raises:
            Exception: What it failed with; nothing was kept.
        """
        await self._ended.wait()
        self.check()

    def check(self) -> None:
        """Raise what it failed with, if it has ended and did."""
        if self._error is not None:
            raise self._error


class Turns:
    """The requests of this process that write, one at a time, in the order they came.

    Waiting holds no worker thread, so that waiters can't starve whoever has the turn.
    """

    def __init__(self, lock: "threading.Lock | None") -> None:
        """`lock` keeps other threads from writing; None: the database needs no turns."""
        self._lock = lock
        self._request = asyncio.Lock()
        self._waiting = 0
        self.limiter = CapacityLimiter(1 if lock else _COMMITS_AT_ONCE)
        """Only one has the turn, so one extra thread suffices for lock and commit."""
        self.shared: SharedCommit | None = None

    @property
    def are_waited_for(self) -> bool:
        """Whether another request wants to write."""
        return self._waiting > 0

    async def take(self, *, shares: bool) -> None:
        """Wait for the turn.

        Raises:
            NoTurn: That took too long.
        """
        if self._lock is None:
            return
        self._waiting += 1
        try:
            async with asyncio.timeout(TURN_TIMEOUT_S):
                await self._request.acquire()
        except TimeoutError as error:
            raise NoTurn from error
        finally:
            self._waiting -= 1
        # A cancelled request must not keep a lock that it never knew it had got.
        with CancelScope(shield=True):
            has_it = await self._began(self._lock, shares=shares)
        if not has_it:
            self._request.release()
            raise NoTurn

    async def _began(self, lock: "threading.Lock", *, shares: bool) -> bool:
        shared = self.shared
        if shared is not None:
            if shares and shared.stands and shared.members < MOST_SHARE:
                return True
            await to_thread.run_sync(self.end_shared, limiter=self.limiter)
            lock.release()  # a job that waits for it comes first
        elif lock.acquire(blocking=False):
            return True
        wait = partial(lock.acquire, timeout=TURN_TIMEOUT_S)
        return await to_thread.run_sync(wait, limiter=self.limiter)

    def give(self) -> None:
        """Let the next request write; other threads only where no transaction is left open."""
        if self._lock is None:
            return
        if self.shared is None:
            self._lock.release()
        self._request.release()

    def end_shared(self) -> None:
        """End the open transaction, if there is one; only for whoever has the turn."""
        shared, self.shared = self.shared, None
        if shared is not None:
            shared.end()

    async def see_kept(self, shared: SharedCommit, session: Session) -> None:
        """Wait until a shared commit is on disk; the first who wrote in it sees to that.

        Raises:
            Exception: It failed; nothing was kept.
        """
        with CancelScope(shield=True):
            if session is shared.first and self.shared is shared:
                await self._request.acquire()  # behind all who waited already
                if self.shared is shared:
                    await to_thread.run_sync(self.end_shared, limiter=self.limiter)
                    self.give()
                else:
                    self._request.release()
            await shared.kept()


class Turn:
    """The right of a request to write: it ends with the commit, or without anything kept."""

    def __init__(self, session: Session, readers: Engine, turns: Turns, *, shares: bool) -> None:
        """`shares`: whether others may write in its transaction before that is on disk."""
        self._session = session
        self._readers = readers
        self._turns = turns
        self._shares = shares
        self._loop = asyncio.get_running_loop()
        self._has_it = True
        self.actions: Actions = []
        self.shared: SharedCommit | None = None
        """What has to be on disk before the answer."""

    def save(self) -> None:
        """Commit and let the next writer in; from here on the session reads."""
        if not self._has_it:
            return
        self._keep(leave_open=False)
        if self.shared is not None:
            self.shared.check()
        self._session.bind = self._readers
        sa.event.listen(self._session, "before_flush", _refuse_rows)
        sa.event.listen(self._session, "do_orm_execute", _refuse_statement)

    def close(self) -> None:
        """Commit what is not on disk yet, or leave that to those who wait for their turn.

        Raises:
            RuntimeError: Something was written after `save`, which would be lost.
        """
        if self._has_it:
            self._keep(leave_open=self._shares and self._turns.are_waited_for)
        else:
            _refuse_rows(self._session)

    def _keep(self, *, leave_open: bool) -> None:
        turns, session = self._turns, self._session
        if turns.shared is None and leave_open and session.in_transaction():
            turns.shared = self.shared = SharedCommit(session, self._loop)
            self.actions = kept_back(session)
        else:
            self.shared = turns.shared
            self.actions = commit(session)  # where it shares, of its savepoint
        if not leave_open:
            turns.end_shared()
        self.end()

    def end(self) -> None:
        """Let the next writer in, if that has not happened yet."""
        if not self._has_it:
            return
        self._has_it = False
        shared = self._turns.shared
        if shared is not None and not shared.stands:
            shared.give_up()
        self._loop.call_soon_threadsafe(self._turns.give)


def _refuse_rows(session: Session, *_told: object) -> None:
    if session.new or session.dirty or session.deleted:
        raise RuntimeError(_TOO_LATE)


def _refuse_statement(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        raise RuntimeError(_TOO_LATE)
