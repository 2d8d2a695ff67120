"""Statements over verdicts."""

from collections.abc import Collection
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.models.batch import Round
from server.models.judge import Judge, JudgeVerdict
from server.models.project import Annotator, AnnotatorKind
from server.models.trace import Trace
from server.models.verdict import Verdict
from server.queries.json_values import dimension_text


def of_trace(trace_id: int) -> SelectOfScalar[Verdict]:
    """Everybody's verdicts on a trace."""
    return select(Verdict).where(Verdict.trace_id == trace_id).order_by(col(Verdict.id))


def own(trace_id: int, annotator_id: int, round_id: int) -> SelectOfScalar[Verdict]:
    """One annotator's verdict on a trace in a round."""
    return select(Verdict).where(
        Verdict.trace_id == trace_id,
        Verdict.annotator_id == annotator_id,
        Verdict.round_id == round_id,
    )


@cache
def own_in_latest_round() -> SelectOfScalar[Verdict]:
    """What `annotator_id` says of `trace_id` in the latest round of `project_id`; made once."""
    latest = (
        select(Round.id)
        .where(Round.project_id == sa.bindparam("project_id"))
        .order_by(col(Round.number).desc())
        .limit(1)
        .scalar_subquery()
    )
    return select(Verdict).where(
        Verdict.trace_id == sa.bindparam("trace_id"),
        Verdict.annotator_id == sa.bindparam("annotator_id"),
        Verdict.round_id == latest,
    )


def of_project(project_id: int) -> SelectOfScalar[Verdict]:
    """Every verdict of a project."""
    return (
        select(Verdict)
        .join(Trace, col(Trace.id) == col(Verdict.trace_id))
        .where(Trace.project_id == project_id)
        .order_by(col(Verdict.id))
    )


def submitted_traces(annotator_id: int) -> SelectOfScalar[int]:
    """Ids of the traces that an annotator has submitted a verdict on."""
    return select(Verdict.trace_id).where(
        Verdict.annotator_id == annotator_id, col(Verdict.submitted_at).is_not(None)
    )


def submitted_among(annotator_id: int, trace_ids: Collection[int]) -> SelectOfScalar[int]:
    """Which of these traces an annotator has submitted a verdict on."""
    return submitted_traces(annotator_id).where(col(Verdict.trace_id).in_(trace_ids))


def submitted_on(annotator_id: int, trace_id: int) -> SelectOfScalar[int]:
    """A trace's id, if the annotator has submitted a verdict on it in any round."""
    return submitted_traces(annotator_id).where(Verdict.trace_id == trace_id).limit(1)


@cache
def submitted() -> SelectOfScalar[int]:
    """`submitted_on` of `annotator_id` and `trace_id`; made once, for it guards every answer."""
    return (
        select(Verdict.trace_id)
        .where(
            Verdict.annotator_id == sa.bindparam("annotator_id"),
            col(Verdict.submitted_at).is_not(None),
            Verdict.trace_id == sa.bindparam("trace_id"),
        )
        .limit(1)
    )


def seconds(project_id: int, *, annotator_id: int | None = None) -> SelectOfScalar[float | None]:
    """How long each finished reading took, where that is known: anybody's or one person's."""
    statement = (
        select(col(Verdict.seconds))
        .join(Trace, col(Trace.id) == col(Verdict.trace_id))
        .where(
            Trace.project_id == project_id,
            col(Verdict.submitted_at).is_not(None),
            col(Verdict.seconds).is_not(None),
        )
    )
    return (
        statement if annotator_id is None else statement.where(Verdict.annotator_id == annotator_id)
    )


def machine_count(project_id: int) -> SelectOfScalar[int]:
    """How many verdicts machines gave, on whole traces or on modes of them."""
    by_annotators = (
        sa.select(sa.func.count(col(Verdict.id)))
        .join(Annotator, col(Annotator.id) == col(Verdict.annotator_id))
        .where(
            col(Annotator.project_id) == project_id, col(Annotator.kind) == AnnotatorKind.MACHINE
        )
    )
    by_judges = (
        sa.select(sa.func.count(col(JudgeVerdict.id)))
        .join(Judge, col(Judge.id) == col(JudgeVerdict.judge_id))
        .where(col(Judge.project_id) == project_id)
    )
    return select(by_annotators.scalar_subquery() + by_judges.scalar_subquery())


def read_dimensions(project_id: int, most: int) -> SelectOfScalar[dict[str, Any]]:
    """Dimensions of traces that somebody has finished reading, at most so many."""
    submitted = select(Verdict.trace_id).where(col(Verdict.submitted_at).is_not(None))
    return (
        select(col(Trace.dimensions))
        .where(Trace.project_id == project_id, col(Trace.id).in_(submitted))
        .limit(most)
    )


def with_other_value(project_id: int, name: str, value: str) -> SelectOfScalar[int | None]:
    """A trace on which a dimension has another value than this one."""
    found = dimension_text(name)
    return (
        select(col(Trace.id))
        .where(Trace.project_id == project_id, found.is_not(None), found != value)
        .limit(1)
    )
