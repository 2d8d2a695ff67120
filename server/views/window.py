"""One page of a list by key: its places, how many rows there are, and which of them these are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from server.queries.paging import Cursor, Window, in_front_of, page, up_to


@dataclass(frozen=True)
class Count:
    """How the rows of a list are counted."""

    known: int | None = None
    """How many there are, where that is known without asking."""
    most: int | None = None
    """Count no further than this: a list that is longer has more than so many."""


@dataclass(frozen=True)
class Found:
    """The places of a page, and whether there is a way back and on."""

    places: tuple[Cursor, ...]
    total: int
    has_more: bool
    """Whether there are more than `total`, which nobody counted."""
    first: int
    back: bool
    on: bool


def read_window(
    session: Session,
    source: sa.FromClause,
    window: Window,
    count: Count,
    *,
    counted: sa.FromClause | None = None,
) -> Found:
    """Read a page with the number of all rows and of those in front of it, in one pass.

    Where rows are counted no further than so far, a page's place is that of the page which led to
    it, and the places carry it on.

    Args:
        session: An open session.
        source: Columns `id` and `key` of every row.
        window: Which page.
        count: How to count the rows.
        counted: Those of all rows, where `source` has no more than the page's and the next one.
    """
    place = window.after or window.before
    all_rows = source if counted is None else counted
    every = _count(all_rows, most=count.most) if count.known is None else sa.literal(count.known)
    statement = page(source, window).add_columns(
        every.label("total"), _front(source, window, place, count).label("front")
    )
    rows = session.execute(statement).all()
    more = len(rows) > window.size
    places = [Cursor(row.key, row.id) for row in rows[: window.size]]
    total, in_front = (rows[0].total, rows[0].front) if rows else (0, 0)
    if window.before:
        places.reverse()
        in_front = max(0, in_front - len(places))
    has_more = count.known is None and count.most is not None and total > count.most
    return Found(
        tuple(_ranked(places, in_front) if count.most is not None else places),
        min(total, count.most) if has_more and count.most is not None else total,
        has_more,
        first=in_front + 1,
        back=more if window.before else window.after is not None,
        on=True if window.before else more,
    )


def _front(source: sa.FromClause, window: Window, place: Cursor | None, count: Count) -> Any:
    """How many rows come before a page; before one that is read backwards, before its end."""
    if place is None:
        return sa.literal(0)
    if count.most is not None and place.rank is not None:
        return sa.literal(place.rank + 1 if window.after else place.rank)
    side = up_to if window.after else in_front_of
    return _count(source, side(source, place, descending=window.descending))


def _ranked(places: Sequence[Cursor], in_front: int) -> list[Cursor]:
    return [replace(place, rank=in_front + number) for number, place in enumerate(places)]


def _count(
    source: sa.FromClause, *conditions: Any, most: int | None = None
) -> sa.ScalarSelect[int]:
    if most is None:
        return sa.select(sa.func.count()).select_from(source).where(*conditions).scalar_subquery()
    some = sa.select(source.c.id).where(*conditions).limit(most + 1).subquery()
    return sa.select(sa.func.count()).select_from(some).scalar_subquery()
