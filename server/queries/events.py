"""Statements over the event log: what stands, what may be undone, what leans on what."""

from collections.abc import Collection
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.models.event import Event, EventRow
from server.models.journal import ANY
from server.models.trace import Trace

_LATEST = 1_000
"""Events whose ids tell whether another one came in among them."""
UNDO = "undo"
REDO = "redo"
REVEALED = "revealed"
ERASED = "trace.erased"
EXPIRED = "trace.expired"
FRAME_CORRECTED = "import.frame_corrected"
REREAD = "import.read_again"
FORGOTTEN = "import.file_forgotten"
FREED = "lease.freed"
JUDGED = "judge.imported"
SPLIT = "split.made"
TEST_OPENED = "split.test_opened"
HANDED_OVER = "export.too_few_labels"
ASKED_ASSISTANT = "assistant.asked"
SYSTEM_KINDS = (
    *(UNDO, REDO, REVEALED, ERASED, FRAME_CORRECTED, REREAD, FORGOTTEN, FREED, JUDGED),
    *(SPLIT, TEST_OPENED, HANDED_OVER, EXPIRED, ASKED_ASSISTANT),
)
"""What is logged without being a decision that could be taken back."""

_EVENTS = Event.metadata.tables["event"]
EVENT_COLUMNS = [column.key for column in _EVENTS.c if not column.primary_key]
NEW_EVENT = sa.insert(_EVENTS).returning(_EVENTS.c.id)
"""Of the table, not of the class: each save pays for it, and that way half."""
NEW_ROWS = sa.insert(EventRow.metadata.tables["event_row"])


Number = int | sa.BindParameter[int]

_undone, _redone = aliased(Event), aliased(Event)
"""Made once: making them takes longer than the statements of a page that they stand in."""


def _stands(event: Any) -> sa.ColumnElement[bool]:
    """True unless the event was undone and that undo was not redone."""
    redo_exists = sa.exists().where(col(_redone.undoes) == col(_undone.id)).correlate(_undone)
    return ~sa.exists().where(col(_undone.undoes) == event.id, ~redo_exists).correlate(event)


def decisions(project_id: Number) -> SelectOfScalar[Event]:
    """Decisions of a project that stand, newest first."""
    return (
        select(Event)
        .where(
            Event.project_id == project_id,
            col(Event.kind).not_in(SYSTEM_KINDS),
            _stands(Event),
        )
        .order_by(col(Event.id).desc())
    )


def decisions_by(project_id: Number, actor_id: Number) -> SelectOfScalar[Event]:
    """What one person could undo, the next first."""
    return decisions(project_id).where(Event.actor_id == actor_id)


def undos_by(project_id: Number, actor_id: Number) -> SelectOfScalar[Event]:
    """What one person could redo, the next first: undos since their latest decision."""
    latest_decision = (
        sa.select(sa.func.coalesce(sa.func.max(Event.id), 0))
        .where(
            col(Event.project_id) == project_id,
            col(Event.actor_id) == actor_id,
            col(Event.kind).not_in(SYSTEM_KINDS),
        )
        .scalar_subquery()
    )
    return (
        select(Event)
        .where(
            Event.project_id == project_id,
            Event.actor_id == actor_id,
            Event.kind == UNDO,
            col(Event.id) > latest_decision,
            _stands(Event),
        )
        .order_by(col(Event.id).desc())
    )


@cache
def undo_and_redo() -> sa.Select[str | None, str | None]:
    """What `actor_id` would undo and redo next in `project_id`; made once, for every page asks."""
    who: tuple[Number, Number] = (sa.bindparam("project_id"), sa.bindparam("actor_id"))
    summary = col(Event.summary)
    return sa.select(
        decisions_by(*who).with_only_columns(summary).limit(1).scalar_subquery(),
        undos_by(*who).with_only_columns(summary).limit(1).scalar_subquery(),
    )


def rows_of(event_id: int, *, changed: bool) -> SelectOfScalar[EventRow]:
    """Rows an event wrote (`changed`) or leaned on."""
    return select(EventRow).where(EventRow.event_id == event_id, EventRow.changed == changed)


