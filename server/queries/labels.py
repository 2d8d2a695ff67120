"""Statements over labels and gold labels."""

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.models.label import GoldLabel, Label
from server.models.mode import FailureMode, ModeStatus
from server.models.trace import Trace
from server.models.verdict import Verdict, VerdictValue


def of_mode(mode_id: int) -> SelectOfScalar[Label]:
    """Everybody's labels for a mode."""
    return select(Label).where(Label.mode_id == mode_id).order_by(col(Label.id))


def gold_of_mode(mode_id: int) -> SelectOfScalar[GoldLabel]:
    """Adjudicated labels for a mode."""
    return select(GoldLabel).where(GoldLabel.mode_id == mode_id).order_by(col(GoldLabel.id))


def of_trace(trace_id: int) -> SelectOfScalar[Label]:
    """Everybody's labels on a trace."""
    return select(Label).where(Label.trace_id == trace_id).order_by(col(Label.id))


def own_of_trace(trace_id: int, annotator_id: int) -> SelectOfScalar[Label]:
    """One annotator's labels on a trace."""
    return of_trace(trace_id).where(Label.annotator_id == annotator_id)


def of_project(project_id: int) -> SelectOfScalar[Label]:
    """Every label of a project."""
    return (
        select(Label)
        .join(Trace, col(Trace.id) == col(Label.trace_id))
        .where(Trace.project_id == project_id)
        .order_by(col(Label.id))
    )


def gold_of_project(project_id: int) -> SelectOfScalar[GoldLabel]:
    """Every adjudicated label of a project."""
    return (
        select(GoldLabel)
        .join(Trace, col(Trace.id) == col(GoldLabel.trace_id))
        .where(Trace.project_id == project_id)
        .order_by(col(GoldLabel.id))
    )


def traces_to_label(project_id: int, annotator_id: int) -> SelectOfScalar[int]:
    """How many traces an annotator has failed but not labelled for every mode in use."""
    in_use = (
        sa.select(sa.func.count(col(FailureMode.id)))
        .where(
            col(FailureMode.project_id) == project_id,
            col(FailureMode.merged_into).is_(None),
            col(FailureMode.status) != ModeStatus.RETIRED,
        )
        .scalar_subquery()
    )
    labelled = (
        sa.select(sa.func.count(col(Label.id)))
        .join(FailureMode, col(FailureMode.id) == col(Label.mode_id))
        .where(
            col(Label.trace_id) == col(Verdict.trace_id),
            col(Label.annotator_id) == annotator_id,
            col(FailureMode.merged_into).is_(None),
            col(FailureMode.status) != ModeStatus.RETIRED,
        )
        .correlate(Verdict)
        .scalar_subquery()
    )
    return (
        select(sa.func.count(sa.distinct(col(Verdict.trace_id))))
        .join(Trace, col(Trace.id) == col(Verdict.trace_id))
        .where(
            col(Trace.project_id) == project_id,
            col(Verdict.annotator_id) == annotator_id,
            col(Verdict.value) == VerdictValue.FAIL,
            labelled < in_use,
        )
    )
