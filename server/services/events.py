"""Decisions as events, and taking them back.

Every service that writes what a person decided does it through a `Decision`, which notes each
row before and after and stores both in one event of the same transaction. Undo puts the rows
back; it is refused where later decisions rest on them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlmodel import Session

from server.errors import Conflict, Forbidden, NotFound
from server.models.base import Row, stored_id
from server.models.event import Event
from server.models.journal import (
    CREATED_BY_DECISIONS,
    JOURNALED,
    Alike,
    Change,
    RowName,
    any_trace,
    as_json,
    relied_on,
    runs,
    spans,
)
from server.models.project import Annotator, Member, Project
from server.queries import events as queries
from server.queries import notes as note_queries
from server.queries import verdicts as verdict_queries
from server.services import webhook_outbox
from server.services.alike_changes import insert_labels, write_alike
from server.services.row_changes import write_change

RowT = TypeVar("RowT", bound=Row)
_ROWS_AT_ONCE = 5_000
"""Rows named in one statement; both databases take some 30,000 values at most."""


class Decision:
    """One decision in the making: rows are written through it, then `record` makes the event."""

    def __init__(
        self,
        session: Session,
        member: Member,
        kind: str,
        *,
        caused_by: str = "",
        by_system: bool = False,
    ) -> None:
        """Begin; what `by_system` decides is no person's, so that nobody is offered to undo it."""
        self._session = session
        self._actor_id = None if by_system else member.id
        self._member = member
        self._kind = kind
        self._caused_by = caused_by
        self._rows: dict[int, tuple[Row, dict[str, Any] | None]] = {}
        self._removed: set[int] = set()
        self._alike: list[Alike] = []
        self._leans_on: set[RowName] = set()

    def lean_on(self, rows: Iterable[RowName]) -> None:
        """Name rows that it rests on without writing them: until it is undone, they stay."""
        self._leans_on |= {*rows}

    def add(self, row: RowT) -> RowT:
        """Insert `row`; it has its id when this returns."""
        self._session.add(row)
        self._session.flush()
        self._rows[id(row)] = (row, None)
        return row

    def add_all(self, rows: Sequence[Row]) -> None:
        """Insert rows of one table together; they have their ids when this returns."""
        self._session.add_all(rows)
        self._session.flush()
        self._rows |= {id(row): (row, None) for row in rows}

    def change(self, row: RowT, **values: Any) -> RowT:
        """Set columns of `row`."""
        self._remember(row)
        for name, value in values.items():
            setattr(row, name, value)
        self._session.add(row)
        return row

    def remove(self, row: Row) -> None:
        """Delete `row`; undo brings it back with its id."""
        self._remember(row)
        self._removed.add(id(row))
        self._session.delete(row)
        self._session.flush()

    def change_alike(
        self, table: str, ids: Iterable[int], before: dict[str, Any], after: dict[str, Any]
    ) -> None:
        """Set columns of many rows that hold `before` now; values as JSON.

        Raises:
            Conflict: One of them holds something else by now.
        """
        self._write_alike(Alike(table, spans(ids), before, after))

    def add_labels(self, trace_ids: Sequence[int], after: dict[str, Any]) -> None:
        """Insert a label on each of these traces; all other columns are the same, as JSON."""
        if trace_ids:
            self._alike.append(insert_labels(self._session, trace_ids, after))

    def change_labels(
        self,
        pairs: Iterable[tuple[int, int]],
        before: dict[str, Any],
        after: dict[str, Any] | None,
    ) -> None:
        """Set columns of many labels (id and trace) that hold `before` now; None takes them away.

        Columns as JSON, mode and annotator among them; all but id and trace where they go.
        """
        ordered = sorted(pairs)
        ids, traces = (runs(pair[side] for pair in ordered) for side in (0, 1))
        self._write_alike(Alike("label", ids, before, after, traces))

    def _write_alike(self, alike: Alike) -> None:
        expected = sum(last - first + 1 for first, last in alike.ids)
        changed = write_alike(self._session, self._member.project_id, alike)
        if changed != expected:
            raise Conflict(
                f"{expected - changed:,} of {expected:,} rows changed meanwhile: try again. "
                "Nothing was changed."
            )
        self._alike.append(alike)

    def _remember(self, row: Row) -> None:
        if id(row) not in self._rows:
            self._rows[id(row)] = (row, as_json(row))

    def _changes(self) -> list[Change]:
        changes = []
        for key, (row, before) in self._rows.items():
            after = None if key in self._removed else as_json(row)
            if before != after:
                changes.append(Change(str(row.__tablename__), before, after))
        return changes

    def record(self, summary: str, **payload: Any) -> Event | None:
        """Flush, and append the event; None when nothing changed."""
        self._session.flush()
        changes = self._changes()
        if not changes and not self._alike:
            return None
        event = Event(
            project_id=self._member.project_id,
            actor_id=self._actor_id,
            kind=self._kind,
            summary=summary,
            payload={**payload, **_logged(changes, self._alike)},
            caused_by=self._caused_by,
        )
        return _append(self._session, event, changes, self._alike, self._leans_on)