def later_decisions_touching(
    project_id: int,
    event_id: int,
    *,
    relied_on: Collection[tuple[str, str]],
    named: Collection[tuple[str, str]] = (),
    alike: Collection[tuple[str, str]] = (),
) -> SelectOfScalar[Event]:
    """Standing decisions after an event that wrote the same rows.

    Args:
        project_id: The project.
        event_id: The event.
        relied_on: Rows that later decisions may lean on.
        named: Further names of rows that later decisions may have written.
        alike: Rows that were changed alike; of labels, on any trace.
    """
    row = sa.tuple_(col(EventRow.table_name), col(EventRow.row_key))
    own = aliased(EventRow)
    same = (
        select(EventRow.event_id)
        .join(
            own,
            sa.and_(
                col(own.table_name) == col(EventRow.table_name),
                col(own.row_key) == col(EventRow.row_key),
            ),
        )
        .where(own.event_id == event_id, own.changed, EventRow.changed)
    )
    touching = select(EventRow.event_id).where(
        EventRow.event_id > event_id,
        sa.or_(
            sa.and_(col(EventRow.changed).is_(True), row.in_(list(named))),
            *(_is_alike(table, key) for table, key in alike),
            sa.and_(col(EventRow.changed).is_(False), row.in_(list(relied_on))),
        ),
    )
    event = col(Event.id)
    return decisions(project_id).where(
        event > event_id, sa.or_(event.in_(same), event.in_(touching))
    )


def _is_alike(table: str, key: str) -> sa.ColumnElement[bool]:
    """Whether an event wrote one of the rows that a name stands for."""
    _, on_any_trace, rest = key.partition(f"{ANY},")
    row_key = col(EventRow.row_key)
    named = row_key.endswith(f",{rest}", autoescape=True) if on_any_trace else row_key == key
    return sa.and_(col(EventRow.changed).is_(True), col(EventRow.table_name) == table, named)


@lru_cache(maxsize=256)
def head(project_id: int) -> sa.Select[Any]:
    """What moves when a project does: its last trace, its last event, the sum of the latest ones.

    The sum tells of events whose ids were given earlier and that were committed later.
    """
    of_project = sa.select(col(Event.id)).where(col(Event.project_id) == project_id)
    latest = of_project.order_by(col(Event.id).desc()).limit(_LATEST).subquery()
    last_trace = sa.select(sa.func.max(col(Trace.id))).where(col(Trace.project_id) == project_id)
    return sa.select(
        last_trace.scalar_subquery(), sa.func.max(latest.c.id), sa.func.sum(latest.c.id)
    )


def log(project_id: int) -> SelectOfScalar[Event]:
    """Every event of a project, newest first."""
    return select(Event).where(Event.project_id == project_id).order_by(col(Event.id).desc())


def log_page(
    project_id: int, *, actor_id: int | None = None, before: int | None = None
) -> SelectOfScalar[Event]:
    """Events of a project or of one person in it, newest first, behind event `before`."""
    statement = log(project_id)
    if actor_id is not None:
        statement = statement.where(Event.actor_id == actor_id)
    return statement if before is None else statement.where(col(Event.id) < before)


def revealed_among(
    project_id: int, actor_id: int, trace_ids: Collection[int]
) -> SelectOfScalar[str]:
    """Which of these traces (ids as text) a person looked at others' work on."""
    return (
        select(EventRow.row_key)
        .join(Event, col(Event.id) == col(EventRow.event_id))
        .where(
            Event.project_id == project_id,
            Event.actor_id == actor_id,
            Event.kind == REVEALED,
            EventRow.table_name == "trace",
            col(EventRow.row_key).in_([str(trace_id) for trace_id in trace_ids]),
        )
    )


def revealed(project_id: int, actor_id: int, trace_id: int) -> SelectOfScalar[Event]:
    """The times that one person looked at others' work on a trace before submitting."""
    return (
        select(Event)
        .join(EventRow, col(EventRow.event_id) == col(Event.id))
        .where(
            Event.project_id == project_id,
            Event.actor_id == actor_id,
            Event.kind == REVEALED,
            EventRow.table_name == "trace",
            EventRow.row_key == str(trace_id),
        )
        .limit(1)
    )
