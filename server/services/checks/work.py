"""Background work: its queue, runs that nobody performs any more, leases, retention."""

from collections.abc import Iterator
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from server.db import Database, is_sqlite
from server.errors import FaultbookError
from server.jobs import Jobs
from server.models.base import stored_id, utc_now
from server.models.batch import Lease
from server.models.run import AnalysisRun, RunStatus
from server.queries import retention
from server.queries import runs as queries
from server.services import runs
from server.services.checks.findings import Check, fixed, trouble, warning, well
from server.settings import Settings

_WAITS_LONG = timedelta(minutes=10)
_RETENTION_DUE = timedelta(days=2)
_CLOCK_TOLERANCE = timedelta(minutes=1)
_START = "Start «faultbook worker», or «faultbook serve» without --no-jobs."


def examine(database: Database, settings: Settings, *, fix: bool) -> Iterator[Check]:
    """Look at the queue, and at the rows of what it performs."""
    queue, jobs = _queue(settings, fix=fix)
    yield queue
    yield _abandoned(database, jobs if fix else None)
    if jobs is not None:
        jobs.stop()
    with database.reading() as session:
        yield _waiting(session)
        yield _leases(session, settings)
        yield _retention(session)


def _queue(settings: Settings, *, fix: bool) -> tuple[Check, Jobs | None]:
    name = "job queue"
    if is_sqlite(settings.database_url) and not settings.jobs_path.exists() and not fix:
        return well(name, "none yet"), None
    try:
        jobs = Jobs.beside(settings.database_url, settings.jobs_path)
        count = jobs.waiting()
    except Exception as error:  # each kind of storage raises its own
        return trouble(
            name,
            f"it cannot be read: {error}",
            f"Stop Faultbook and remove {settings.jobs_path.name} from --data: nothing is "
            "lost, what waits is queued again from the database.",
        ), None
    return well(name, f"{count:,} messages wait"), jobs


def _abandoned(database: Database, jobs: Jobs | None) -> Check:
    name = "background jobs"
    if jobs is not None:
        with database.writing() as session:
            count = runs.recover(session, jobs)
        if count:
            return fixed(name, f"{count} were abandoned by their worker, and are queued again")
        return well(name, "none abandoned")
    now = utc_now()
    with database.reading() as session:
        lost = session.exec(queries.abandoned(now - runs.DEAD_AFTER, now + runs.DEAD_AFTER)).all()
        told = ", ".join(f"{run.kind} {run.id}" for run in lost[:3])
    if not lost:
        return well(name, "none abandoned")
    return warning(
        name,
        f"{len(lost)} were abandoned by their worker: {told}",
        "A running server queues them again within a minute; else: faultbook doctor --fix",
    )


def _waiting(session: Session) -> Check:
    name, waiting = "waiting jobs", session.exec(queries.waiting()).all()
    running = session.exec(select(AnalysisRun.id).where(AnalysisRun.status == RunStatus.RUNNING))
    if waiting and not running.first() and utc_now() - waiting[0].created_at > _WAITS_LONG:
        hours = (utc_now() - waiting[0].created_at).total_seconds() / 3600
        return warning(
            name,
            f"nobody performs {len(waiting):,} jobs, the oldest of {hours:,.1f} h ago",
            _START,
        )
    return well(name, f"{len(waiting):,}")


def _leases(session: Session, settings: Settings) -> Check:
    name, now = "leases", utc_now()
    every = sa.select(sa.func.count()).select_from(Lease)
    held = session.execute(every.where(col(Lease.expires_at) > now)).scalar_one()
    latest = now + settings.lease + _CLOCK_TOLERANCE
    stuck = session.execute(every.where(col(Lease.expires_at) > latest)).scalar_one()
    if stuck:
        return warning(
            name,
            f"{stuck:,} traces are held longer than {settings.lease_minutes} minutes from now",
            "The clock was set back or FAULTBOOK_LEASE_MINUTES made smaller: they are free again "
            "at their time; check the clock.",
        )
    return well(name, f"{held:,} traces are held by somebody")


def _retention(session: Session) -> Check:
    name, since = "retention", utc_now() - _RETENTION_DUE
    ruled = session.exec(retention.with_rule()).all()
    due = [
        project.name
        for project in ruled
        if session.scalars(retention.applied_since(stored_id(project), since)).first() is None
    ]
    if due:
        return warning(
            name,
            f"not applied for two days: {', '.join(due[:3])}",
            f"{_START} Or now: faultbook retention --project NAME",
        )
    return well(name, f"{len(ruled):,} projects have a rule")


def executor(settings: Settings) -> Check | None:
    """Whether the Dask cluster of the settings answers; None where this computer computes."""
    from server.executors.choosing import LOCAL, opened

    if settings.executor == LOCAL:
        return None
    try:
        with opened(settings.executor) as workers:
            count = workers.count() if workers is not None else 0
    except FaultbookError as error:
        return trouble("Dask cluster", error.message, "Until then set FAULTBOOK_EXECUTOR=local.")
    return well("Dask cluster", f"{settings.executor} has {count} threads of workers")
