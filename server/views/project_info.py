"""A project in figures, as programs read it."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from server.models.base import stored_id
from server.models.project import Member, Project, Role, Stage
from server.queries import traces


@dataclass(frozen=True)
class ProjectInfo:
    """A project and what a member is in it."""

    id: int
    slug: str
    name: str
    description: str
    stage: Stage
    blind: bool
    read_only: bool
    archived_at: datetime | None
    created_at: datetime
    traces: int
    role: Role
    annotator_id: int


def project_info(session: Session, member: Member) -> ProjectInfo:
    """Describe a project to a member."""
    project: Project = member.project
    return ProjectInfo(
        id=stored_id(project),
        slug=project.slug,
        name=project.name,
        description=project.description,
        stage=project.stage,
        blind=project.blind,
        read_only=project.read_only,
        archived_at=project.archived_at,
        created_at=project.created_at,
        traces=session.exec(traces.count(stored_id(project))).one(),
        role=member.role,
        annotator_id=member.id,
    )