def _logged(changes: Iterable[Change], alike: Sequence[Alike]) -> dict[str, Any]:
    logged = {"changes": [change._asdict() for change in changes]}
    return {**logged, "alike": [entry._asdict() for entry in alike]} if alike else logged


def _append(
    session: Session,
    event: Event,
    changes: Iterable[Change],
    alike: Iterable[Alike] = (),
    about: Iterable[RowName] = (),
) -> Event:
    """Write an event with the rows it names; the session does not hold it."""
    session.flush()
    columns = {name: getattr(event, name) for name in queries.EVENT_COLUMNS}
    event_id = event.id = session.execute(queries.NEW_EVENT, columns).scalar_one()
    entries = list(alike)
    changed: set[RowName] = {row for entry in entries for row in entry.rows}
    relied = set(about) | {entry.row for entry in entries if entry.is_by_hand}
    for entry in entries:
        if entry.table in JOURNALED:
            relied |= relied_on(entry.table, entry.after or entry.before or {})
    for change in changes:
        changed.add(change.row)
        for values in (change.before, change.after):
            relied |= relied_on(change.table, values) if values else set()
    of_event = {"event_id": event_id, "created_at": event.created_at}
    named = [
        {**of_event, "table_name": row.table, "row_key": row.key, "changed": row in changed}
        for row in (*sorted(changed), *sorted(relied - changed))
    ]
    if named:
        session.execute(queries.NEW_ROWS, named)
    webhook_outbox.fill(session, event, {row.table for row in changed})
    return event


def note_event(
    session: Session,
    member: Member,
    kind: str,
    summary: str,
    payload: Mapping[str, Any],
    *,
    about: Iterable[RowName] = (),
) -> Event:
    """Log something a person did that changed no row, such as looking at others' verdicts.

    Undo passes it by: `kind` has to be one of `queries.SYSTEM_KINDS`.
    """
    event = Event(
        project_id=member.project_id,
        actor_id=member.id,
        kind=kind,
        summary=summary,
        payload={**payload, "changes": []},
    )
    return _append(session, event, (), about=about)


def changes_of(event: Event) -> list[Change]:
    """Return the rows an event wrote, in the order it wrote them."""
    return [Change(**change) for change in event.payload["changes"]]


def alike_of(event: Event) -> list[Alike]:
    """Return what an event changed in many rows at once, in the order it did."""
    return [Alike(**alike) for alike in event.payload.get("alike", ())]


def trace_of(event: Event) -> int | None:
    """Return the trace an event is about, if it is about a single one."""
    rows = [row for change in changes_of(event) for row in (change.before, change.after) if row]
    about = {row["trace_id"] for row in rows if row.get("trace_id")}
    return about.pop() if len(about) == 1 and not alike_of(event) else None


@dataclass(frozen=True)
class Blocking:
    """A later decision that an undo would pull the ground from under."""

    event_id: int
    summary: str
    actor_id: int | None
    actor: str


def undo(session: Session, member: Member, *, with_dependents: bool = False) -> Event:
    """Take back the member's last standing decision.

    Args:
        session: An open, writing session.
        member: Who takes it back.
        with_dependents: Also take back later decisions that rest on it; other people's only
            as a lead.

    Raises:
        NotFound: There is nothing to undo.
        Conflict: Later decisions rest on it; `detail["blocking"]` lists them.
        Forbidden: Some of those are other people's and the member is no lead, or nothing may be
            written in the project.
    """
    statement = queries.decisions_by(member.project_id, member.id).limit(1)
    event = session.exec(statement).first()
    if (closed := member.project.why_closed) and not (event and _reopens(event)):
        raise Forbidden(closed)
    if event is None:
        raise NotFound("Nothing to undo.")
    dependents = dependents_of(session, event)
    if dependents and not with_dependents:
        raise Conflict(
            f"«{event.summary}» can't be undone alone: {len(dependents)} later "
            f"{'decision rests' if len(dependents) == 1 else 'decisions rest'} on it.",
            detail={"blocking": [_blocking(session, member, later) for later in dependents]},
        )
    if any(later.actor_id != member.id for later in dependents) and not member.role.can_lead:
        raise Forbidden("Other people's decisions rest on this one; only a lead can undo those.")
    for later in dependents:
        _reverse(session, member, later, kind=queries.UNDO)
    return _reverse(session, member, event, kind=queries.UNDO)


