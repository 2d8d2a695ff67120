"""Signal: one automatic value of a trace."""

import sqlalchemy as sa
from sqlmodel import Field

from server.models.base import Row, table_args


class Signal(Row, table=True):
    __table_args__ = table_args(
        sa.UniqueConstraint("trace_id", "name"),
        sa.Index("ix_signal_name_value", "name", "value"),
    )

    trace_id: int = Field(foreign_key="trace.id", ondelete="CASCADE")
    name: str
    value: float | None = None
    label: str | None = None
    computed_with: str = ""
    """Digest of the parameters it was computed with."""
