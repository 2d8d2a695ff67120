"""Statements over traces and their steps."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import defer
from sqlmodel import col, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from server.models.trace import Step, Trace


def of_project(project_id: int) -> SelectOfScalar[Trace]:
    """Every trace of a project, in the order they came in."""
    return select(Trace).where(Trace.project_id == project_id).order_by(col(Trace.id))


def one(project_id: int, trace_id: int) -> SelectOfScalar[Trace]:
    """One trace, if it is in the project."""
    return select(Trace).where(Trace.project_id == project_id, Trace.id == trace_id)


@cache
def found() -> SelectOfScalar[Trace]:
    """`trace_id`, if it is in `project_id`, without its words; made once, for every page asks."""
    # As long as all its steps together; nobody who finds one trace needs it.
    searched: Any = Trace.search_text
    return (
        select(Trace)
        .where(
            col(Trace.id) == sa.bindparam("trace_id"),
            col(Trace.project_id) == sa.bindparam("project_id"),
        )
        .options(defer(searched))
    )


@cache
def external_id() -> sa.Select[str]:
    """The external id of `trace_id`, if it is in `project_id`; every note asks, so made once."""
    return sa.select(col(Trace.external_id)).where(
        col(Trace.id) == sa.bindparam("trace_id"),
        col(Trace.project_id) == sa.bindparam("project_id"),
    )


def with_steps(project_id: int) -> SelectOfScalar[Trace]:
    """Traces with a conversation, in the order they came in."""
    return of_project(project_id).where(Trace.step_count > 0)


def steps(trace_id: int, *, first: int = 0, count: int | None = None) -> SelectOfScalar[Step]:
    """Steps of a trace from position `first` on."""
    statement = (
        select(Step)
        .where(Step.trace_id == trace_id, Step.position >= first)
        .order_by(col(Step.position))
    )
    return statement if count is None else statement.where(Step.position < first + count)


def step_at(trace_id: int, position: int) -> SelectOfScalar[Step]:
    """The step of a trace at a 0-based position."""
    return select(Step).where(Step.trace_id == trace_id, Step.position == position)


def of_item(project_id: int, item_id: str) -> sa.Select[int | None, str, int | None, str]:
    """Id, model, trial and external id of every run of an item."""
    columns = (col(Trace.id), col(Trace.model), col(Trace.trial), col(Trace.external_id))
    return (
        sa.select(*columns)
        .where(col(Trace.project_id) == project_id, col(Trace.item_id) == item_id)
        .order_by(col(Trace.model), col(Trace.trial), col(Trace.id))
    )


def count(project_id: int) -> SelectOfScalar[int]:
    """How many traces a project has."""
    return select(sa.func.count(col(Trace.id))).where(Trace.project_id == project_id)


def ids_among(project_id: int, trace_ids: Collection[int]) -> SelectOfScalar[int | None]:
    """Those of the ids that are traces of the project."""
    return select(col(Trace.id)).where(Trace.project_id == project_id, col(Trace.id).in_(trace_ids))


def models(project_id: int) -> SelectOfScalar[str]:
    """The different models of a project's traces."""
    return (
        select(Trace.model)
        .where(Trace.project_id == project_id)
        .distinct()
        .order_by(col(Trace.model))
    )


def item_count(project_id: int) -> SelectOfScalar[int]:
    """How many different items (tasks or questions) the traces are about."""
    return select(sa.func.count(sa.distinct(col(Trace.item_id)))).where(
        Trace.project_id == project_id
    )


def names(project_id: int, trace_ids: Collection[int]) -> Select[int | None, str]:
    """Id and external id of these traces of the project."""
    return select(col(Trace.id), col(Trace.external_id)).where(
        Trace.project_id == project_id, col(Trace.id).in_(trace_ids)
    )


def counts() -> Select[int, int]:
    """Project and number of its traces, for every project that has any."""
    return select(Trace.project_id, sa.func.count(col(Trace.id))).group_by(col(Trace.project_id))


def named(project_id: int, external_ids: Collection[str]) -> Select[int | None, str]:
    """Id and external id of the project's traces with these external ids."""
    return select(col(Trace.id), col(Trace.external_id)).where(
        Trace.project_id == project_id, col(Trace.external_id).in_(external_ids)
    )


def short_answers(
    conditions: Sequence[sa.ColumnElement[bool]], longest: int
) -> Select[int | None, str | None]:
    """Id and answer of the traces that meet conditions; longer answers are left out."""
    answer = col(Trace.answer)
    return select(Trace.id, Trace.answer).where(
        *conditions, answer.is_not(None), sa.func.length(answer) <= longest
    )


def first_called(project_id: int, external_id: str) -> SelectOfScalar[Trace]:
    """The trace of that external id; with none, the first one that came in."""
    statement = select(Trace).where(Trace.project_id == project_id).order_by(col(Trace.id)).limit(1)
    return statement.where(Trace.external_id == external_id) if external_id else statement
