"""Retention: traces that nobody judged go when they are old enough, where a lead asked for that."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from server.db import unlink_after_commit
from server.errors import Invalid
from server.jobs import Jobs
from server.models.base import stored_id, utc_now
from server.models.project import Annotator, Member, Project
from server.models.retention import (
    LEAST_DAYS,
    MOST_DAYS,
    RETENTION,
    RetentionRule,
    retention_rule,
)
from server.models.run import AnalysisRun, RunKind
from server.queries import events as event_queries
from server.queries import retention as queries
from server.services import archive_files, events
from server.services.events import Decision
from server.services.runs import RunContext
from server.settings import Settings

_EVERY = timedelta(days=1)
_CHUNK = 200


def checked(member: Member, days: int | None, *, live_only: bool = False) -> RetentionRule | None:
    """Return a rule that a member could set; None keeps everything.

    Raises:
        Invalid: The number of days is out of bounds.
    """
    if days is None:
        return None
    if not LEAST_DAYS <= days <= MOST_DAYS:
        raise Invalid(f"Choose {LEAST_DAYS} to {MOST_DAYS:,} days, or none to keep everything.")
    return RetentionRule(days, live_only, member.id)


def change(
    session: Session, member: Member, days: int | None, *, live_only: bool = False
) -> RetentionRule | None:
    """Set how long the project keeps traces that nobody judged; None keeps everything.

    Raises:
        Invalid: The number of days is out of bounds.
    """
    rule = checked(member, days, live_only=live_only)
    kept = {key: value for key, value in member.project.settings.items() if key != RETENTION}
    settings = {**kept, RETENTION: rule.stored()} if rule else kept
    decision = Decision(session, member, "retention.changed")
    decision.change(member.project, settings=settings)
    which = "live traces" if live_only else "traces"
    decision.record(f"retention: {which} go after {days} days" if rule else "retention: off")
    return rule


def request_due(session: Session, jobs: Jobs) -> None:
    """Have every rule applied that was not within a day."""
    for project in session.exec(queries.with_rule()).all():
        asked = queries.applied_since(stored_id(project), utc_now() - _EVERY)
        if session.scalars(asked).first() is None:
            request(session, jobs, project)


def request(session: Session, jobs: Jobs, project: Project) -> AnalysisRun:
    """Have a project's rule applied now."""
    run = prepare(session, project)
    jobs.enqueue(session, stored_id(run))
    return run


def prepare(session: Session, project: Project) -> AnalysisRun:
    """Note down a run without queueing it: the caller performs it."""
    rule = retention_rule(project.settings)
    run = AnalysisRun(
        project_id=stored_id(project),
        created_by=rule.by if rule else None,
        kind=RunKind.RETENTION,
    )
    session.add(run)
    session.flush()
    return run


def perform(context: RunContext) -> dict[str, Any]:
    """Delete what the project's rule lets go, some traces at a time, as it stands now."""
    with context.database.reading() as session:
        project = session.get_one(Project, context.project_id)
        rule = retention_rule(project.settings)
        if rule is None or not project.is_open:
            return {"deleted": 0}
        before = rule.before(utc_now())
        about = queries.older(context.project_id, before, live_only=rule.live_only)
        expired = list(session.scalars(queries.expired(about)))
    deleted = 0
    try:
        for start in range(0, len(expired), _CHUNK):
            context.progress(start, len(expired), "deleting old traces")
            deleted += _delete(context, expired[start : start + _CHUNK])
    finally:
        files = _log(context, rule, before, deleted)
    return {"deleted": deleted, "files": files}


def _delete(context: RunContext, trace_ids: Sequence[int]) -> int:
    """Delete those of some traces that nothing holds by now, and return how many."""
    with context.database.writing() as session:
        session.execute(queries.locked(trace_ids)).all()
        going = list(session.scalars(queries.unpinned(trace_ids)))
        digests = list(session.scalars(queries.attachments(going)))
        for statement in queries.forget(going):
            session.execute(statement)
        kept = set(session.scalars(queries.still_attached(digests)))
        folder = context.settings.attachments
        unlink_after_commit(session, [folder / name for name in digests if name not in kept])
    return len(going)


def _log(context: RunContext, rule: RetentionRule, before: datetime, deleted: int) -> int:
    """Drop the files that the traces came in, and log what was done in the name of the rule."""
    with context.database.writing() as session:
        files = 0 if rule.live_only else _drop_files(session, context.settings, context, before)
        if not deleted and not files:
            return files
        archive_files.forget(session, context.settings, context.project_id)
        member = Member(
            session.get_one(Project, context.project_id), session.get_one(Annotator, rule.by)
        )
        events.note_event(
            session,
            member,
            event_queries.EXPIRED,
            f"retention after {rule.days} days: {deleted:,} traces deleted",
            {"traces": deleted, "files": files, "days": rule.days, "live_only": rule.live_only},
        )
    return files


def _drop_files(session: Session, settings: Settings, context: RunContext, before: datetime) -> int:
    dropped = 0
    for row in session.exec(queries.finished_imports(context.project_id, before)).all():
        names = [name for name in (row.stored_path, row.refused_file) if name]
        row.stored_path = row.refused_file = ""
        session.add(row)
        unlink_after_commit(session, [settings.data / name for name in names])
        dropped += len(names)
    return dropped
