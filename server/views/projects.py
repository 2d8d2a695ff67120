"""The list of projects."""

from dataclasses import dataclass

from sqlmodel import Session

from server.models.base import stored_id
from server.models.user import User
from server.queries import projects, traces, users


@dataclass(frozen=True)
class ProjectRow:
    name: str
    slug: str
    description: str
    read_only: bool
    trace_count: int


@dataclass(frozen=True)
class ProjectList:
    projects: tuple[ProjectRow, ...]


def project_list(session: Session, user: User | None = None) -> ProjectList:
    """Build the list of open projects, or of those that a user takes part in."""
    mine = projects.open_projects() if user is None else users.projects_of(user)
    return ProjectList(
        tuple(
            ProjectRow(
                name=project.name,
                slug=project.slug,
                description=project.description,
                read_only=project.read_only,
                trace_count=session.exec(traces.count(stored_id(project))).one(),
            )
            for project in session.exec(mine)
        )
    )
