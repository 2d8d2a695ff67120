"""Judges (machines that give verdicts) and their verdicts."""

import sqlalchemy as sa
from sqlmodel import Field

from server.models.base import Row, enum_type, table_args
from server.models.verdict import VerdictValue


class Judge(Row, table=True):
    __table_args__ = table_args(
        sa.UniqueConstraint("project_id", "name", "version", "mode_id"),
        sa.Index(
            "uq_judge_of_whole_trace",
            "project_id",
            "name",
            "version",
            unique=True,
            sqlite_where=sa.text("mode_id IS NULL"),
            postgresql_where=sa.text("mode_id IS NULL"),
        ),
    )

    project_id: int = Field(foreign_key="project.id")
    annotator_id: int | None = Field(default=None, foreign_key="annotator.id")
    """The machine annotator it acts as."""
    mode_id: int | None = Field(default=None, foreign_key="failure_mode.id")
    """Empty: it judges the whole trace."""
    name: str
    version: str = ""
    prompt_hash: str = ""


class JudgeVerdict(Row, table=True):
    __table_args__ = table_args(sa.UniqueConstraint("judge_id", "trace_id"))

    judge_id: int = Field(foreign_key="judge.id")
    trace_id: int = Field(foreign_key="trace.id", index=True)
    value: VerdictValue = Field(sa_type=enum_type(VerdictValue))
    critique: str = Field(default="", sa_type=sa.Text)
