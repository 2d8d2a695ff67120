"""Runs: asking for long work, performing it with progress, cancelling it, finding it dead."""

import json
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlmodel import Session, select
from sqlmodel.sql.expression import SelectOfScalar

from server.db import Database
from server.errors import Conflict, FaultbookError, Forbidden, NotFound
from server.jobs import Jobs
from server.models.base import stored_id, utc_now
from server.models.project import Member
from server.models.run import AnalysisRun, RunKind, RunStatus
from server.queries import runs as queries
from server.settings import Settings

_log = structlog.get_logger()
HEARTBEAT_S = 5.0
DEAD_AFTER = timedelta(seconds=30)
_PROGRESS_EVERY_S = 0.5


class Cancelled(Exception):  # it is no error
    """Somebody cancelled the run; what was finished by then stays."""


class Superseded(Cancelled):
    """Somebody else performs the run now: this process was taken for dead."""


@dataclass
class RunContext:
    """What a run works with: the database, its parameters, and how it tells its progress."""

    database: Database
    settings: Settings
    run_id: int
    project_id: int
    kind: str
    parameters: Mapping[str, Any]
    claimed_at: datetime | None = None
    """Tells this claim from a later one of somebody who took this process for dead."""
    _told_at: float = field(default=0.0)

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        """Tell how far the run is.

        Raises:
            Cancelled: Somebody asked for that meanwhile, or somebody else performs the run now.
        """
        if time.monotonic() - self._told_at < _PROGRESS_EVERY_S:
            return
        self._told_at = time.monotonic()
        with self.database.writing() as session:
            run = _held(session, self)
            run.progress_done, run.progress_total, run.progress_text = done, total, text
            session.add(run)
            cancelled = run.cancel_requested
        if cancelled:
            raise Cancelled


Handler = Callable[[RunContext], dict[str, Any]]


def digest(parameters: Mapping[str, Any]) -> str:
    """Return parameters as canonical JSON: equal questions have equal digests."""
    return json.dumps(parameters, sort_keys=True, separators=(",", ":"), default=str)


def request(
    session: Session,
    jobs: Jobs,
    member: Member,
    kind: RunKind,
    parameters: Mapping[str, Any],
    *,
    input_digest: str = "",
) -> AnalysisRun:
    """Ask for a run; the same question under way or answered gives that run."""
    if input_digest:
        # Where several processes write: two who ask at once ask one after the other.
        session.exec(queries.asked_in_turn(member.project_id))
        known = session.exec(queries.same_question(member.project_id, kind, input_digest)).first()
        if known is not None:
            return known
    run = AnalysisRun(
        project_id=member.project_id,
        created_by=member.id,
        kind=kind,
        parameters=dict(parameters),
        input_digest=input_digest,
    )
    session.add(run)
    session.flush()
    jobs.enqueue(session, stored_id(run))
    return run


def find(session: Session, member: Member, run_id: int) -> AnalysisRun:
    """Return a run of the member's project.

    Raises:
        NotFound: The project has no such run.
    """
    shown = queries.of_project(member.project_id).where(queries.shown_to(member))
    run = session.exec(shown.where(AnalysisRun.id == run_id)).first()
    if run is None:
        raise NotFound(f"This project has no run {run_id}.")
    return run


def cancel(session: Session, member: Member, run_id: int) -> AnalysisRun:
    """Ask a run to stop; one that nobody has begun stops at once.

    Raises:
        Conflict: It is over already.
        Forbidden: Somebody else asked for it and the member is no lead.
    """
    run = find(session, member, run_id)
    if run.created_by != member.id and not member.role.can_lead:
        raise Forbidden("Only whoever started this run or a lead may cancel it.")
    if run.status.is_over:
        raise Conflict(f"This run is over already: {run.status.value}.")
    run.cancel_requested = True
    if run.status is RunStatus.QUEUED:
        run.status, run.finished_at = RunStatus.CANCELLED, utc_now()
    session.add(run)
    return run


def keep_artefact(
    context: RunContext, path: Path, finished: SelectOfScalar[AnalysisRun], *, kept: int = 2
) -> None:
    """Name a run's file in its row, and drop those of runs long replaced.

    Args:
        context: The run that made the file.
        path: The file, below the data directory.
        finished: Earlier runs of the same kind, the latest first.
        kept: How many stay: this one, and the one before it for whoever is just reading it.
    """
    data = context.settings.data
    with context.database.writing() as session:
        run = session.get_one(AnalysisRun, context.run_id)
        replaced = session.exec(finished.offset(kept - 1)).all()
        files = [data / old.artefact for old in replaced]
        for old in replaced:
            old.artefact = ""
            session.add(old)
        run.artefact = path.relative_to(data).as_posix()
        session.add(run)
    for file in files:
        file.unlink(missing_ok=True)


