"""Statements behind the frames: people's values of trace × mode, notes, and the order of review."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.sql.expression import Select

from server.models.batch import Batch, BatchTrace, Round
from server.models.grouping import Grouping
from server.models.label import GoldLabel, Label
from server.models.mode import FailureMode
from server.models.note import Note
from server.models.project import Annotator, AnnotatorKind, Member
from server.models.trace import Step, Trace
from server.models.verdict import Verdict, VerdictValue
from server.queries.blindness import visible
from server.queries.modes import is_in_use

TraceIds = Collection[int] | sa.Select[int]
"""Some traces: their ids, or the statement that finds them."""


def _among(column: Any, trace_ids: TraceIds | None) -> sa.ColumnElement[bool]:
    condition: sa.ColumnElement[bool] = sa.true() if trace_ids is None else column.in_(trace_ids)
    return condition


def _human() -> sa.ColumnElement[bool]:
    return col(Annotator.kind) == AnnotatorKind.HUMAN


def gold(
    project_id: int, member: Member | None, trace_ids: TraceIds | None = None
) -> sa.Select[int, int, str, int | None]:
    """Trace, mode, value (as text) and decider of every adjudicated label."""
    return (
        sa.select(
            col(GoldLabel.trace_id),
            col(GoldLabel.mode_id),
            sa.type_coerce(col(GoldLabel.value), sa.Text()),
            col(GoldLabel.decided_by),
        )
        .join(FailureMode, col(FailureMode.id) == col(GoldLabel.mode_id))
        .where(
            is_in_use(project_id),
            visible(member, col(GoldLabel.trace_id), col(GoldLabel.decided_by)),
            _among(col(GoldLabel.trace_id), trace_ids),
        )
        .order_by(col(GoldLabel.id))
    )


def human_labels(
    project_id: int, member: Member | None, trace_ids: TraceIds | None = None
) -> sa.Select[int, int, str, int]:
    """Trace, mode, value (as text) and annotator of every label that a person gave."""
    return (
        sa.select(
            col(Label.trace_id),
            col(Label.mode_id),
            sa.type_coerce(col(Label.value), sa.Text()),
            col(Label.annotator_id),
        )
        .join(FailureMode, col(FailureMode.id) == col(Label.mode_id))
        .join(Annotator, col(Annotator.id) == col(Label.annotator_id))
        .where(
            is_in_use(project_id),
            _human(),
            visible(member, col(Label.trace_id), col(Label.annotator_id)),
            _among(col(Label.trace_id), trace_ids),
        )
        .order_by(col(Label.id))
    )


def _is_latest() -> sa.ColumnElement[bool]:
    """The annotator has submitted nothing on the trace in a later round."""
    later = aliased(Verdict)
    return ~sa.exists().where(
        col(later.trace_id) == col(Verdict.trace_id),
        col(later.annotator_id) == col(Verdict.annotator_id),
        col(later.round_id) > col(Verdict.round_id),
        col(later.submitted_at).is_not(None),
    ).correlate(Verdict)


def _counted(project_id: int, member: Member | None) -> tuple[sa.ColumnElement[bool], ...]:
    """The verdict is a person's latest submitted one, and the member may see it."""
    return (
        col(Trace.project_id) == project_id,
        _human(),
        col(Verdict.submitted_at).is_not(None),
        _is_latest(),
        visible(member, col(Verdict.trace_id), col(Verdict.annotator_id)),
    )


def verdicts(project_id: int, member: Member | None) -> sa.Select[int, int, str, int | None]:
    """Trace, annotator, value and first failing step of everybody's latest submitted verdict."""
    return (
        sa.select(
            col(Verdict.trace_id),
            col(Verdict.annotator_id),
            sa.type_coerce(col(Verdict.value), sa.Text()),
            col(Verdict.first_failure_step),
        )
        .join(Trace, col(Trace.id) == col(Verdict.trace_id))
        .join(Annotator, col(Annotator.id) == col(Verdict.annotator_id))
        .where(*_counted(project_id, member))
        .order_by(col(Verdict.submitted_at), col(Verdict.id))
    )


def passes(
    project_id: int, member: Member | None, trace_ids: TraceIds | None = None
) -> sa.Select[int, int, datetime | None]:
    """Trace, annotator and time of everybody's latest submitted verdict that is a Pass."""
    return (
        sa.select(col(Verdict.trace_id), col(Verdict.annotator_id), col(Verdict.submitted_at))
        .join(Trace, col(Trace.id) == col(Verdict.trace_id))
        .join(Annotator, col(Annotator.id) == col(Verdict.annotator_id))
        .where(
            col(Verdict.value) == VerdictValue.PASS,
            *_counted(project_id, member),
            _among(col(Verdict.trace_id), trace_ids),
        )
        .order_by(col(Verdict.id))
    )


