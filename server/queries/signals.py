"""Statements over signals: which traces wait for them, what they are made of, who has which."""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.models.project import Project, View
from server.models.run import AnalysisRun, RunKind, RunStatus
from server.models.signal import Signal
from server.models.trace import ERASED, Step, StepKind, Trace

Bool = sa.ColumnElement[bool]
Statement = sa.Select[*tuple[Any, ...]]
MARK = "steps"
"""The signal that every measured trace has; its `computed_with` tells what was measured."""
_HASH_FROM, _HASH_LENGTH = 3, 16

OWN = sa.or_(
    col(Step.kind).in_((StepKind.REASONING, StepKind.TOOL_CALL)),
    sa.and_(col(Step.kind) == StepKind.MESSAGE, col(Step.role) == "assistant"),
)
"""Steps in which the model itself says something."""


def _state(digest: str) -> sa.ColumnElement[str]:
    """What a trace's mark says while nothing that its signals are made of has changed."""
    content = sa.func.substr(col(Trace.content_hash), _HASH_FROM, _HASH_LENGTH)
    outcome = sa.type_coerce(col(Trace.outcome), sa.Text())
    return sa.literal(f"{digest}:").concat(content).concat(":").concat(outcome)


def to_measure(project_id: int, digest: str) -> Statement:
    """Ids of the traces without signals of what they are now, in the order they came in."""
    mark = sa.and_(col(Signal.trace_id) == col(Trace.id), col(Signal.name) == MARK)
    return (
        sa.select(col(Trace.id))
        .outerjoin(Signal, mark)
        .where(
            col(Trace.project_id) == project_id,
            col(Trace.content_hash) != ERASED,
            sa.or_(col(Signal.id).is_(None), col(Signal.computed_with) != _state(digest)),
        )
        .order_by(col(Trace.id))
    )


def states(trace_ids: Collection[int], digest: str) -> Statement:
    """Trace and what its mark is to say, of those that are not erased."""
    return sa.select(col(Trace.id), _state(digest)).where(
        col(Trace.id).in_(trace_ids), col(Trace.content_hash) != ERASED
    )


def facts(trace_ids: Collection[int], digest: str) -> Statement:
    """What is known of traces besides their steps, by id."""
    return (
        sa.select(
            col(Trace.id),
            _state(digest).label("state"),
            col(Trace.outcome),
            col(Trace.completion_tokens),
            col(Trace.token_limit),
            col(Trace.finish_reason),
            col(Trace.duration_s),
            col(Trace.step_count),
            sa.and_(col(Trace.answer).is_not(None), col(Trace.answer) != "").label("has_answer"),
        )
        .where(col(Trace.id).in_(trace_ids), col(Trace.content_hash) != ERASED)
        .order_by(col(Trace.id))
    )


def said(trace_ids: Collection[int], characters: int) -> Statement:
    """Trace, kind, state, whether the model said it, and text of steps, in their order.

    Of what the model did not say only that many characters. `data` is what a call without text
    holds.
    """
    silent = sa.and_(OWN, col(Step.text) == "")
    return (
        sa.select(
            col(Step.trace_id),
            col(Step.kind),
            col(Step.state),
            OWN.label("is_own"),
            sa.case(
                (OWN, col(Step.text)),
                else_=sa.func.substr(col(Step.text), 1, characters),
            ).label("text"),
            sa.case(
                (silent, sa.cast(sa.type_coerce(col(Step.data), sa.JSON()), sa.Text())), else_=None
            ).label("data"),
        )
        .where(
            col(Step.trace_id).in_(trace_ids),
            sa.or_(OWN, col(Step.kind).in_((StepKind.TOOL_RESULT, StepKind.ERROR))),
        )
        .order_by(col(Step.trace_id), col(Step.position))
    )


def locked(project_id: int) -> Statement:
    """The project's row, held until the transaction ends."""
    return sa.select(col(Project.id)).where(col(Project.id) == project_id).with_for_update()


def measured_before(trace_ids: Collection[int]) -> Statement:
    """Which of these traces have signals."""
    return sa.select(col(Signal.trace_id)).where(
        col(Signal.trace_id).in_(trace_ids), col(Signal.name) == MARK
    )


def taken_away(trace_ids: Collection[int], names: Collection[str]) -> sa.Delete:
    """Take these signals of these traces away."""
    return sa.delete(Signal).where(col(Signal.trace_id).in_(trace_ids), col(Signal.name).in_(names))