def perform(
    database: Database, settings: Settings, handlers: Mapping[str, Handler], run_id: int
) -> str | None:
    """Claim a run, do its work with a heartbeat beside it, and store how it ended.

    Returns its kind, or None where somebody else has claimed it.
    """
    context = _claim(database, settings, run_id)
    if context is None:
        return None
    try:
        with _heartbeat(context):
            result = handlers[context.kind](context)
    except Superseded:
        _log.warning("a run was begun again by somebody else", run_id=run_id)
        return None
    except Cancelled:
        _finish(context, RunStatus.CANCELLED, error="Cancelled; what was done stays.")
    except FaultbookError as error:
        _finish(context, RunStatus.FAILED, error=error.message)
    except Exception:
        _finish(context, RunStatus.FAILED, error=traceback.format_exc())
    else:
        if not _finish(context, RunStatus.DONE, result=result):
            return None
        database.refresh_statistics()
    return context.kind


def _claim(database: Database, settings: Settings, run_id: int) -> RunContext | None:
    with database.writing() as session:
        run = session.exec(
            select(AnalysisRun).where(AnalysisRun.id == run_id).with_for_update()
        ).first()
        if run is None or run.status is not RunStatus.QUEUED:
            return None
        now = utc_now()
        run.status, run.started_at, run.heartbeat_at = RunStatus.RUNNING, now, now
        session.add(run)
        return RunContext(
            database=database,
            settings=settings,
            run_id=run_id,
            project_id=run.project_id,
            kind=run.kind,
            parameters=run.parameters,
            claimed_at=now,
        )


def _held(session: Session, context: RunContext) -> AnalysisRun:
    """Return the run, which nobody else may have claimed since."""
    run = _get(session, context.run_id)
    if context.claimed_at is not None and run.started_at != context.claimed_at:
        raise Superseded
    return run


@contextmanager
def _heartbeat(context: RunContext) -> Iterator[None]:
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT_S):
            try:
                with context.database.writing() as session:
                    run = _held(session, context)
                    run.heartbeat_at = utc_now()
                    session.add(run)
            except Superseded:
                return
            except Exception:  # a full disk, a database away: the work itself may get through
                _log.exception("a heartbeat is tried again", run_id=context.run_id)

    thread = threading.Thread(target=beat, name=f"heartbeat-{context.run_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _finish(
    context: RunContext,
    status: RunStatus,
    *,
    result: dict[str, Any] | None = None,
    error: str = "",
) -> bool:
    """Store how a run ended; False where somebody else performs it now, whose end counts."""
    try:
        with context.database.writing() as session:
            run = _held(session, context)
            run.status, run.finished_at, run.error = status, utc_now(), error
            run.result = result or run.result
            session.add(run)
    except Superseded:
        _log.warning("a run was begun again by somebody else", run_id=context.run_id)
        return False
    return True


def in_short(database: Database, run_id: int) -> dict[str, Any]:
    """Kind, status and seconds of a run, for the log; of a failure its last line's first word."""
    with database.reading() as session:
        run = _get(session, run_id)
    told: dict[str, Any] = {"kind": run.kind, "status": run.status.value}
    if run.started_at and run.finished_at:
        told["seconds"] = round((run.finished_at - run.started_at).total_seconds(), 3)
    if run.status is RunStatus.FAILED:
        told["error"] = run.error.strip().splitlines()[-1].partition(" ")[0]
    return told


def recover(session: Session, jobs: Jobs) -> int:
    """Queue runs again whose worker has died; returns how many there were.

    A run is safe to begin again: imports skip what is in, analyses start over.
    """
    now = utc_now()
    lost = session.exec(queries.abandoned(now - DEAD_AFTER, now + DEAD_AFTER)).all()
    for run in lost:
        run.status, run.progress_text = RunStatus.QUEUED, ""
        session.add(run)
        jobs.enqueue(session, stored_id(run))
    return len(lost)


def enqueue_waiting(session: Session, jobs: Jobs) -> None:
    """Queue every waiting run once more: its message may have been lost with a process.

    A second message does no harm: a run is performed by whoever claims it first.
    """
    for run in session.exec(queries.waiting()):
        jobs.enqueue(session, stored_id(run))


def _get(session: Session, run_id: int) -> AnalysisRun:
    run = session.get(AnalysisRun, run_id)
    if run is None:
        raise NotFound(f"Run {run_id} is gone.")
    return run
