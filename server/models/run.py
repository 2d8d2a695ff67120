"""Analysis runs: what was asked, how far it is, what came out; and cached embeddings."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from server.models.base import Json, Row, UtcDateTime, enum_type, table_args


class RunKind(StrEnum):
    """What a run does; `server.tasks.HANDLERS` names the service that does it."""

    ARCHIVE = "archive"
    ASSISTANT = "assistant"
    BATCH = "batch"
    EVALUATION_SETS = "evaluation_sets"
    GROUP = "group"
    IMPORT = "import"
    LENS = "lens"
    MODE_SUGGESTIONS = "mode_suggestions"
    NOTE_MAP = "note_map"
    NEAR_DUPLICATES = "near_duplicates"
    OUTCOMES = "outcomes"
    PAGE = "page"
    RETENTION = "retention"
    SIGNALS = "signals"


class RunStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in (RunStatus.DONE, RunStatus.FAILED, RunStatus.CANCELLED)


class AnalysisRun(Row, table=True):
    """One execution of a job; the row, not the queue's message, is the truth about it."""

    __table_args__ = table_args(
        sa.Index("ix_analysis_run_project_id_kind", "project_id", "kind"),
        sa.Index("ix_analysis_run_status", "status"),
    )

    project_id: int = Field(foreign_key="project.id")
    created_by: int | None = Field(default=None, foreign_key="annotator.id")
    kind: str
    parameters: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    seed: int = 0
    input_digest: str = ""
    status: RunStatus = Field(default=RunStatus.QUEUED, sa_type=enum_type(RunStatus))
    progress_done: int = 0
    progress_total: int | None = None
    progress_text: str = ""
    cancel_requested: bool = False
    heartbeat_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    result: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    artefact: str = ""
    """File with the bulky part of the result, relative to the data directory."""
    error: str = Field(default="", sa_type=sa.Text)


class Embedding(Row, table=True):
    """A text's vector, kept for ever: the same text and embedder give the same vector."""

    __table_args__ = table_args(sa.UniqueConstraint("embedder", "text_hash"))

    embedder: str
    text_hash: str
    vector: bytes
    """Little-endian float32."""