def still_there(project_id: int, trace_ids: Collection[int]) -> Statement:
    """Ids of these traces that the project has."""
    return sa.select(col(Trace.id)).where(
        col(Trace.project_id) == project_id, col(Trace.id).in_(trace_ids)
    )


def population(project_id: int) -> Statement:
    """What traces are among each other, by id; their dimensions as JSON text."""
    return (
        sa.select(
            col(Trace.id),
            col(Trace.item_id),
            col(Trace.model),
            col(Trace.model_family),
            col(Trace.task),
            sa.type_coerce(col(Trace.outcome), sa.Text()),
            col(Trace.token_limit),
            sa.cast(sa.type_coerce(col(Trace.dimensions), sa.JSON()), sa.Text()),
        )
        .where(col(Trace.project_id) == project_id)
        .order_by(col(Trace.id))
    )


def stored(project_id: int, name: str) -> Statement:
    """Trace, number, label and digest of one signal of a project."""
    return sa.select(
        col(Signal.trace_id), col(Signal.value), col(Signal.label), col(Signal.computed_with)
    ).where(col(Signal.project_id) == project_id, col(Signal.name) == name)


def with_number(project_id: int, name: str) -> SelectOfScalar[int]:
    """How many traces of a project have a number for a signal."""
    return select(sa.func.count()).where(
        col(Signal.project_id) == project_id,
        col(Signal.name) == name,
        col(Signal.value).is_not(None),
    )


def of_traces(trace_ids: Collection[int], names: Collection[str] = ()) -> Statement:
    """Trace, name, number and label of these signals of these traces; of all without `names`."""
    found = sa.select(
        col(Signal.trace_id), col(Signal.name), col(Signal.value), col(Signal.label)
    ).where(col(Signal.trace_id).in_(trace_ids))
    return found.where(col(Signal.name).in_(names)) if names else found


@lru_cache(maxsize=256)
def _hopped(project_id: int, kind: str) -> sa.Select[Any]:
    """Hops through an index from each name to the next: it costs the names and not the rows."""
    has = col(getattr(Signal, kind)).is_not(None)
    first = sa.select(sa.func.min(col(Signal.name)).label("name")).where(
        col(Signal.project_id) == project_id, has
    )
    known = first.cte(f"with_{kind}", recursive=True)
    following = first.where(col(Signal.name) > known.c.name).scalar_subquery()
    known = known.union_all(sa.select(following).where(known.c.name.is_not(None)))
    return sa.select(known.c.name).where(known.c.name.is_not(None))


def names(project_id: int) -> sa.CompoundSelect[Any]:
    """Names of the signals that a project's traces have."""
    return sa.union(numeric_names(project_id), label_names(project_id))


def numeric_names(project_id: int) -> sa.Select[Any]:
    """Names of the signals with numbers that a project's traces have."""
    return _hopped(project_id, "value")


def label_names(project_id: int) -> sa.Select[Any]:
    """Names of the signals with labels that a project's traces have."""
    return _hopped(project_id, "label")


def views(project_id: int) -> Statement:
    """Name, task, dimensions, guess rate and filters of the views of a project in their order."""
    return (
        sa.select(
            col(View.name),
            col(View.task),
            col(View.x_dimension),
            col(View.y_dimension),
            col(View.guess_rate),
            col(View.filters),
        )
        .where(col(View.project_id) == project_id)
        .order_by(col(View.position), col(View.id))
    )


def without_run(kind: RunKind) -> Statement:
    """Projects with traces for which nobody has asked for a run of this kind."""
    asked = sa.select(col(AnalysisRun.project_id)).where(col(AnalysisRun.kind) == kind)
    has_traces = sa.exists().where(col(Trace.project_id) == col(Project.id))
    return sa.select(col(Project.id)).where(has_traces, col(Project.id).not_in(asked))


def others_under_way(project_id: int, run_id: int) -> Statement:
    """Runs of the project that compute signals right now, besides one."""
    return sa.select(col(AnalysisRun.id)).where(
        col(AnalysisRun.project_id) == project_id,
        col(AnalysisRun.kind) == RunKind.SIGNALS,
        col(AnalysisRun.status) == RunStatus.RUNNING,
        col(AnalysisRun.id) != run_id,
    )
