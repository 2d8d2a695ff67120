"""What performs each kind of run, and what looks after runs whose worker died."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from server.db import Database
from server.jobs import Jobs
from server.models.base import utc_now
from server.models.run import RunKind, RunStatus
from server.services import (
    archive_files,
    assistant_runs,
    batch_runs,
    evaluation_set_runs,
    lens_runs,
    live_traces,
    mode_suggestions,
    near_duplicates,
    note_maps,
    outcome_rules,
    retention,
    runs,
    signals,
    suggestions,
    uploads,
    webhook_sending,
)
from server.services.runs import Handler
from server.settings import Settings
from server.views.cohorts.held_out_table import measured_sets
from server.views.lenses.at_hand import answered
from server.views.long_pages import built

_log = structlog.get_logger()
_LOOK_EVERY_S = 20.0
_ASSEMBLE_EVERY_S = 0.5
_MEASURE_EVERY_S = 30.0
_SEND_EVERY_S = 1.0
_ENDS_WITHIN_S = 5.0
"""A run may hold the turn to write that such a thread waits for; it ends with the process."""

HANDLERS: dict[str, Handler] = {
    RunKind.ARCHIVE: archive_files.perform,
    RunKind.ASSISTANT: assistant_runs.perform,
    RunKind.BATCH: batch_runs.perform,
    RunKind.EVALUATION_SETS: partial(evaluation_set_runs.perform, measured=measured_sets),
    RunKind.GROUP: suggestions.perform,
    RunKind.IMPORT: uploads.perform,
    RunKind.LENS: partial(lens_runs.perform, answered=answered),
    RunKind.MODE_SUGGESTIONS: mode_suggestions.perform,
    RunKind.NEAR_DUPLICATES: near_duplicates.perform,
    RunKind.NOTE_MAP: note_maps.perform,
    RunKind.OUTCOMES: outcome_rules.perform,
    RunKind.PAGE: partial(lens_runs.perform, answered=built),
    RunKind.RETENTION: retention.perform,
    RunKind.SIGNALS: signals.perform,
}
"""Kind of run to the service function that performs it."""

FOLLOWED_BY: dict[str, tuple[Callable[[Session, Jobs, int], object], ...]] = {
    RunKind.GROUP: (mode_suggestions.request_after,),
    RunKind.IMPORT: (near_duplicates.request_after, signals.request_after),
    RunKind.OUTCOMES: (signals.request_after,),
    RunKind.RETENTION: (near_duplicates.request_after, signals.request_after),
    RunKind.SIGNALS: (signals.request_rest,),
}
"""Kind of run to the service functions that ask for the runs behind it."""


def attach(jobs: Jobs, database: Database, settings: Settings) -> None:
    """Let the queue perform runs on this database."""

    def perform(run_id: int) -> None:
        with structlog.contextvars.bound_contextvars(run_id=run_id):
            kind = runs.perform(database, settings, HANDLERS, run_id)
            if kind is not None:
                _tell(runs.in_short(database, run_id))
        for follow in FOLLOWED_BY.get(kind or "", ()):
            with database.writing() as session:
                follow(session, jobs, run_id)

    jobs.performed_by(perform)


def _tell(run: dict[str, Any]) -> None:
    level = logging.ERROR if run["status"] == RunStatus.FAILED else logging.INFO
    _log.log(level, "run ended", **run)


@contextmanager
def _repeated(
    name: str, every_s: float, action: Callable[[threading.Event], object]
) -> Iterator[None]:
    """Do `action` again and again in a thread for as long as the block lasts; it is told the end.

    What fails, as with a database that is away for a while, is tried again.
    """
    over = threading.Event()

    def look() -> None:
        while not over.wait(every_s):
            try:
                action(over)
            except Exception:
                _log.exception("this is tried again", what=name)

    thread = threading.Thread(target=look, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_ENDS_WITHIN_S)


class Clock:
    """Notices that the clock was set, or that the machine slept, since it was asked last.

    All heartbeats look late then, until each worker has told of itself again.
    """

    def __init__(self) -> None:
        self._ahead_s = self._ahead()

    @staticmethod
    def _ahead() -> float:
        return utc_now().timestamp() - time.monotonic()

    def was_set(self) -> bool:
        """Whether the clock went more than a heartbeat astray since the last call."""
        before, self._ahead_s = self._ahead_s, self._ahead()
        return abs(self._ahead_s - before) > runs.HEARTBEAT_S


@contextmanager
def looked_after(jobs: Jobs, database: Database) -> Iterator[None]:
    """Queue lost runs at the start, and those of dead workers for as long as the block lasts."""
    clock = Clock()

    def recover(_over: threading.Event) -> None:
        was_set = clock.was_set()
        with database.writing() as session:
            if not was_set:
                runs.recover(session, jobs)
            if jobs.is_empty():
                runs.enqueue_waiting(session, jobs)
            signals.request_missing(session, jobs)
            retention.request_due(session, jobs)

    try:
        with database.writing() as session:
            runs.enqueue_waiting(session, jobs)
            runs.recover(session, jobs)
    except DBAPIError:
        _log.exception("runs that wait are looked after as soon as the database can be written")
    with _repeated("runs looked after", _LOOK_EVERY_S, recover):
        yield


@contextmanager
def webhooks_sent(database: Database, settings: Settings) -> Iterator[None]:
    """Send what waits for webhooks for as long as the block lasts, where they are on."""

    def send(over: threading.Event) -> None:
        webhook_sending.send_due(database, settings, is_over=over.is_set)

    if not settings.webhooks:
        yield
        return
    with _repeated("webhooks sent", _SEND_EVERY_S, send):
        yield


@contextmanager
def live_traces_assembled(jobs: Jobs, database: Database, settings: Settings) -> Iterator[None]:
    """Put traces together from live spans for as long as the block lasts, and ask for signals."""
    grown: set[int] = set()
    asked_at = time.monotonic()

    def assemble(over: threading.Event) -> None:
        nonlocal asked_at
        spans = live_traces.assemble_due(
            database,
            is_over=over.is_set,
            attachments=settings.attachments,
            stored=grown.add,
        )
        # Comparing traces costs the same for one new trace as for many.
        if grown and (not spans or time.monotonic() - asked_at > _MEASURE_EVERY_S):
            asked_at = time.monotonic()
            with database.writing() as session:
                for project_id in grown:
                    signals.request_for_project(session, jobs, project_id)
            grown.clear()

    with _repeated("live traces put together", _ASSEMBLE_EVERY_S, assemble):
        yield
