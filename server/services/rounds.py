"""Rounds of batch, open coding, grouping and labelling."""

from sqlmodel import Session

from server.errors import NotFound
from server.models.batch import Round
from server.models.project import Member
from server.queries import rounds as queries


def current(session: Session, member: Member) -> Round:
    """Return the round that verdicts count for.

    Raises:
        NotFound: The project has none.
    """
    found = session.exec(queries.current(member.project_id)).first()
    if found is None:
        raise NotFound("This project has no round: open one first.")
    return found
