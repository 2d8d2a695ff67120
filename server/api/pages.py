"""Lists come in parts: `limit` rows, and a cursor for the part behind them."""

from collections.abc import Sequence
from typing import Annotated, Any, Generic, Protocol, Self, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from server.api.fields import LARGEST
from server.views.listings import Span

LIMIT = 500


class HasRows(Protocol):
    """What lists look like, whatever they are of."""

    @property
    def rows(self) -> Sequence[Any]: ...

    @property
    def next(self) -> int | None: ...


ItemT = TypeVar("ItemT", bound=BaseModel)


class Page(BaseModel, Generic[ItemT]):
    """A part of a list."""

    items: list[ItemT]
    next: Annotated[
        int | None,
        Field(description="Give it as `after` to get the part behind this one; null at the end."),
    ]

    @classmethod
    def of(cls, found: HasRows) -> Self:
        """Answer with the rows of a listing."""
        return cls.model_validate({"items": found.rows, "next": found.next})


def _span(
    after: Annotated[
        int | None, Query(ge=0, le=LARGEST, description="The `next` of the part before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT, description="How many rows at most.")] = 100,
) -> Span:
    return Span(limit=limit, after=after)


SpanQuery = Annotated[Span, Depends(_span)]