def _reopens(event: Event) -> bool:
    """Whether taking an event back opens its project again."""
    return any(
        change.table == Project.__tablename__
        and change.before is not None
        and change.before["archived_at"] is None
        and change.after is not None
        and change.after["archived_at"] is not None
        for change in changes_of(event)
    )


def redo(session: Session, member: Member) -> Event:
    """Bring back what the member undid last, unless they have decided something since."""
    statement = queries.undos_by(member.project_id, member.id).limit(1)
    event = session.exec(statement).first()
    if event is None:
        raise NotFound("Nothing to redo.")
    if dependents := dependents_of(session, event):
        raise Conflict(
            f"«{event.summary}» can't come back: others have decided on the same rows since.",
            detail={"blocking": [_blocking(session, member, later) for later in dependents]},
        )
    return _reverse(session, member, event, kind=queries.REDO)


def dependents_of(session: Session, event: Event) -> list[Event]:
    """Return later decisions that rest on `event`, newest first, theirs included."""
    found: dict[int, Event] = {}
    waiting = [event]
    while waiting:
        current = waiting.pop()
        for later in _touching(session, current):
            if stored_id(later) not in found:
                found[stored_id(later)] = later
                waiting.append(later)
    return [found[key] for key in sorted(found, reverse=True)]


def _touching(session: Session, event: Event) -> Iterator[Event]:
    """Yield later decisions that rest on `event` itself."""
    changes = changes_of(event)
    named = {name for change in changes if (name := any_trace(change.row))}
    alike = [entry.row for entry in alike_of(event) if not entry.is_by_hand]
    made = [c.row for c in changes if c.before is None and c.table in CREATED_BY_DECISIONS]
    made += [*named, *alike]
    for start in range(0, len(made) + 1, _ROWS_AT_ONCE):
        some = made[start : start + _ROWS_AT_ONCE]
        statement = queries.later_decisions_touching(
            event.project_id, stored_id(event), relied_on=some, named=named, alike=alike
        )
        yield from session.exec(statement)


def _blocking(session: Session, member: Member, event: Event) -> Blocking:
    actor = session.get(Annotator, event.actor_id) if event.actor_id else None
    return Blocking(
        event_id=stored_id(event),
        summary=event.summary
        if _may_know(session, member, event)
        else "what somebody else decided, which you may not see yet",
        actor_id=event.actor_id,
        actor=actor.name if actor else "the system",
    )


def _may_know(session: Session, member: Member, event: Event) -> bool:
    """Whether the member may be told of a decision: their own, or on traces that they judged.

    Until axial coding is open, annotators are told nothing of others: it may name failure modes.
    """
    if event.actor_id == member.id:
        return True
    if not member.sees_modes:
        return False
    if not member.is_blind:
        return True
    if any(entry.traces or entry.is_by_hand for entry in alike_of(event)):
        return False
    rows = [row for change in changes_of(event) for row in (change.before, change.after) if row]
    about = {row["trace_id"] for row in rows if row.get("trace_id")}
    note_ids = {row["note_id"] for row in rows if row.get("note_id")}
    about |= set(session.exec(note_queries.traces_of(note_ids)))
    return about <= set(session.exec(verdict_queries.submitted_among(member.id, about)))


def _reverse(session: Session, member: Member, event: Event, *, kind: str) -> Event:
    changes = [change.inverse for change in reversed(changes_of(event))]
    alike = [entry.inverse for entry in reversed(alike_of(event))]
    for change in changes:
        write_change(session, change)
    for entry in alike:
        write_alike(session, event.project_id, entry)
    reversal = Event(
        project_id=event.project_id,
        actor_id=member.id,
        kind=kind,
        summary=event.summary,
        payload=_logged(changes, alike),
        undoes=stored_id(event),
    )
    return _append(session, reversal, changes, alike)


def replay(session: Session, project_id: int) -> None:
    """Write every event of the project again, oldest first, into tables without its rows."""
    for event in reversed(session.exec(queries.log(project_id)).all()):
        for change in changes_of(event):
            write_change(session, change)
        for alike in alike_of(event):
            write_alike(session, project_id, alike)
