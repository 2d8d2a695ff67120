"""The list of projects."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from server.models.base import stored_id
from server.models.user import User
from server.queries import projects, traces, users


@dataclass(frozen=True)
class ProjectRow:
    name: str
    slug: str
    about: str
    """The first sentence of the description."""
    read_only: bool
    trace_count: int


@dataclass(frozen=True)
class ArchivedRow:
    name: str
    slug: str
    since: datetime


@dataclass(frozen=True)
class ProjectList:
    projects: tuple[ProjectRow, ...]
    archived: tuple[ArchivedRow, ...]


def project_list(session: Session, user: User | None = None) -> ProjectList:
    """Build the list of projects, or of those that a user takes part in; archived ones apart."""
    mine = projects.open_projects() if user is None else users.projects_of(user)
    put_away = projects.archived_projects() if user is None else users.archived_projects_of(user)
    counts = dict(session.exec(traces.counts()).all())
    return ProjectList(
        archived=tuple(
            ArchivedRow(project.name, project.slug, project.archived_at)
            for project in session.exec(put_away)
            if project.archived_at is not None
        ),
        projects=tuple(
            ProjectRow(
                name=project.name,
                slug=project.slug,
                about=project.description.partition(". ")[0],
                read_only=project.read_only,
                trace_count=counts.get(stored_id(project), 0),
            )
            for project in session.exec(mine)
        ),
    )
