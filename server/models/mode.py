"""Failure modes: the codebook, its versions and examples."""

from enum import StrEnum
from uuid import uuid4

import sqlalchemy as sa
from sqlmodel import Field

from server.models.base import Row, enum_type, table_args

HUES = 12
"""How many hues the palette of failure modes has."""


class ModeStatus(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


class ModeDecision(StrEnum):
    """What to do about a failure mode."""

    FIX = "fix"
    CHECK = "check"
    JUDGE = "judge"
    WATCH = "watch"


class FailureMode(Row, table=True):
    __table_args__ = table_args(sa.UniqueConstraint("project_id", "guid"))

    project_id: int = Field(foreign_key="project.id", index=True)
    created_by: int | None = Field(default=None, foreign_key="annotator.id")
    parent_id: int | None = Field(default=None, foreign_key="failure_mode.id")
    name: str
    status: ModeStatus = Field(default=ModeStatus.ACTIVE, sa_type=enum_type(ModeStatus))
    merged_into: int | None = Field(default=None, foreign_key="failure_mode.id")
    owner_id: int | None = Field(default=None, foreign_key="annotator.id")
    colour: int = 1
    """A hue of the palette, 1 to HUES; kept for the life of the mode."""
    decision: ModeDecision | None = Field(default=None, sa_type=enum_type(ModeDecision))
    impact: int | None = None
    guid: str = Field(default_factory=lambda: str(uuid4()))
    version: int = 1
    """Number of the latest ModeVersion."""


class ModeVersion(Row, table=True):
    """One wording of a definition. Labels remember the version they were made under."""

    __table_args__ = table_args(sa.UniqueConstraint("mode_id", "number"))

    mode_id: int = Field(foreign_key="failure_mode.id")
    number: int
    created_by: int | None = Field(default=None, foreign_key="annotator.id")
    definition: str = Field(default="", sa_type=sa.Text)
    apply_when: str = Field(default="", sa_type=sa.Text)
    not_when: str = Field(default="", sa_type=sa.Text)
    pass_rule: str = Field(default="", sa_type=sa.Text)
    fail_rule: str = Field(default="", sa_type=sa.Text)
    reason: str = Field(default="", sa_type=sa.Text)


class ModeExample(Row, table=True):
    __table_args__ = table_args()

    mode_id: int = Field(foreign_key="failure_mode.id", index=True)
    created_by: int | None = Field(default=None, foreign_key="annotator.id")
    note_id: int | None = Field(default=None, foreign_key="note.id")
    trace_id: int | None = Field(default=None, foreign_key="trace.id")
    step: int | None = None
    start: int | None = None
    end: int | None = None
    quote: str = Field(default="", sa_type=sa.Text)
    positive: bool = True
