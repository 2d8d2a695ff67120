"""Rounds, batches of traces to review, leases on them, and splits of items."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from server.models.base import Json, Row, UtcDateTime, enum_type, table_args


class SplitPart(StrEnum):
    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


class Round(Row, table=True):
    """One pass of batch, open coding, grouping, labelling."""

    __table_args__ = table_args(sa.UniqueConstraint("project_id", "number"))

    project_id: int = Field(foreign_key="project.id")
    number: int = 1
    goal: str = ""
    opened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Batch(Row, table=True):
    round_id: int = Field(foreign_key="round.id", index=True)
    created_by: int | None = Field(default=None, foreign_key="annotator.id")
    name: str
    strategy: str
    parameters: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    seed: int = 0
    reviews_per_trace: int = 1
    overlap: int = 0


class BatchTrace(Row, table=True):
    __table_args__ = table_args(
        sa.UniqueConstraint("batch_id", "trace_id"),
        sa.Index("ix_batch_trace_batch_id_position", "batch_id", "position"),
    )

    batch_id: int = Field(foreign_key="batch.id")
    trace_id: int = Field(foreign_key="trace.id", index=True)
    position: int
    sampled_by: str = ""
    inclusion_weight: float = 1.0
    assigned_to: int | None = Field(default=None, foreign_key="annotator.id")
    reviews: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    """How many people are to read it."""


CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far the clocks of several servers may differ."""


class Lease(Row, table=True):
    """An annotator's claim on one review slot of a batch trace; free again when it expires."""

    __table_args__ = table_args(sa.UniqueConstraint("batch_trace_id", "slot"))

    batch_trace_id: int = Field(foreign_key="batch_trace.id", ondelete="CASCADE")
    slot: int = 0
    annotator_id: int = Field(foreign_key="annotator.id", index=True)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    token: str

    def stands(self, now: datetime) -> bool:
        """Whether it has not expired; one of the future was taken before the clock was set back."""
        return self.expires_at > now >= self.created_at - CLOCK_TOLERANCE


class Skip(Row, table=True):
    """A trace of a batch that somebody put off, and why; their queue offers it last."""

    __table_args__ = table_args(sa.UniqueConstraint("batch_trace_id", "annotator_id"))
    journal_key: ClassVar[tuple[str, ...]] = ("batch_trace_id", "annotator_id")

    batch_trace_id: int = Field(foreign_key="batch_trace.id")
    annotator_id: int = Field(foreign_key="annotator.id", index=True)
    reason: str = Field(default="", sa_type=sa.Text)


class Split(Row, table=True):
    """How the items of a project are divided, and how often the sealed test part was opened."""

    __table_args__ = table_args(sa.UniqueConstraint("project_id"))

    project_id: int = Field(foreign_key="project.id")
    seed: int = 0
    train_share: float = Field(default=0.15, sa_column_kwargs={"server_default": "0.15"})
    dev_share: float = Field(default=0.4, sa_column_kwargs={"server_default": "0.4"})
    """What both leave is the test part's; items that have a part keep it when shares change."""
    test_opened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    test_uses: int = 0


class SplitItem(Row, table=True):
    __table_args__ = table_args(sa.UniqueConstraint("project_id", "item_id"))

    project_id: int = Field(foreign_key="project.id")
    split_id: int = Field(foreign_key="split.id")
    item_id: str
    part: SplitPart = Field(sa_type=enum_type(SplitPart))
