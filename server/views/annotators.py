"""The names of those who judge in a project."""

from sqlmodel import Session

from server.models.base import stored_id
from server.models.project import Member
from server.queries import projects


def annotator_names(session: Session, member: Member) -> dict[int, str]:
    """Return people and machines of the member's project by id."""
    found = session.exec(projects.annotators(member.project_id))
    return {stored_id(annotator): annotator.name for annotator in found}
