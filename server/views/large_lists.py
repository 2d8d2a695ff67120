"""Lists of projects so large that what matches is not gathered: where their pages are read from.

What people did is read in the order of the traces as far as the page and the count need it. In
other orders it is gathered where it is on few traces; else the traces are gone through in their
order, and each is asked, until enough are found.
"""

from typing import NamedTuple

import sqlalchemy as sa

from server import search
from server.queries import trace_lists as queries
from server.queries.filter_conditions import ByPeople, Names
from server.queries.filters import Filters
from server.queries.found_by_people import nearest
from server.queries.paging import Window
from server.views.facts import Facts

FEW = 10_000
"""Traces that people's work may be on and still be gathered."""
_BY_PEOPLE = ("annotator", "mode", "verdict")


class Sources(NamedTuple):
    """Ids and keys of traces: what a page is read from, and what is counted."""

    page: sa.FromClause
    counted: sa.FromClause


def sources(
    facts: Facts, filters: Filters, names: Names, order: queries.Order, window: Window, most: int
) -> Sources | None:
    """Return where to read a page of what people's work finds; None where no filter asks for it.

    Args:
        facts: Those of the page.
        filters: What a trace has to meet.
        names: What the project has to filter by.
        order: How the list is sorted.
        window: Which page.
        most: How far is counted.
    """
    if not any(filters.get(key) for key in _BY_PEOPLE):
        return None
    work = search.work_asked_for(facts.member, filters, names)
    if work is None:
        return _walked(facts, filters, names, order)
    place = window.after or window.before
    if order is queries.ORDERS["imported"] and (place is None or place.rank is not None):
        others = _others(facts, work, names)
        counted = nearest(work.found, others, Window(window.size, window.descending), most + 1)
        if place is None:
            return Sources(counted, counted)
        return Sources(nearest(work.found, others, window, window.size + 1), counted)
    every = nearest(work.found, (), Window(FEW), FEW + 1)
    count = sa.select(sa.func.count()).select_from(every)
    if facts.session.execute(count).scalar_one() > FEW:
        return _walked(facts, filters, names, order)
    where = [queries.is_among(every), *_others(facts, work, names)]
    gathered = queries.source(order, where, once=True, filtered=True)
    return Sources(gathered, gathered)


def _others(facts: Facts, work: ByPeople, names: Names) -> list[sa.ColumnElement[bool]]:
    if not work.others:
        return []  # people work on traces of their project
    return search.matching(facts.session, facts.member, work.others, known=names, walks=True)


def _walked(facts: Facts, filters: Filters, names: Names, order: queries.Order) -> Sources:
    where = search.matching(facts.session, facts.member, filters, known=names, walks=True)
    source = queries.source(order, where, once=False, filtered=True, walks=True)
    return Sources(source, source)
