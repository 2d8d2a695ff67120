"""Statements of the list of traces: order, page, and what each row shows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from server.models.grouping import Grouping
from server.models.label import GoldLabel, Label, LabelValue
from server.models.note import Note
from server.models.project import Annotator, AnnotatorKind, Member
from server.models.signal import Signal
from server.models.trace import Step, Trace
from server.models.verdict import Verdict
from server.queries import turns
from server.queries.blindness import open_to, visible
from server.queries.filter_conditions import BySignal

WORDS_LENGTH = 240
LATEST = 500
"""How many of the latest traces the choice of dimensions is read from."""


@dataclass(frozen=True)
class Order:
    """A way to sort traces: its key, and the type of it."""

    key: Any
    kind: type[str] | type[int] | type[float]
    signal: str = ""
    """The signal that gives the key; the list then holds the traces that have it."""
    project_id: int = 0
    """Of a signal: whose traces."""


ORDERS: Mapping[str, Order] = {
    "imported": Order(Trace.id, int),
    "trace": Order(Trace.external_id, str),
    "item": Order(Trace.item_id, str),
    "model": Order(Trace.model, str),
    "task": Order(Trace.task, str),
    "outcome": Order(sa.type_coerce(col(Trace.outcome), sa.Text()), str),
    "tokens": Order(sa.func.coalesce(col(Trace.completion_tokens), -1), int),
    "steps": Order(Trace.step_count, int),
}


def by_signal(name: str, project_id: int) -> Order:
    """Return the order by a signal's number."""
    return Order(Signal.value, float, name, project_id)


def source(
    order: Order,
    conditions: Sequence[sa.ColumnElement[bool]],
    *,
    once: bool,
    filtered: bool,
    alone: BySignal | None = None,
    walks: bool = False,
) -> sa.FromClause:
    """Ids and keys of the traces that meet conditions; read `once` where that costs a scan.

    `filtered` says whether there are conditions besides the project; `alone` is what they are
    where they are a signal and nothing else. With `walks`, each trace is asked by itself.
    """
    if order.signal and walks:
        each = sa.select(col(Trace.id)).where(col(Trace.id) == col(Signal.trace_id), *conditions)
        statement = _with_signal(order, (), None).where(sa.exists(each.offset(0)))
    elif order.signal:
        statement = _with_signal(order, conditions if filtered else (), alone)
    elif alone and once and order is ORDERS["imported"]:
        columns: tuple[Any, ...] = tuple(col(Signal.trace_id).label(one) for one in ("id", "key"))
        statement = alone.trace_ids.with_only_columns(*columns)
    else:
        statement = sa.select(col(Trace.id).label("id"), order.key.label("key")).where(*conditions)
    if once:
        return statement.cte("matching").prefix_with("MATERIALIZED")
    return statement.subquery()


def _with_signal(
    order: Order, conditions: Sequence[sa.ColumnElement[bool]], alone: BySignal | None
) -> sa.Select[Any]:
    """The traces with a signal; all of a project's are read from the signal's index alone."""
    columns: tuple[Any, ...] = (col(Signal.trace_id).label("id"), col(Signal.value).label("key"))
    has_value = col(Signal.value).is_not(None)
    if alone and alone.name == order.signal:
        return alone.trace_ids.with_only_columns(*columns).where(has_value)
    found = sa.select(*columns).where(
        col(Signal.project_id) == order.project_id, col(Signal.name) == order.signal, has_value
    )
    if not conditions:
        return found
    # Behind a sum SQLite does not look for the signals of each trace, which costs far more than
    # going through the signal's index once.
    matching = alone.trace_ids if alone else sa.select(col(Trace.id)).where(*conditions)
    return found.where((col(Signal.trace_id) + 0).in_(matching))


