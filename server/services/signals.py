"""Signals of traces: asking for them, and computing what is missing or has changed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from server import bulk
from server.db import Database
from server.executors.choosing import LOCAL, opened
from server.jobs import Jobs
from server.models.base import stored_id
from server.models.event import Event
from server.models.project import Member
from server.models.run import AnalysisRun, RunKind, RunStatus
from server.models.signal import Signal
from server.models.trace import Trace
from server.queries import runs as run_queries
from server.queries import signals as queries
from server.services import signal_measuring as measuring
from server.services import signal_measuring_elsewhere as elsewhere
from server.services import signal_populations, token_sums
from server.services.events import alike_of, changes_of
from server.services.runs import RunContext
from server.services.signal_measuring import Measured
from server.signals import registry

Told = Callable[[int, int | None, str], None]
"""Told how many traces are done, of how many, and what is being done; may raise runs.Cancelled."""
_LEFT_TO = "left_to"
_STORED_AT_ONCE = 1_000
"""Traces: a signal's values lie all over its index, so that few traces write as many pages."""


@dataclass(frozen=True)
class Computed:
    """How many traces were measured anew, and how many values among others changed."""

    measured: int
    changed: int
    traces: int


def request(session: Session, jobs: Jobs, member: Member) -> AnalysisRun:
    """Ask for the signals that are missing; a run that waits already will see everything."""
    return _request(session, jobs, member.project_id, member.id)


def request_behind(session: Session, jobs: Jobs, member: Member, event: Event) -> None:
    """Ask for signals where a decision that was taken back, or brought back, changed traces."""
    tables = {change.table for change in changes_of(event)}
    tables |= {alike.table for alike in alike_of(event)}
    if Trace.__tablename__ in tables:
        request(session, jobs, member)


def request_after(session: Session, jobs: Jobs, run_id: int) -> None:
    """Ask for signals once a run that brings or changes traces has ended, even if early."""
    run = session.get_one(AnalysisRun, run_id)
    if run.status.is_over:
        _request(session, jobs, run.project_id, run.created_by)


def request_rest(session: Session, jobs: Jobs, run_id: int) -> None:
    """Ask again where a run left its work to this one, which may not have seen all of it."""
    run = session.get_one(AnalysisRun, run_id)
    if not run.status.is_over or _LEFT_TO in run.result:
        return
    latest = session.exec(run_queries.of_kind(run.project_id, RunKind.SIGNALS)).first()
    if latest is not None and latest.result.get(_LEFT_TO) == run_id:
        _request(session, jobs, run.project_id, latest.created_by)


def request_for_project(session: Session, jobs: Jobs, project_id: int) -> None:
    """Ask for the signals of traces that came in live."""
    _request(session, jobs, project_id, None)


def request_missing(session: Session, jobs: Jobs) -> None:
    """Ask for the signals of projects that never had any, as after an upgrade."""
    for project_id in session.scalars(queries.without_run(RunKind.SIGNALS)).all():
        _request(session, jobs, project_id, None)


def _request(session: Session, jobs: Jobs, project_id: int, created_by: int | None) -> AnalysisRun:
    latest = session.exec(run_queries.of_kind(project_id, RunKind.SIGNALS)).first()
    if latest is not None and latest.status is RunStatus.QUEUED:
        return latest
    run = prepare(session, project_id, created_by)
    jobs.enqueue(session, stored_id(run))
    return run


def prepare(session: Session, project_id: int, created_by: int | None) -> AnalysisRun:
    """Note down a run without queueing it: the caller performs it, or the next start does."""
    run = AnalysisRun(project_id=project_id, created_by=created_by, kind=RunKind.SIGNALS)
    session.add(run)
    session.flush()
    return run


