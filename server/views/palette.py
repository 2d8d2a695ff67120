"""What the command palette finds in a project: traces by their ids, failure modes by name."""

from typing import NamedTuple

from sqlmodel import Session

from server.models.project import Member
from server.queries import trace_lists as queries

LIMIT = 20
_MODES = 5


class Entry(NamedTuple):
    """A place to go to."""

    label: str
    kind: str
    url: str


def palette(session: Session, member: Member, text: str, *, base: str) -> list[Entry]:
    """Return the modes and traces whose name has `text` in it, at most LIMIT."""
    text = text.strip()
    if not text or "\0" in text:
        return []
    modes = session.execute(queries.modes_like(member.project_id, text, _MODES)).all()
    found = [Entry(name, "failure mode", f"{base}/modes/{id_}") for id_, name in modes]
    traces = session.execute(queries.named_like(member.project_id, text, LIMIT - len(found)))
    return [*found, *(Entry(name, "trace", f"{base}/read/{id_}") for id_, name, _ in traces)]
