"""Verdicts: pass, fail or defer of one annotator on a trace, with the first failing step."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from server.models.base import Row, UtcDateTime, enum_type, table_args


class VerdictValue(StrEnum):
    PASS = "pass"  # noqa: S105  # a verdict, not a password
    FAIL = "fail"
    DEFER = "defer"


class Verdict(Row, table=True):
    __table_args__ = table_args(
        sa.UniqueConstraint("trace_id", "annotator_id", "round_id"),
        sa.Index(
            "ix_verdict_by_annotator",
            *("annotator_id", "trace_id", "round_id", "value", "submitted_at"),
        ),
    )
    journal_key: ClassVar[tuple[str, ...]] = ("trace_id", "annotator_id", "round_id")

    trace_id: int = Field(foreign_key="trace.id")
    annotator_id: int = Field(foreign_key="annotator.id")
    round_id: int = Field(foreign_key="round.id")
    value: VerdictValue = Field(sa_type=enum_type(VerdictValue))
    first_failure_step: int | None = None
    """0-based position; empty until a person chose one."""
    minimal_repro: str = ""
    reason: str = Field(default="", sa_type=sa.Text, sa_column_kwargs={"server_default": ""})
    """Why it was deferred."""
    submitted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seconds: float | None = None
    version: int = 1


class GoldVerdict(Row, table=True):
    """The lead's last word on a trace that people judged differently: pass or fail."""

    __table_args__ = table_args(sa.UniqueConstraint("trace_id"))
    journal_key: ClassVar[tuple[str, ...]] = ("trace_id",)

    trace_id: int = Field(foreign_key="trace.id")
    value: VerdictValue = Field(sa_type=enum_type(VerdictValue))
    first_failure_step: int | None = None
    """0-based position; empty where it passed, or no step was named."""
    reason: str = Field(default="", sa_type=sa.Text)
    decided_by: int | None = Field(default=None, foreign_key="annotator.id")
