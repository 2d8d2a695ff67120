"""Labels: present or absent of a failure mode on a trace. No row means unseen, never absent."""

from enum import StrEnum
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from server.models.base import Row, enum_type, table_args


class LabelValue(StrEnum):
    PRESENT = "present"
    ABSENT = "absent"


def merged_value(one: LabelValue | None, other: LabelValue | None) -> LabelValue | None:
    """What a trace has where two modes become one: present if either is, absent if both are."""
    if LabelValue.PRESENT in (one, other):
        return LabelValue.PRESENT
    return LabelValue.ABSENT if one is other is LabelValue.ABSENT else None


class LabelSource(StrEnum):
    HAND = "hand"
    BULK = "bulk"
    IMPORTED = "imported"
    MACHINE = "machine"


class Label(Row, table=True):
    __table_args__ = table_args(
        sa.UniqueConstraint("trace_id", "mode_id", "annotator_id"),
        sa.Index("ix_label_by_mode", "mode_id", "trace_id", "annotator_id", "value"),
        sa.Index(
            "ix_label_annotator_id_trace_id",
            *("annotator_id", "trace_id", "mode_id", "mode_version"),
        ),
    )
    journal_key: ClassVar[tuple[str, ...]] = ("trace_id", "mode_id", "annotator_id")

    trace_id: int = Field(foreign_key="trace.id")
    mode_id: int = Field(foreign_key="failure_mode.id")
    annotator_id: int = Field(foreign_key="annotator.id")
    value: LabelValue = Field(sa_type=enum_type(LabelValue))
    mode_version: int
    source: LabelSource = Field(default=LabelSource.HAND, sa_type=enum_type(LabelSource))


class GoldLabel(Row, table=True):
    """The adjudicated label of a trace for a mode."""

    __table_args__ = table_args(
        sa.UniqueConstraint("trace_id", "mode_id"),
        sa.Index("ix_gold_label_by_mode", "mode_id", "trace_id", "value", "decided_by"),
    )
    journal_key: ClassVar[tuple[str, ...]] = ("trace_id", "mode_id")

    trace_id: int = Field(foreign_key="trace.id")
    mode_id: int = Field(foreign_key="failure_mode.id")
    value: LabelValue = Field(sa_type=enum_type(LabelValue))
    mode_version: int = 1
    reason: str = ""
    decided_by: int | None = Field(default=None, foreign_key="annotator.id")
