"""Which traces filters mean."""

from typing import Any

from sqlmodel import Session, col, select

from server import search
from server.models.project import Member
from server.models.trace import Trace
from server.queries.filters import Filters
from server.queries.found_by_people import nearest
from server.queries.paging import Window
from server.queries.trace_lists import is_among


def found(session: Session, member: Member, filters: dict[str, Any]) -> list[str]:
    """External ids of the traces that filters mean, in order of import, however they are read."""
    asked = Filters.parse(filters)
    ways = [search.matching(session, member, asked, walks=walks) for walks in (False, True)]
    names = search.names(session, member)
    if work := search.work_asked_for(member, asked, names):
        others = search.matching(session, member, work.others, known=names, walks=True)
        first = nearest(work.found, others, Window(1), most=100)
        ways.append([is_among(first)])
    traces = select(Trace.external_id).order_by(col(Trace.id))
    gathered, *others_found = ([*session.exec(traces.where(*where))] for where in ways)
    assert all(ids == gathered for ids in others_found)
    return gathered
