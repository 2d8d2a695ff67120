"""Pages by key: rows after or before a place in an order, never an OFFSET.

The order is (key, id) with both in the same direction, so it has no ties and a page starts where
the last one ended whatever came in meanwhile.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from server.errors import Invalid


@dataclass(frozen=True)
class Cursor:
    """A row's place in an order: its key, and its id among equal keys."""

    key: str | int | float
    id: int
    rank: int | None = None
    """How many rows come before it, as far as those know who counted on the way there."""

    def written(self) -> str:
        """The place as it stands in a URL."""
        rank = [] if self.rank is None else [self.rank]
        return json.dumps([self.key, self.id, *rank], ensure_ascii=False)

    @classmethod
    def read(cls, written: str, kind: type[str] | type[int] | type[float]) -> "Cursor":
        """Read a place from a URL; `kind` is the type of the order's key.

        Raises:
            Invalid: It is not one.
        """
        try:
            key, row_id, *ranks = json.loads(written)
        except (ValueError, TypeError, RecursionError):
            key, row_id, ranks = None, None, []
        rank = ranks[0] if ranks else None
        if len(ranks) > 1 or (rank is not None and (type(rank) is not int or not _is_id(rank))):
            raise Invalid("The link names no place in this list: open the list again.")
        if type(key) is not kind or type(row_id) is not int or abs(row_id) >= 2**63:
            raise Invalid("The link names no place in this list: open the list again.")
        is_huge = isinstance(key, int) and abs(key) >= 2**63
        if is_huge or (isinstance(key, float) and not math.isfinite(key)):
            raise Invalid("The link names no place in this list: open the list again.")
        return cls(key, row_id, rank)


def _is_id(number: int) -> bool:
    return 0 <= number < 2**63


@dataclass(frozen=True)
class Window:
    """Which page: `size` rows behind `after`, or in front of `before`, or the first ones."""

    size: int
    descending: bool = False
    after: Cursor | None = None
    before: Cursor | None = None


def page(source: sa.FromClause, window: Window) -> sa.Select[Any]:
    """Return id and key of a page's rows and one more, which tells whether there is another page.

    `source` has columns `id` and `key`. Rows in front of `before` come nearest first.
    """
    backwards = window.before is not None
    columns = (source.c.key, source.c.id)
    order = [column.desc() if window.descending != backwards else column for column in columns]
    statement = sa.select(source.c.id, source.c.key).order_by(*order).limit(window.size + 1)
    if window.after is not None:
        return statement.where(~up_to(source, window.after, descending=window.descending))
    if window.before is not None:
        return statement.where(in_front_of(source, window.before, descending=window.descending))
    return statement


def in_front_of(source: sa.FromClause, place: Cursor, *, descending: bool) -> Any:
    """Whether a row comes before a place."""
    row, bound = sa.tuple_(source.c.key, source.c.id), (place.key, place.id)
    return row > bound if descending else row < bound


def up_to(source: sa.FromClause, place: Cursor, *, descending: bool) -> Any:
    """Whether a row comes before a place or stands there."""
    row, bound = sa.tuple_(source.c.key, source.c.id), (place.key, place.id)
    return row >= bound if descending else row <= bound
