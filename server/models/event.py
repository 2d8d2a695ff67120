"""The append-only log of human decisions, and which rows each decision touched."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from server.models.base import Json, Row, table_args


class Event(Row, table=True):
    """One decision, never changed afterwards.

    `payload["changes"]` holds every row before and after it, so that undo is putting the rows
    back and a replay of the log rebuilds the tables.
    """

    __table_args__ = table_args(
        sa.Index("ix_event_project_id_actor_id_id", "project_id", "actor_id", "id"),
        sa.Index("ix_event_project_id_id", "project_id", "id"),
        sa.Index("ix_event_undoes", "undoes"),
    )

    project_id: int = Field(foreign_key="project.id")
    actor_id: int | None = Field(default=None, foreign_key="annotator.id")
    kind: str
    summary: str = ""
    """What happened, in words a person reads in the log and on the undo button."""
    payload: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    undoes: int | None = Field(default=None, foreign_key="event.id")
    caused_by: str = ""
    """The suggestion, run or bulk action it came from, such as `suggestion:12`."""
    schema_version: int = 1


class EventRow(Row, table=True):
    """A row that an event changed or leans on: what undo asks before it takes anything back."""

    __table_args__ = table_args(
        sa.Index("ix_event_row_table_name_row_key", "table_name", "row_key"),
    )

    event_id: int = Field(foreign_key="event.id", index=True)
    table_name: str
    row_key: str
    changed: bool
    """True: the event wrote this row. False: a row it wrote refers to this one."""
