"""Archives as files to download: written by a job, the latest kept, forgotten on erasure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlmodel import Session

from server.db import unlink_after_commit
from server.errors import Invalid, NotFound
from server.jobs import Jobs
from server.models.base import stored_id
from server.models.project import Member, Project, Role
from server.models.run import AnalysisRun, RunKind
from server.models.user import User
from server.queries import runs as queries
from server.services import accounts, archives, runs
from server.services.uploads import Upload
from server.settings import Settings


def request(session: Session, jobs: Jobs, member: Member) -> AnalysisRun:
    """Ask for an archive of the project as it stands; one under way is enough."""
    latest = session.exec(queries.of_kind(member.project_id, RunKind.ARCHIVE).limit(1)).first()
    if latest is not None and not latest.status.is_over:
        return latest
    return runs.request(session, jobs, member, RunKind.ARCHIVE, {})


def perform(context: runs.RunContext) -> dict[str, Any]:
    """Write the archive; the project's earlier ones go."""
    path = context.settings.artefacts / f"archive-{context.run_id}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    with context.database.reading() as session:
        project = session.get_one(Project, context.project_id)
        archives.write(session, context.settings, project, path, context.progress)
    with context.database.writing() as session:
        forget(session, context.settings, context.project_id)
        run = session.get_one(AnalysisRun, context.run_id)
        run.artefact = path.relative_to(context.settings.data).as_posix()
        session.add(run)
    return {"bytes": path.stat().st_size}


def find(session: Session, settings: Settings, member: Member, run_id: int) -> Path:
    """Return the file that a run wrote.

    Raises:
        NotFound: There is none, or no longer.
    """
    run = runs.find(session, member, run_id)
    path = settings.data / run.artefact
    if run.kind != RunKind.ARCHIVE or not run.artefact or not path.is_file():
        raise NotFound("This archive is gone: a newer one replaced it. Make it again.")
    return path


def open_upload(
    session: Session, settings: Settings, uploads: Sequence[Upload], *, leader: User | None = None
) -> Project:
    """Make a project from an archive that was uploaded, led by whoever opens it.

    Raises:
        Invalid: It is not one archive, or is damaged: nothing was made.
    """
    if len(uploads) != 1:
        raise Invalid(f"{len(uploads)} files arrived: open one archive at a time.")
    upload = uploads[0]
    unlink_after_commit(session, [upload.path])
    project = archives.read(session, settings, upload.path, shown_as=upload.name)
    if leader is not None:
        accounts.take_part(session, stored_id(project), leader, Role.LEAD)
    return project


def forget(session: Session, settings: Settings, project_id: int) -> None:
    """Drop every archive of a project that lies on this server, once this is committed."""
    for run in session.exec(queries.of_kind(project_id, RunKind.ARCHIVE)):
        if run.artefact:
            path = settings.data / run.artefact
            run.artefact = ""
            session.add(run)
            unlink_after_commit(session, [path])
    session.flush()
