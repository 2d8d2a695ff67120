"""The job queue: huey, inside `serve` or in `faultbook worker`.

A message only says which run to perform. The AnalysisRun row is the truth about it: huey deletes
a message before its task begins, so a killed worker is noticed by the run's heartbeat.
"""

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from huey import Huey, MemoryHuey, PostgresHuey, SqliteHuey
from huey.consumer import Consumer
from sqlmodel import Session

from server.db import after_commit, is_sqlite

_log = structlog.get_logger()
_POLL_S = 0.05
_SLOWEST_POLL_S = 0.5
_IDLE_THREADS_END_WITHIN_S = 2


class _QuietConsumer(Consumer):  # type: ignore[misc]  # huey ships no types
    """A consumer that leaves the process's signals to the server around it."""

    def _set_signal_handlers(self) -> None:
        pass


class _Connections:
    """The queue's connections to PostgreSQL: huey opens one or two a thread and closes none."""

    def __init__(self, database_url: str) -> None:
        plain = sa.make_url(database_url).set(drivername="postgresql")
        self._conninfo = plain.render_as_string(hide_password=False)
        self._open: list[Any] = []
        self._lock = threading.Lock()

    def open(self) -> Any:
        import psycopg  # an extra: only there where PostgreSQL is used

        connection = psycopg.connect(self._conninfo)
        with self._lock:
            self._open.append(connection)
        return connection

    def close(self) -> None:
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()


class Jobs:
    """Where runs are queued, and who performs them."""

    def __init__(
        self,
        huey: Huey,
        connections: "_Connections | None" = None,
        trouble: tuple[type[Exception], ...] = (),
    ) -> None:
        self._huey = huey
        self._connections = connections
        self._trouble = trouble
        """What the queue's storage raises where it takes nothing."""
        self._perform: Callable[[int], None] | None = None
        self._consumer: Consumer | None = None
        self._task = huey.task(name="perform_run")(self._dispatch)

    @classmethod
    def on_disk(cls, path: Path) -> "Jobs":
        """A queue that survives restarts."""
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        huey = SqliteHuey("faultbook", filename=str(path), fsync=True, results=False)
        return cls(huey, trouble=(sqlite3.Error,))

    @classmethod
    def beside(cls, database_url: str, path: Path) -> "Jobs":
        """The queue that goes with a database.

        On SQLite it is the file `path`; on PostgreSQL it lies in the database itself, where
        several servers and workers share it.
        """
        if is_sqlite(database_url):
            return cls.on_disk(path)
        import psycopg  # an extra: only there where PostgreSQL is used

        connections = _Connections(database_url)
        huey = PostgresHuey("faultbook", connection=connections.open, results=False)
        return cls(huey, connections, (psycopg.Error,))

    @classmethod
    def immediate(cls) -> "Jobs":
        """A queue that performs a run as soon as it is enqueued, in the same thread."""
        return cls(MemoryHuey("faultbook", immediate=True, results=False))

    def performed_by(self, perform: Callable[[int], None]) -> None:
        """Say what performs a run, given its id."""
        self._perform = perform

    def _dispatch(self, run_id: int) -> None:
        if self._perform is None:
            raise RuntimeError("Jobs.performed_by was not called before a run came in")
        self._perform(run_id)

    def enqueue(self, session: Session, run_id: int) -> None:
        """Queue a run once the session's work is committed, never before.

        Where the queue itself takes nothing, as on a full disk, the run's row is kept: it waits
        until somebody looks after runs that wait.
        """
        after_commit(session, lambda: self._enqueue_or_leave(run_id))

    def _enqueue_or_leave(self, run_id: int) -> None:
        try:
            self.enqueue_now(run_id)
        except self._trouble:
            _log.exception("a run could not be queued; it waits in the database", run_id=run_id)

    def enqueue_now(self, run_id: int) -> None:
        """Queue a run whose row is on disk already."""
        self._task(run_id)

    def is_reachable(self) -> bool:
        """Whether messages can be queued now; the log says why not."""
        try:
            self._huey.pending_count()
        except Exception as error:  # each kind of storage raises its own
            _log.error("the job queue cannot be reached", error=str(error))
            return False
        return True

    def is_empty(self) -> bool:
        """Whether no message waits, so that a run that does must have lost its own."""
        return self.waiting() == 0

    def waiting(self) -> int:
        """Return how many messages wait."""
        return int(self._huey.pending_count())

    def start(self, workers: int) -> None:
        """Perform queued runs in threads of this process until `stop`."""
        self._consumer = _QuietConsumer(
            self._huey,
            workers=workers,
            periodic=False,
            initial_delay=_POLL_S,
            max_delay=_SLOWEST_POLL_S,
            worker_type="thread",
            check_worker_health=False,
        )
        self._consumer.start()

    def stop(self) -> None:
        """Let no further run begin; a run in progress is told through its own row."""
        if self._consumer is not None:
            self._consumer.stop(graceful=False)
            for _, thread in self._consumer.worker_threads:
                thread.join(_IDLE_THREADS_END_WITHIN_S)
            self._consumer = None
        if self._connections is not None:
            self._connections.close()

    def run_until(self, is_over: Callable[[], bool], workers: int) -> None:
        """Perform runs until `is_over`: the whole life of `faultbook worker`."""
        self.start(workers)
        while not is_over():
            time.sleep(_POLL_S)
        self.stop()
