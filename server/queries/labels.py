"""Statements over labels and gold labels."""

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from server.models.label import GoldLabel, Label, LabelSource, LabelValue
from server.models.mode import FailureMode
from server.models.note import Note
from server.models.project import Annotator, AnnotatorKind
from server.models.trace import Trace
from server.models.verdict import Verdict, VerdictValue
from server.queries.modes import is_in_use


def of_mode(mode_id: int) -> SelectOfScalar[Label]:
    """Everybody's labels for a mode."""
    return select(Label).where(Label.mode_id == mode_id).order_by(col(Label.id))


def held_of_mode(
    mode_id: int,
) -> sa.Select[int | None, int, int, LabelValue, int, LabelSource, datetime]:
    """Everybody's labels for a mode, as plain columns."""
    return sa.select(
        col(Label.id),
        col(Label.trace_id),
        col(Label.annotator_id),
        col(Label.value),
        col(Label.mode_version),
        col(Label.source),
        col(Label.created_at),
    ).where(col(Label.mode_id) == mode_id)


def values_of_mode(mode_id: int) -> sa.Select[int, int, LabelValue]:
    """Trace, annotator and value of everybody's labels for a mode."""
    return sa.select(col(Label.trace_id), col(Label.annotator_id), col(Label.value)).where(
        col(Label.mode_id) == mode_id
    )


def gold_values_of_mode(mode_id: int) -> sa.Select[int, LabelValue]:
    """Trace and value of the adjudicated labels for a mode."""
    return sa.select(col(GoldLabel.trace_id), col(GoldLabel.value)).where(
        col(GoldLabel.mode_id) == mode_id
    )


def gold_of_mode(mode_id: int) -> SelectOfScalar[GoldLabel]:
    """Adjudicated labels for a mode."""
    return select(GoldLabel).where(GoldLabel.mode_id == mode_id).order_by(col(GoldLabel.id))


def of_trace(trace_id: int) -> SelectOfScalar[Label]:
    """Everybody's labels on a trace."""
    return select(Label).where(Label.trace_id == trace_id).order_by(col(Label.id))


def own_of_trace(trace_id: int, annotator_id: int) -> SelectOfScalar[Label]:
    """One annotator's labels on a trace."""
    return of_trace(trace_id).where(Label.annotator_id == annotator_id)


def by_machines(trace_id: int) -> sa.Select[int, str, str, LabelValue]:
    """Mode, machine, its version and value of the labels on a trace that machines gave."""
    return (
        sa.select(col(Label.mode_id), col(Annotator.name), col(Annotator.version), col(Label.value))
        .join(Annotator, col(Annotator.id) == col(Label.annotator_id))
        .where(col(Label.trace_id) == trace_id, col(Annotator.kind) == AnnotatorKind.MACHINE)
        .order_by(col(Annotator.name), col(Annotator.version))
    )


def of_project(project_id: int) -> SelectOfScalar[Label]:
    """Every label of a project."""
    return (
        select(Label)
        .join(Trace, col(Trace.id) == col(Label.trace_id))
        .where(Trace.project_id == project_id)
        .order_by(col(Label.id))
    )


