"""Traces of the member's project."""

from sqlmodel import Session

from server.errors import NotFound
from server.models.project import Member
from server.models.trace import Trace
from server.queries import traces as queries


def find(session: Session, member: Member, trace_id: int) -> Trace:
    """Return a trace of the member's project.

    Raises:
        NotFound: The project has no such trace.
    """
    trace = session.exec(queries.one(member.project_id, trace_id)).first()
    if trace is None:
        raise NotFound(f"This project has no trace {trace_id}.")
    return trace