def perform(
    context: RunContext, *, told: Told | None = None, workers: int | None = None
) -> dict[str, Any]:
    """Compute what is missing; where another run does so already, it is left to that one.

    Args:
        context: The run.
        told: Told how far it is, in place of the run.
        workers: Processes that measure; without it as many as pays.
    """
    with context.database.reading() as session:
        asked = queries.others_under_way(context.project_id, context.run_id)
        other = session.scalars(asked).first()
    if other is not None and other < context.run_id:
        return {_LEFT_TO: other}
    done = compute(
        context.database,
        context.project_id,
        told or context.progress,
        workers=workers,
        executor=context.settings.executor,
    )
    return {"traces": done.traces, "measured": done.measured, "changed": done.changed}


def compute(
    database: Database,
    project_id: int,
    told: Told,
    *,
    workers: int | None = None,
    executor: str = LOCAL,
) -> Computed:
    """Bring the signals of a project up to date.

    A trace is measured where it has no signals, or where it or how they are computed changed.
    What depends on others is computed from all and written where it differs. Killed anywhere, it
    goes on from there when begun again.

    Args:
        database: Where traces and signals lie.
        project_id: Of which project.
        told: Told how far it is.
        workers: Processes that measure; without it as many as pays.
        executor: Where they are: of this computer, or of a cluster, which pays for many traces.
    """
    digest = registry.digest()
    with database.reading() as session:
        waiting = list(session.scalars(queries.to_measure(project_id, digest)))
    done = 0
    with _measured(database, waiting, digest, workers, executor) as found:
        for chunk in _gathered(found):
            told(done, len(waiting), "measuring what traces say")
            store(database, project_id, digest, chunk)
            done += len(chunk)
    token_sums.update(database, project_id, told)
    told(done, len(waiting), "comparing traces with each other")
    changed, traces = signal_populations.update(database, project_id, told)
    return Computed(len(waiting), changed, traces)


def _gathered(found: Iterable[list[Measured]]) -> Iterator[list[Measured]]:
    """Yield what was measured in larger chunks."""
    waiting: list[Measured] = []
    for chunk in found:
        waiting += chunk
        if len(waiting) >= _STORED_AT_ONCE:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


@contextmanager
def _measured(
    database: Database, waiting: Sequence[int], digest: str, workers: int | None, executor: str
) -> Iterator[Iterator[list[Measured]]]:
    step = measuring.TRACES_AT_ONCE
    chunks = [waiting[start : start + step] for start in range(0, len(waiting), step)]
    if executor != LOCAL and len(waiting) >= measuring.PROCESSES_FROM:
        with opened(executor) as cluster:
            yield elsewhere.measured(database, chunks, digest, cluster)
        return
    count = measuring.processes() if len(waiting) >= measuring.PROCESSES_FROM else 1
    count = min(count if workers is None else workers, len(chunks))
    if count <= 1:
        yield measuring.measured_here(database, chunks, digest)
        return
    with measuring.process_pool(database, count) as pool:
        yield measuring.measured_by(pool, count, chunks, digest)


def store(database: Database, project_id: int, digest: str, chunk: Sequence[Measured]) -> None:
    """Replace the signals of traces that are still what was measured."""
    names = registry.names_of_traces()
    digests = {name: known.digest for name, known in registry.definitions().items()}
    ids = [one.trace_id for one in chunk]
    with database.writing() as session, bulk.roomy(session):
        # Two processes may meet here, and a trace may have changed meanwhile.
        session.execute(queries.locked(project_id))
        now = dict(session.execute(queries.states(ids, digest)).all())
        kept = [one for one in chunk if now.get(one.trace_id) == one.state]
        if before := session.scalars(queries.measured_before(ids)).all():
            session.execute(queries.taken_away(before, names))
        rows = [
            {
                "trace_id": one.trace_id,
                "name": name,
                "value": None if isinstance(value, str) else value,
                "label": value if isinstance(value, str) else None,
                "computed_with": one.state if name == queries.MARK else digests[name],
            }
            for one in kept
            for name, value in one.values.items()
            if value is not None
        ]
        bulk.insert(session, Signal, rows, same={"project_id": project_id})