def _own_label(annotator_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(
        col(Label.trace_id) == col(Verdict.trace_id),
        col(Label.mode_id) == col(FailureMode.id),
        col(Label.annotator_id) == annotator_id,
    )


def _has_stale_label(project_id: int, annotator_id: int) -> sa.ColumnElement[bool]:
    """A label of the annotator's was made under an older definition than today's."""
    return (
        sa.exists()
        .where(
            _own_label(annotator_id),
            is_in_use(project_id),
            col(Label.mode_version) < col(FailureMode.version),
        )
        .correlate(Verdict)
    )


def _has_open_mode(project_id: int, annotator_id: int) -> sa.ColumnElement[bool]:
    """A mode has neither a label of the annotator's nor an "absent" from their Pass."""
    labelled = sa.exists().where(_own_label(annotator_id)).correlate(Verdict, FailureMode)
    passed = sa.and_(
        col(Verdict.value) == VerdictValue.PASS,
        col(FailureMode.created_at) <= col(Verdict.submitted_at),
    )
    # What a Pass settles is told without looking for labels, so it is asked for first.
    return sa.exists().where(is_in_use(project_id), ~passed, ~labelled).correlate(Verdict)


def _has_own_note(annotator_id: int) -> sa.ColumnElement[bool]:
    return (
        sa.exists()
        .where(col(Note.trace_id) == col(Verdict.trace_id), col(Note.annotator_id) == annotator_id)
        .correlate(Verdict)
    )


def queue(project_id: int, annotator_id: int) -> Select[int, bool, bool]:
    """Traces for an annotator to label, the next first; whether they are open; whether stale.

    Open: something is left to do. The queue is what they have read: stale labels first, then
    failed traces and those with notes of theirs, then the others; deferred ones without a note
    wait for a verdict.
    """
    later = aliased(Verdict)
    is_latest = ~sa.exists().where(
        col(later.trace_id) == col(Verdict.trace_id),
        col(later.annotator_id) == annotator_id,
        col(later.round_id) > col(Verdict.round_id),
        col(later.submitted_at).is_not(None),
    ).correlate(Verdict)
    stale = _has_stale_label(project_id, annotator_id)
    noted = _has_own_note(annotator_id)
    failed_or_noted = sa.or_(col(Verdict.value) == VerdictValue.FAIL, noted)
    is_open = sa.or_(stale, _has_open_mode(project_id, annotator_id))
    return (
        select(
            Verdict.trace_id,
            sa.type_coerce(is_open, sa.Boolean).label("is_open"),
            sa.type_coerce(stale, sa.Boolean).label("is_stale"),
        )
        .join(Trace, col(Trace.id) == col(Verdict.trace_id))
        .where(
            Trace.project_id == project_id,
            Verdict.annotator_id == annotator_id,
            col(Verdict.submitted_at).is_not(None),
            is_latest,
            sa.or_(col(Verdict.value) != VerdictValue.DEFER, noted),
        )
        .order_by(
            sa.case((stale, 0), (failed_or_noted, 1), else_=2),
            col(Verdict.submitted_at),
            col(Verdict.id),
        )
    )


def traces_to_label(project_id: int, annotator_id: int) -> SelectOfScalar[int]:
    """How many traces of the queue have something left to label."""
    waiting = queue(project_id, annotator_id).order_by(None).subquery()
    return select(sa.func.count()).select_from(waiting).where(waiting.c.is_open)


def own_beside(
    mode_id: int, annotator_id: int, conditions: Sequence[sa.ColumnElement[bool]]
) -> sa.Select[int | None, int | None, LabelValue, int, LabelSource, datetime]:
    """Each trace that meets conditions with one annotator's label for a mode, if there is one."""
    return (
        sa.select(
            col(Trace.id),
            col(Label.id),
            col(Label.value),
            col(Label.mode_version),
            col(Label.source),
            col(Label.created_at),
        )
        .outerjoin(
            Label,
            sa.and_(
                col(Label.trace_id) == col(Trace.id),
                col(Label.mode_id) == mode_id,
                col(Label.annotator_id) == annotator_id,
            ),
        )
        .where(*conditions)
        .order_by(col(Trace.id))
    )


def own_counts(
    mode_id: int,
    annotator_id: int,
    conditions: Sequence[sa.ColumnElement[bool]],
    *,
    version: int,
) -> sa.Select[LabelValue | None, bool | None, int]:
    """How many traces have which own label for a mode, and whether of an older version."""
    found = own_beside(mode_id, annotator_id, conditions).order_by(None)
    is_older = sa.type_coerce(col(Label.mode_version) < version, sa.Boolean)
    return found.with_only_columns(col(Label.value), is_older, sa.func.count()).group_by(
        col(Label.value), is_older
    )


def machine_count(project_id: int) -> SelectOfScalar[int]:
    """How many labels machines gave."""
    return (
        select(sa.func.count(col(Label.id)))
        .join(Trace, col(Trace.id) == col(Label.trace_id))
        .join(Annotator, col(Annotator.id) == col(Label.annotator_id))
        .where(Trace.project_id == project_id, Annotator.kind == AnnotatorKind.MACHINE)
    )


def stale_of_project(project_id: int) -> SelectOfScalar[Label]:
    """Labels of people and machines that rest on an older definition than today's."""
    return (
        of_project(project_id)
        .join(FailureMode, col(FailureMode.id) == col(Label.mode_id))
        .where(is_in_use(project_id), col(Label.mode_version) < col(FailureMode.version))
    )


def stale_by_mode(project_id: int) -> sa.Select[int, int, int]:
    """Mode, annotator and number of labels that rest on an older definition than today's."""
    return (
        sa.select(col(Label.mode_id), col(Label.annotator_id), sa.func.count())
        .join(FailureMode, col(FailureMode.id) == col(Label.mode_id))
        .where(is_in_use(project_id), col(Label.mode_version) < col(FailureMode.version))
        .group_by(col(Label.mode_id), col(Label.annotator_id))
        .order_by(col(Label.mode_id), col(Label.annotator_id))
    )


def own_stale(
    project_id: int, annotator_id: int, *, mode_id: int | None = None
) -> SelectOfScalar[Label]:
    """An annotator's labels that rest on an older definition, mode by mode."""
    found = stale_of_project(project_id).where(Label.annotator_id == annotator_id)
    return (
        (found if mode_id is None else found.where(Label.mode_id == mode_id))
        .order_by(None)
        .order_by(col(Label.mode_id), col(Label.id))
    )


def behind(statement: SelectOfScalar[Label], label: Label) -> SelectOfScalar[Label]:
    """What `own_stale` finds behind one label."""
    place = sa.tuple_(col(Label.mode_id), col(Label.id))
    return statement.where(place > (label.mode_id, label.id))


def stale_count(
    project_id: int, annotator_id: int, *, mode_id: int | None = None
) -> SelectOfScalar[int]:
    """How many labels of an annotator's rest on an older definition."""
    found = own_stale(project_id, annotator_id, mode_id=mode_id)
    return select(sa.func.count()).select_from(found.order_by(None).subquery())


def is_read_or_labelled(annotator_id: int | None) -> sa.ColumnElement[bool]:
    """Whether somebody (or one annotator) has read or labelled a trace."""
    read = select(Verdict.trace_id).where(col(Verdict.submitted_at).is_not(None))
    labelled = select(Label.trace_id)
    if annotator_id is not None:
        read = read.where(Verdict.annotator_id == annotator_id)
        labelled = labelled.where(Label.annotator_id == annotator_id)
    return sa.or_(col(Trace.id).in_(read), col(Trace.id).in_(labelled))


def names_of(trace_ids: Collection[int]) -> sa.Select[int | None, str]:
    """Id and external id of some traces."""
    return sa.select(col(Trace.id), col(Trace.external_id)).where(col(Trace.id).in_(trace_ids))