def is_among(source: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether a trace is one of those with these ids."""
    return col(Trace.id).in_(sa.select(source.c.id))


def count(
    conditions: Sequence[sa.ColumnElement[bool]], alone: BySignal | None = None
) -> sa.Select[int]:
    """How many traces meet conditions, which `alone` may say."""
    if alone:
        return alone.trace_ids.with_only_columns(sa.func.count())
    return sa.select(sa.func.count(col(Trace.id))).where(*conditions)


def first_words(trace_id: Any) -> sa.ColumnElement[str]:
    """The beginning of the first thing the user said, else of the first step."""
    text = sa.func.substr(col(Step.text), 1, WORDS_LENGTH)
    steps = sa.select(text).where(col(Step.trace_id) == trace_id).limit(1)
    by_user = steps.where(col(Step.role) == "user").order_by(col(Step.position))
    any_step = steps.order_by(col(Step.position))
    return sa.func.coalesce(by_user.scalar_subquery(), any_step.scalar_subquery(), "")


def rows(member: Member, trace_ids: Collection[int]) -> sa.Select[*tuple[Any, ...]]:
    """What the list shows of these traces; `is_open` says whether the outcome may be seen."""
    return sa.select(
        col(Trace.id),
        col(Trace.external_id),
        col(Trace.item_id),
        col(Trace.model),
        col(Trace.task),
        col(Trace.outcome),
        col(Trace.completion_tokens),
        col(Trace.step_count),
        col(Trace.source_url),
        open_to(member, col(Trace.id)).label("is_open"),
        first_words(col(Trace.id)).label("words"),
    ).where(col(Trace.id).in_(trace_ids))


@cache
def own_verdicts() -> sa.Select[*tuple[Any, ...]]:
    """Verdicts of `annotator_id` on `trace_ids`, the latest round last; made once for every page.

    Trace, value, first failing step, its turn, and how many turns the conversation has.
    """
    step = col(Verdict.first_failure_step)
    return (
        sa.select(
            col(Verdict.trace_id),
            col(Verdict.value),
            step.label("step"),
            turns.number(col(Verdict.trace_id), step).label("turn"),
            turns.total(col(Verdict.trace_id), step).label("turns"),
        )
        .where(
            col(Verdict.annotator_id) == sa.bindparam("annotator_id"),
            col(Verdict.trace_id).in_(sa.bindparam("trace_ids", expanding=True)),
        )
        .order_by(col(Verdict.round_id))
    )


def note_counts(member: Member, trace_ids: Collection[int]) -> sa.Select[int, int]:
    """Trace and number of the notes on it that the member may see."""
    return (
        sa.select(col(Note.trace_id), sa.func.count())
        .where(
            col(Note.trace_id).in_(trace_ids),
            visible(member, col(Note.trace_id), col(Note.annotator_id)),
        )
        .group_by(col(Note.trace_id))
    )


def gold(member: Member, trace_ids: Collection[int]) -> sa.Select[int, int, LabelValue]:
    """Trace, mode and value of gold labels."""
    return sa.select(col(GoldLabel.trace_id), col(GoldLabel.mode_id), col(GoldLabel.value)).where(
        col(GoldLabel.trace_id).in_(trace_ids),
        visible(member, col(GoldLabel.trace_id), col(GoldLabel.decided_by)),
    )


def labels(member: Member, trace_ids: Collection[int]) -> sa.Select[int, int, LabelValue]:
    """Trace, mode and value of people's labels."""
    return (
        sa.select(col(Label.trace_id), col(Label.mode_id), col(Label.value))
        .join(Annotator, col(Annotator.id) == col(Label.annotator_id))
        .where(
            col(Label.trace_id).in_(trace_ids),
            col(Annotator.kind) == AnnotatorKind.HUMAN,
            visible(member, col(Label.trace_id), col(Label.annotator_id)),
        )
    )


def grouped(member: Member, trace_ids: Collection[int]) -> sa.Select[int, int]:
    """Trace and mode of the notes that stand under a mode."""
    return (
        sa.select(col(Note.trace_id), col(Grouping.mode_id))
        .join(Grouping, col(Grouping.note_id) == col(Note.id))
        .where(
            col(Note.trace_id).in_(trace_ids),
            visible(member, col(Note.trace_id), col(Grouping.created_by)),
        )
    )


def distinct(project_id: int, column: Any) -> sa.Select[Any]:
    """The values that an indexed column of the project's traces has, empty ones left out.

    Hops through the index from each value to the next, so it costs the values and not the rows.
    """
    of_project = sa.select(sa.func.min(column).label("value")).where(
        col(Trace.project_id) == project_id
    )
    values = of_project.where(column > "").cte("value", recursive=True)
    following = of_project.where(column > values.c.value).scalar_subquery()
    values = values.union_all(sa.select(following).where(values.c.value.is_not(None)))
    return sa.select(values.c.value).where(values.c.value.is_not(None))


def latest_dimensions(project_id: int) -> sa.Select[Any]:
    """The dimensions of the latest traces."""
    return (
        sa.select(col(Trace.dimensions))
        .where(col(Trace.project_id) == project_id)
        .order_by(col(Trace.id).desc())
        .limit(LATEST)
    )


def named_like(project_id: int, text: str, count: int) -> sa.Select[int | None, str, str]:
    """Id and name of traces whose id or item has `text` in it, those beginning with it first."""
    names = (col(Trace.external_id), col(Trace.item_id))
    contains = [name.icontains(text, autoescape=True) for name in names]
    begins = [name.istartswith(text, autoescape=True) for name in names]
    return (
        sa.select(col(Trace.id), col(Trace.external_id), col(Trace.item_id))
        .where(col(Trace.project_id) == project_id, sa.or_(*contains))
        .order_by(sa.case((sa.or_(*begins), 0), else_=1), col(Trace.id))
        .limit(count)
    )


def named_where(
    project_id: int, condition: sa.ColumnElement[bool], count: int
) -> sa.Select[int | None, str, str]:
    """Id and name of traces that meet a condition, the oldest first."""
    return (
        sa.select(col(Trace.id), col(Trace.external_id), col(Trace.item_id))
        .where(col(Trace.project_id) == project_id, condition)
        .order_by(col(Trace.id))
        .limit(count)
    )
