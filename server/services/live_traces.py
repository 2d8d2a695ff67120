"""Traces put together from spans that came in live, in the background and again and again.

What awaits this is a row a trace, so that nothing is forgotten when a process is killed; several
processes take turns by claiming rows for a while. A trace is put together from all of its spans
each time: a late one joins it where it stands, and what people wrote on it follows.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

import structlog
from sqlmodel import Session

from server.db import Database
from server.importers.base import FieldProblem, TraceDraft
from server.importers.drafts import with_setting
from server.importers.outcome_rules import from_project
from server.importers.spans.traces import draft_of
from server.models.base import stored_id, utc_now
from server.models.otlp import OtlpTrace
from server.models.project import Annotator, Member, Project
from server.models.trace import ERASED, Import
from server.queries import imports as import_queries
from server.queries import otlp as queries
from server.services import import_chunks, input_tuples, live_spans, projects
from server.services.import_chunks import Stored, Target

_log = structlog.get_logger()
TRACES_AT_ONCE = 100
CHARACTERS_AT_ONCE = 4 * 1024**2
"""A chunk ends at either: one transaction must not keep people from saving."""
_CLAIMED_FOR = timedelta(seconds=15)
"""After so long, another process takes what a killed one had begun."""
_PUT_OFF_AT_MOST = live_spans.LONGEST_QUIET + timedelta(minutes=1)
"""By claims and waits alike, and by as much as the clocks of two machines may differ."""
_NOT_SHOWN = "It could not be put together: an error of ours, which the server's log describes."


@dataclass(frozen=True)
class _Claimed:
    """A trace that this process puts together now, as it was when that began."""

    mark_id: int
    trace_key: str
    trace_id: int | None
    span_count: int
    arrivals: int
    received_at: datetime
    until: datetime
    """When the claim ends; another one has another end."""


@dataclass(frozen=True)
class _Assembled:
    """What became of a claimed trace: a draft, or why there is none."""

    claimed: _Claimed
    span_count: int
    draft: TraceDraft | None
    problem: str = ""


def assemble_due(
    database: Database,
    now: datetime | None = None,
    *,
    is_over: Callable[[], bool] = lambda: False,
    attachments: Path | None = None,
    stored: Callable[[int], object] = lambda _project_id: None,
) -> int:
    """Put together the traces that are due; returns how many spans were read for that.

    Args:
        database: Where spans and traces lie.
        now: What counts as due is due by then; by the clock where absent.
        is_over: Asked between chunks whether to stop; what is left stays due.
        attachments: Where the bytes go that messages carry; without it they stay in their steps.
        stored: Told the project of each chunk that was written.
    """
    total = 0
    while not is_over():
        project_id, claimed = _claim(database, now or utc_now())
        if not claimed:
            break
        for chunk in _chunks(_assembled(database, project_id, claimed)):
            _store(database, project_id, chunk, attachments)
            stored(project_id)
            total += sum(trace.span_count for trace in chunk)
    return total


def _claim(database: Database, now: datetime) -> tuple[int, list[_Claimed]]:
    """Take the traces of one project that are due, for as long as a claim lasts."""
    due = queries.due(now, now + _PUT_OFF_AT_MOST)
    with database.reading() as session:
        if session.exec(due.limit(1)).first() is None:
            return 0, []
    with database.writing() as session:
        free = due.with_for_update(of=OtlpTrace, skip_locked=True)
        marks = session.exec(free.limit(TRACES_AT_ONCE)).all()
        marks = [mark for mark in marks if mark.project_id == marks[0].project_id]
        until = utc_now() + _CLAIMED_FOR
        for mark in marks:
            mark.due_at = until
            session.add(mark)
        claimed = [_claimed(mark, until) for mark in marks]
        return marks[0].project_id if marks else 0, claimed


def _claimed(mark: OtlpTrace, until: datetime) -> _Claimed:
    return _Claimed(
        stored_id(mark),
        mark.trace_key,
        mark.trace_id,
        mark.span_count,
        mark.arrivals,
        mark.received_at,
        until,
    )


def _assembled(
    database: Database, project_id: int, claimed: Sequence[_Claimed]
) -> Iterator[_Assembled]:
    """Read the spans of claimed traces, and yield each trace as a draft."""
    by_key = {trace.trace_key: trace for trace in claimed}
    statement = queries.spans_of(project_id, list(by_key)).execution_options(yield_per=1000)
    with database.reading() as session:
        for key, rows in groupby(session.execute(statement), key=lambda row: row[0]):
            yield _drafted(by_key.pop(key), [payload for _, payload in rows])
    for trace in by_key.values():
        yield _Assembled(trace, 0, None)


def _drafted(claimed: _Claimed, payloads: Sequence[bytes]) -> _Assembled:
    try:
        draft = draft_of([live_spans.unpack(payload) for payload in payloads])
    except FieldProblem as problem:
        return _Assembled(claimed, len(payloads), None, str(problem))
    except Exception:
        _log.exception("a live trace could not be put together", trace_key=claimed.trace_key)
        return _Assembled(claimed, len(payloads), None, _NOT_SHOWN)
    # Its spans are found by this id when it is erased.
    draft = replace(with_setting(draft), external_id=claimed.trace_key)
    return _Assembled(claimed, len(payloads), draft)


def _chunks(assembled: Iterator[_Assembled]) -> Iterator[list[_Assembled]]:
    chunk: list[_Assembled] = []
    size = 0
    for trace in assembled:
        chunk.append(trace)
        size += sum(len(step.text) for step in trace.draft.steps) if trace.draft else 0
        if size >= CHARACTERS_AT_ONCE:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _store(
    database: Database,
    project_id: int,
    chunk: Sequence[_Assembled],
    attachments: Path | None = None,
) -> None:
    """Write a chunk; where that fails, trace by trace, so that one does not stop the others."""
    try:
        with database.writing() as session:
            _write(session, project_id, chunk, attachments)
    except Exception:
        if len(chunk) > 1:
            for trace in chunk:
                _store(database, project_id, [trace], attachments)
            return
        _log.exception("a live trace could not be stored", trace_key=chunk[0].claimed.trace_key)
        with database.writing() as session:
            _mark(session, [replace(chunk[0], draft=None, problem=_NOT_SHOWN)], {})


def _write(
    session: Session, project_id: int, chunk: Sequence[_Assembled], attachments: Path | None
) -> None:
    claims = [trace.claimed.mark_id for trace in chunk]
    ours = {
        mark.id
        for mark in session.exec(queries.marks(claims).with_for_update())
        if mark.due_at == chunk[0].claimed.until
    }
    # What took longer than its claim is another process's by now, or was erased.
    chunk = [trace for trace in chunk if trace.claimed.mark_id in ours]
    if not chunk:
        return
    row = session.exec(queries.live_import(project_id).with_for_update()).one()
    keys = [trace.claimed.trace_key for trace in chunk]
    known = {
        key: (n, steps) for key, n, steps in session.execute(queries.step_counts(project_id, keys))
    }
    drafts = [
        trace.draft for trace in chunk if trace.draft is not None and not _is_less(trace, known)
    ]
    target = _target(session, row, attachments)
    stored = import_chunks.store(target, drafts)
    made = {draft.external_id for draft in drafts}
    rows = session.execute(import_queries.known_traces(project_id, keys)).all()
    input_tuples.tie(session, target.member, [trace_id for trace_id, _, _ in rows])
    for _, key, digest in rows:
        if digest == ERASED:
            for statement in queries.forget(project_id, key):
                session.execute(statement)
    _mark(session, chunk, {key: trace_id for trace_id, key, _ in rows if key in made})
    _count(session, row, chunk, stored)


def _is_less(trace: _Assembled, known: dict[str, tuple[int, int]]) -> bool:
    """Whether a trace that a file brought holds more than the spans that came in of it so far."""
    if trace.draft is None or trace.claimed.trace_id is not None:
        return False
    _, steps = known.get(trace.claimed.trace_key, (0, 0))
    return steps > len(trace.draft.steps)


def _target(session: Session, row: Import, attachments: Path | None) -> Target:
    project = session.get_one(Project, row.project_id)
    if row.created_by is None:
        member = projects.local_member(session, project)
    else:
        member = Member(project, session.get_one(Annotator, row.created_by))
    rules = from_project(project.outcome_rules, project.settings)
    return Target(session, member, row, rules=rules, by_system=True, attachments=attachments)


def _mark(session: Session, chunk: Sequence[_Assembled], made: dict[str, int]) -> None:
    now = utc_now()
    marks = [
        {
            "mark_id": trace.claimed.mark_id,
            "seen_arrivals": trace.claimed.arrivals,
            "made_trace_id": made.get(trace.claimed.trace_key, trace.claimed.trace_id),
            "spans_read": trace.span_count,
            "found_problem": trace.problem,
            "due_next": live_spans.due_after(now, trace.span_count),
        }
        for trace in chunk
    ]
    session.connection().execute(queries.put_together(), marks)


def _count(session: Session, row: Import, chunk: Sequence[_Assembled], stored: Stored) -> None:
    """Add up what came in; `read` counts traces, as with files."""
    counts = row.counts
    spans = sum(trace.span_count - trace.claimed.span_count for trace in chunk)
    row.counts = {
        **counts,
        "spans": counts.get("spans", 0) + spans,
        "read": counts.get("read", 0) + stored.created,
        "created": counts.get("created", 0) + stored.created,
        "updated": counts.get("updated", 0) + stored.updated,
    }
    last = max(trace.claimed.received_at for trace in chunk)
    row.finished_at = max(row.finished_at or last, last)
    session.add(row)
