"""Note: an open code, on the whole run or anchored to a span of a step."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Field

from server.models.base import Row, table_args


@dataclass(frozen=True)
class Anchor:
    """What a note is tied to: a step (none: the whole run), and characters [start, end) of it."""

    step: int | None = None
    start: int | None = None
    end: int | None = None


class Note(Row, table=True):
    __table_args__ = table_args(
        sa.Index("ix_note_annotator_id_trace_id", "annotator_id", "trace_id")
    )

    trace_id: int = Field(foreign_key="trace.id", index=True)
    annotator_id: int = Field(foreign_key="annotator.id")
    text: str = Field(sa_type=sa.Text)
    is_first_failure: bool = False
    is_independent: bool = False
    """Whether it tells of a failure that does not follow from the first one."""
    step: int | None = None
    """0-based position of the step it is anchored to; empty means the whole run."""
    start: int | None = None
    end: int | None = None
    """Characters (code points) of the step's text, half open; empty means the whole step."""
    quote: str = Field(default="", sa_type=sa.Text)
    version: int = 1
