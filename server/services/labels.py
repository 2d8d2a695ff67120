"""Binary labels: present or absent of each failure mode on a trace, by one annotator."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlmodel import Session

from server.errors import Invalid
from server.models.base import stored_id
from server.models.label import Label, LabelSource, LabelValue
from server.models.mode import FailureMode
from server.models.project import Member
from server.queries import labels as queries
from server.queries import modes as mode_queries
from server.services import modes, traces
from server.services.events import Decision
from server.services.suggestion_answers import ShownModes, answer_for_trace


def label(
    session: Session,
    member: Member,
    trace_id: int,
    values: Mapping[int, LabelValue | None],
    *,
    source: LabelSource = LabelSource.HAND,
    shown: ShownModes | None = None,
) -> list[Label]:
    """Set the member's labels on a trace as one decision; None makes a mode unseen again.

    Args:
        session: An open, writing session.
        member: Whose labels these are.
        trace_id: The trace.
        values: Mode id to value.
        source: How the labels came about.
        shown: The modes that were suggested for the trace's notes: what was taken is kept.

    Raises:
        Conflict: A mode was merged or retired meanwhile.
    """
    trace = traces.find(session, member, trace_id)
    # Sent twice, to two processes, the second waits for the first and finds nothing to change.
    own = queries.own_of_trace(trace_id, member.id).with_for_update()
    existing = {found.mode_id: found for found in session.exec(own)}
    decision = Decision(session, member, "trace.labelled")
    named = []
    for mode_id, value in values.items():
        mode = modes.find_in_use(session, member, mode_id)
        said = {"value": value, "mode_version": mode.version, "source": source}
        whose = {"trace_id": trace_id, "mode_id": mode_id, "annotator_id": member.id}
        _write(decision, existing.get(mode_id), whose, None if value is None else said)
        named.append(f"«{mode.name}» {value.value if value else 'unseen'}")
    if shown is not None:
        decided = {**{mode: x.value for mode, x in existing.items()}, **values}
        present = {mode for mode, value in decided.items() if value is LabelValue.PRESENT}
        answer_for_trace(session, decision, member, trace_id, shown, present)
    what = named[0] if len(named) == 1 else f"{len(named)} labels"
    decision.record(f"{what} on {trace.external_id}")
    return list(session.exec(queries.own_of_trace(trace_id, member.id)))


def _write(
    decision: Decision, own: Label | None, whose: dict[str, Any], said: dict[str, Any] | None
) -> None:
    """Make a label say what is said; None takes it away."""
    if own is not None and said is not None:
        decision.change(own, **said)
    elif own is not None:
        decision.remove(own)
    elif said is not None:
        decision.add(Label(**whose, **said))


def confirm(
    session: Session,
    member: Member,
    trace_id: int,
    *,
    present: Collection[int],
    absent: Collection[int],
    shown: ShownModes | None = None,
) -> list[Label]:
    """Label the modes that were shown together, as one decision.

    Raises:
        Invalid: No mode is given, or one is given as both.
    """
    if not present and not absent:
        raise Invalid("No failure mode was given to confirm.")
    if both := set(present) & set(absent):
        raise Invalid(f"Failure mode {min(both)} can't be both present and absent.")
    values = {
        **dict.fromkeys(present, LabelValue.PRESENT),
        **dict.fromkeys(absent, LabelValue.ABSENT),
    }
    return label(session, member, trace_id, values, shown=shown)


def label_named(session: Session, member: Member, trace_id: int, name: str) -> FailureMode:
    """Label a trace with the mode of that name, as a person types it.

    Raises:
        Invalid: No mode in use is called that.
    """
    wanted = " ".join(name.split()).casefold()
    in_use = session.exec(mode_queries.in_use(member.project_id)).all()
    mode = next((mode for mode in in_use if mode.name.casefold() == wanted), None)
    if mode is None:
        raise Invalid(f"No failure mode in use is called «{name.strip()}»: choose one of the list.")
    label(session, member, trace_id, {stored_id(mode): LabelValue.PRESENT})
    return mode


def next_trace_id(session: Session, member: Member, *, after: int | None = None) -> int | None:
    """Return the next trace with something left to label; behind trace `after` where given.

    Stale labels come first; past the end it starts over, so that a skipped trace comes back.
    """
    rows = session.exec(queries.queue(member.project_id, member.id)).all()
    order = [trace_id for trace_id, _, _ in rows]
    start = order.index(after) + 1 if after in order else 0
    waiting = [row for row in (*rows[start:], *rows[:start]) if row[1] and row[0] != after]
    stale = [trace_id for trace_id, _, is_stale in waiting if is_stale]
    return next(iter([*stale, *(trace_id for trace_id, _, _ in waiting)]), None)
