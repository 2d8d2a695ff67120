"""Traces and what they are made of: import, steps, token series, attachments, input tuples."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from server.models.base import Json, Row, UtcDateTime, enum_type, table_args
from server.models.run import RunStatus

ERASED = "[erased]"
"""What stands where words of an erased trace stood; its content hash, too."""


class Outcome(StrEnum):
    CORRECT = "correct"
    INCORRECT = "incorrect"
    INVALID = "invalid"
    TRUNCATED = "truncated"
    UNKNOWN = "unknown"


class OutcomeSource(StrEnum):
    IMPORTED = "imported"
    RULE = "rule"
    HUMAN = "human"


class TraceSource(StrEnum):
    PRODUCTION = "production"
    SYNTHETIC = "synthetic"
    BENCHMARK = "benchmark"
    UNKNOWN = "unknown"


class StepKind(StrEnum):
    MESSAGE = "message"
    REASONING = "reasoning"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    RETRIEVAL = "retrieval"
    SPAN = "span"
    ERROR = "error"


class ImportStatus(StrEnum):
    STAGED = "staged"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_under_way(self) -> bool:
        return self in (ImportStatus.QUEUED, ImportStatus.RUNNING)

    def beside(self, run: RunStatus | None) -> "ImportStatus":
        """Return the status, or that of a run which ended before it could tell its import."""
        return ImportStatus(run.value) if run and run.is_over and self.is_under_way else self


class TupleStatus(StrEnum):
    PROPOSED = "proposed"
    INFEASIBLE = "infeasible"
    GENERATED = "generated"


class Import(Row, table=True):
    """One file (or folder) taken in, with what was read and what was refused."""

    project_id: int = Field(foreign_key="project.id", index=True)
    created_by: int | None = Field(default=None, foreign_key="annotator.id")
    run_id: int | None = Field(default=None, foreign_key="analysis_run.id")
    file_name: str
    stored_path: str = ""
    """Where the uploaded bytes lie, relative to the data directory; empty for the CLI."""
    origin_path: str = ""
    """Where the file or folder lay that the command line read, absolute; empty for uploads."""
    sha256: str = ""
    format: str = ""
    mapping: dict[str, str] = Field(default_factory=dict, sa_type=Json)
    history: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    """Earlier mappings of this import, the first one first: mapping, at, by, counts."""
    shape: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """What tells files of the same make: the recognised format and the fields of its records."""
    status: ImportStatus = Field(default=ImportStatus.STAGED, sa_type=enum_type(ImportStatus))
    counts: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    refused_file: str = ""
    is_random_sample: bool = False
    source: TraceSource = Field(default=TraceSource.UNKNOWN, sa_type=enum_type(TraceSource))
    pipeline_version: str = ""
    source_url_template: str = ""
    """Where a trace without a link back is found in the tool it came from, by its ids."""
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    @property
    def single_format(self) -> str:
        """The format; empty where several files are of several."""
        return "" if ", " in self.format else self.format


class Trace(Row, table=True):
    """One run of the system under study."""

    __table_args__ = table_args(
        sa.UniqueConstraint("project_id", "external_id"),
        sa.Index("ix_trace_project_id_id", "project_id", "id"),
        sa.Index("ix_trace_project_id_item_id", "project_id", "item_id"),
        sa.Index("ix_trace_project_id_model_id", "project_id", "model", "id"),
        sa.Index("ix_trace_project_id_task_id", "project_id", "task", "id"),
        sa.Index("ix_trace_project_id_outcome_id", "project_id", "outcome", "id"),
        sa.Index(
            "ix_trace_session",
            "project_id",
            "session_id",
            sqlite_where=sa.text("session_id <> ''"),
            postgresql_where=sa.text("session_id <> ''"),
        ),
    )

    project_id: int = Field(foreign_key="project.id")
    import_id: int | None = Field(default=None, foreign_key="import.id", index=True)
    external_id: str
    item_id: str = ""
    trial: int | None = None
    model: str = ""
    model_family: str = ""
    task: str = ""
    eval_id: str = ""
    tags: list[str] = Field(default_factory=list, sa_type=Json)
    session_id: str = ""
    outcome: Outcome = Field(default=Outcome.UNKNOWN, sa_type=enum_type(Outcome))
    outcome_source: OutcomeSource = Field(
        default=OutcomeSource.IMPORTED, sa_type=enum_type(OutcomeSource)
    )
    imported_outcome: Outcome | None = Field(default=None, sa_type=enum_type(Outcome))
    """What the file said, where a rule or a person decided; None: `outcome` is what it said."""
    executed_outcome: Outcome | None = Field(default=None, sa_type=enum_type(Outcome))
    score: float | None = None
    answer: str | None = None
    target: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    token_limit: int | None = None
    finish_reason: str = ""
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    duration_s: float | None = None
    cost: float | None = None
    pipeline_version: str = ""
    source: TraceSource = Field(default=TraceSource.UNKNOWN, sa_type=enum_type(TraceSource))
    source_url: str = ""
    dimensions: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    metadata_: dict[str, Any] = Field(
        default_factory=dict, sa_type=Json, sa_column_kwargs={"name": "metadata"}
    )
    content_hash: str = ""
    step_count: int = 0
    search_text: str = Field(default="", sa_type=sa.Text)

    @property
    def said(self) -> Outcome:
        """What the file said about the outcome, whoever decided since."""
        if self.outcome_source is OutcomeSource.IMPORTED:
            return self.outcome
        return self.imported_outcome or Outcome.UNKNOWN


class Step(Row, table=True):
    """One message, tool call, tool result, reasoning block, retrieval or span of a trace."""

    __table_args__ = table_args(sa.UniqueConstraint("trace_id", "position"))

    trace_id: int = Field(foreign_key="trace.id", ondelete="CASCADE")
    position: int
    """0-based, as stored; people see it 1-based."""
    role: str = ""
    kind: StepKind = Field(default=StepKind.MESSAGE, sa_type=enum_type(StepKind))
    name: str = ""
    text: str = Field(default="", sa_type=sa.Text)
    data: Any = Field(default=None, sa_type=Json, nullable=True)
    call_id: str = ""
    parent: int | None = None
    """Position of the step this one lies inside of, for span trees."""
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    duration_s: float | None = None
    tokens: int | None = None
    state: str = ""


class TokenSeries(Row, table=True):
    """One number for each token of a step, in order: logprob, entropy, and so on.

    `top_logprobs` has as many numbers a token as the most that any came with: the likeliest tokens'
    log-probabilities, which the other series but `logprob` are made of.
    """

    __table_args__ = table_args(sa.UniqueConstraint("step_id", "name"))

    step_id: int = Field(foreign_key="step.id", ondelete="CASCADE")
    name: str
    top_k: int | None = None
    """The fewest log-probabilities that any token came with; None where none did."""
    nucleus_q: float | None = None
    near_tie_delta: float | None = None
    values: bytes
    """zlib-compressed little-endian float32, one a token; NaN where it has none."""
    offsets: bytes | None = None
    """zlib-compressed little-endian int32: where each token starts in the step's text, then where
    each ends; −1 for one that is not in it. Of `logprob` only."""


class Attachment(Row, table=True):
    __table_args__ = table_args(sa.UniqueConstraint("step_id", "sha256"))

    step_id: int = Field(foreign_key="step.id", ondelete="CASCADE")
    media_type: str
    sha256: str
    byte_count: int = 0


class InputTuple(Row, table=True):
    """A combination of dimension values that inputs are written for."""

    __table_args__ = table_args(sa.UniqueConstraint("project_id", "values_key"))

    project_id: int = Field(foreign_key="project.id")
    values: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    values_key: str
    """`values` as canonical JSON: what makes the tuple unique on every database."""
    status: TupleStatus = Field(default=TupleStatus.PROPOSED, sa_type=enum_type(TupleStatus))
    input_text: str = ""
    trace_id: int | None = Field(default=None, foreign_key="trace.id")
    created_by: int | None = Field(default=None, foreign_key="annotator.id")