def decided_traces(project_id: int, member: Member | None) -> sa.CompoundSelect[int]:
    """The traces on which gold, a person's label or a Pass decides some mode."""
    first = sa.select(sa.func.min(col(FailureMode.created_at))).where(is_in_use(project_id))
    passed = passes(project_id, member).where(col(Verdict.submitted_at) >= first.scalar_subquery())
    parts = (gold(project_id, member), human_labels(project_id, member), passed)
    return sa.union(
        *(part.with_only_columns(part.selected_columns[0]).order_by(None) for part in parts)
    )


def drawn_traces(project_id: int) -> sa.Select[int]:
    """The traces that are in some batch."""
    return drawn_by(project_id).with_only_columns(col(BatchTrace.trace_id)).order_by(None)


def decisions(project_id: int, most: int) -> sa.Select[int]:
    """How many verdicts and labels a project has, counted no further than `most`."""
    parts = [
        sa.select(col(table.id))
        .join(Trace, col(Trace.id) == col(table.trace_id))
        .where(col(Trace.project_id) == project_id)
        .limit(most)
        .subquery()
        for table in (Verdict, Label)
    ]
    verdicts, labels = (sa.select(sa.func.count()).select_from(part) for part in parts)
    return sa.select(verdicts.scalar_subquery() + labels.scalar_subquery())


def modes_since(project_id: int) -> sa.Select[int | None, datetime]:
    """Every mode in use and when it came to be."""
    return (
        sa.select(col(FailureMode.id), col(FailureMode.created_at))
        .where(is_in_use(project_id))
        .order_by(col(FailureMode.id))
    )


def drafts(
    project_id: int, member: Member | None, trace_ids: TraceIds | None = None
) -> Select[int, int, int, int | None]:
    """Trace, mode, annotator and id of grouped notes whose pair has neither label nor gold."""
    labelled = (
        sa.exists()
        .where(
            col(Label.trace_id) == col(Note.trace_id),
            col(Label.mode_id) == col(Grouping.mode_id),
            col(Label.annotator_id) == col(Annotator.id),
            _human(),
            visible(member, col(Label.trace_id), col(Label.annotator_id)),
        )
        .correlate(Note, Grouping)
    )
    adjudicated = (
        sa.exists()
        .where(
            col(GoldLabel.trace_id) == col(Note.trace_id),
            col(GoldLabel.mode_id) == col(Grouping.mode_id),
            visible(member, col(GoldLabel.trace_id), col(GoldLabel.decided_by)),
        )
        .correlate(Note, Grouping)
    )
    return (
        select(col(Note.trace_id), col(Grouping.mode_id), col(Note.annotator_id), col(Note.id))
        .join(Grouping, col(Grouping.note_id) == col(Note.id))
        .join(FailureMode, col(FailureMode.id) == col(Grouping.mode_id))
        .where(
            is_in_use(project_id),
            ~labelled,
            ~adjudicated,
            visible(member, col(Note.trace_id), col(Grouping.created_by)),
            _among(col(Note.trace_id), trace_ids),
        )
        .order_by(col(Note.id))
    )


def notes(project_id: int, member: Member | None) -> Select[int | None, str, int, int]:
    """Id, text and trace of every note a person wrote, with the mode it stands under."""
    placed = sa.and_(
        col(Grouping.note_id) == col(Note.id),
        visible(member, col(Note.trace_id), col(Grouping.created_by)),
    )
    return (
        select(col(Note.id), col(Note.text), col(Note.trace_id), col(Grouping.mode_id))
        .join(Trace, col(Trace.id) == col(Note.trace_id))
        .join(Annotator, col(Annotator.id) == col(Note.annotator_id))
        .outerjoin(Grouping, placed)
        .where(
            Trace.project_id == project_id,
            _human(),
            visible(member, col(Note.trace_id), col(Note.annotator_id)),
        )
        .order_by(col(Note.id))
    )


def drawn_by(project_id: int) -> Select[int, str, float, int]:
    """Trace, strategy, inclusion weight and batch of every place in one, the first one first."""
    return (
        select(
            BatchTrace.trace_id,
            BatchTrace.sampled_by,
            BatchTrace.inclusion_weight,
            BatchTrace.batch_id,
        )
        .join(Batch, col(Batch.id) == col(BatchTrace.batch_id))
        .join(Round, col(Round.id) == col(Batch.round_id))
        .where(Round.project_id == project_id)
        .order_by(col(BatchTrace.id))
    )


def shapes_of_steps(trace_ids: Collection[int]) -> sa.Select[int, int, str, str, str]:
    """Trace, position, role, kind and name of every step of these traces, without the texts."""
    return (
        sa.select(
            col(Step.trace_id), col(Step.position), col(Step.role), col(Step.kind), col(Step.name)
        )
        .where(col(Step.trace_id).in_(trace_ids))
        .order_by(col(Step.trace_id), col(Step.position))
    )
