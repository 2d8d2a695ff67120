"""Anchors of notes, examples and verdicts when a trace's steps change under them.

An anchor is never lost: it follows its step, then its quote, and failing both it becomes an
anchor to the whole run, which keeps the quote.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlmodel import Session

from server.models.mode import ModeExample
from server.models.note import Note
from server.models.project import Member
from server.queries import imports as queries
from server.services.events import Decision


class StepText(NamedTuple):
    """What identifies a step when positions shift."""

    role: str
    kind: str
    text: str


@dataclass(frozen=True)
class Place:
    """Where an anchor stands: a step, and characters of its text; None is the whole run."""

    step: int | None = None
    start: int | None = None
    end: int | None = None


def moved_step(position: int, before: Sequence[StepText], after: Sequence[StepText]) -> int | None:
    """Return where the step at `position` stands now, or None if nothing there is like it.

    The same step wins, nearest first; else the step at its place, if that has its role and kind.
    """
    old = before[position] if position < len(before) else None
    same = [place for place, step in enumerate(after) if step == old]
    if same:
        return min(same, key=lambda place: abs(place - position))
    if old is not None and position < len(after) and after[position][:2] == old[:2]:
        return position
    return None


def moved(place: Place, quote: str, before: Sequence[StepText], after: Sequence[StepText]) -> Place:
    """Return where an anchor stands after the steps have changed."""
    if place.step is None:
        return place
    step = moved_step(place.step, before, after)
    if place.start is None or place.end is None or not quote:
        return Place(step)
    if step is not None and after[step].text[place.start : place.end] == quote:
        return Place(step, place.start, place.end)
    near = place.step if step is None else step
    return _by_quote(quote, near, place.start, after)


def _by_quote(quote: str, step: int, start: int, after: Sequence[StepText]) -> Place:
    """Return the occurrence of the quote nearest to where it stood, by step and then character."""
    found = [
        Place(position, at, at + len(quote))
        for position, candidate in enumerate(after)
        for at in _occurrences(quote, candidate.text)
    ]
    if not found:
        return Place()
    return min(found, key=lambda p: (abs((p.step or 0) - step), abs((p.start or 0) - start)))


def _occurrences(quote: str, text: str) -> list[int]:
    places = []
    at = text.find(quote)
    while at >= 0:
        places.append(at)
        at = text.find(quote, at + 1)
    return places


def follow(
    session: Session,
    member: Member,
    trace_id: int,
    before: Sequence[StepText],
    after: Sequence[StepText],
    *,
    caused_by: str,
) -> None:
    """Move every anchor on a trace along with its steps, as one event."""
    decision = Decision(session, member, "anchors.moved", caused_by=caused_by)
    for row in (
        *session.exec(queries.anchored_notes(trace_id)),
        *session.exec(queries.anchored_examples(trace_id)),
    ):
        _follow(decision, row, before, after)
    for verdict in session.exec(queries.verdicts_with_step(trace_id)):
        step = moved_step(verdict.first_failure_step or 0, before, after)
        if step != verdict.first_failure_step:
            decision.change(verdict, first_failure_step=step)
    decision.record("anchors moved along with the steps of an updated trace")


def _follow(
    decision: Decision,
    row: Note | ModeExample,
    before: Sequence[StepText],
    after: Sequence[StepText],
) -> None:
    place = Place(row.step, row.start, row.end)
    now = moved(place, row.quote, before, after)
    if now != place:
        decision.change(row, step=now.step, start=now.start, end=now.end)
