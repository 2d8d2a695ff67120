"""Measuring single traces: texts are read, measured and let go one after the other.

Only ids go to a process that measures, and only numbers come back: it reads from the database
itself, so that no text is held or sent twice.
"""

import math
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from operator import attrgetter
from typing import Any

from sqlmodel import Session

from server.db import Database
from server.importers.outcome_facts import FAILED_CHARACTERS, tool_failed
from server.models.trace import Outcome, StepKind
from server.queries import signals as queries
from server.services.import_process import collect_seldom
from server.signals import registry
from server.signals.base import Output, Value

TRACES_AT_ONCE = 200
PROCESSES_FROM = 2_000
"""Fewer traces are measured before processes have started."""
_MOST_PROCESSES = 4
_AHEAD = 2
_ROWS_AT_ONCE = 50
_CUT = ("length", "max_tokens", "max_output_tokens", "MAX_TOKENS")


@dataclass(frozen=True)
class Measured:
    """The signals of a trace, and the state of it that they were made of."""

    trace_id: int
    state: str
    values: Mapping[str, Value]


def measured_here(
    database: Database, chunks: Sequence[Sequence[int]], digest: str
) -> Iterator[list[Measured]]:
    """Measure chunk by chunk in this thread."""
    for chunk in chunks:
        with database.reading() as session:
            found = list(measure(session, chunk, digest))
        yield found


def measured_by(
    executor: Executor, workers: int, chunks: Sequence[Sequence[int]], digest: str
) -> Iterator[list[Measured]]:
    """Measure chunks by an executor's processes, in the order of the chunks."""
    waiting: deque[Future[list[Measured]]] = deque()
    for chunk in chunks:
        waiting.append(executor.submit(_measure_chunk, chunk, digest))
        if len(waiting) >= _AHEAD * workers:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def processes() -> int:
    """Return how many processes measure at once: one a core, four at most."""
    return min(_MOST_PROCESSES, len(os.sched_getaffinity(0)))


@contextmanager
def process_pool(database: Database, workers: int) -> Iterator[Executor]:
    """Give processes that measure; they end with the block, or with this process."""
    url = database.engine.url.render_as_string(hide_password=False)
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(url,)
    )
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_worker: dict[str, Database] = {}


def _begin(url: str) -> None:
    collect_seldom()
    _worker["database"] = Database.from_url(url)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed parent says nothing: its end is all that a worker can wait for."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _measure_chunk(trace_ids: Sequence[int], digest: str) -> list[Measured]:
    with _worker["database"].reading() as session:
        return list(measure(session, trace_ids, digest))


def measure(session: Session, trace_ids: Sequence[int], digest: str) -> Iterator[Measured]:
    """Yield the signals of traces, by id; one trace's text is held at a time."""
    for trace_id, state, output in outputs(session, trace_ids, digest):
        yield Measured(trace_id, state, values_of(output))


def outputs(
    session: Session, trace_ids: Sequence[int], digest: str
) -> Iterator[tuple[int, str, Output]]:
    """Yield trace, state and what the trace says, by id, as it is read."""
    asked = queries.said(trace_ids, FAILED_CHARACTERS)
    statement = asked.execution_options(yield_per=_ROWS_AT_ONCE)
    connection = session.connection()  # The session would look at each row anew.
    facts = connection.execute(queries.facts(trace_ids, digest)).all()
    spoken = groupby(connection.execute(statement), key=attrgetter("trace_id"))
    ahead: tuple[int, Iterator[Any]] | None = next(spoken, None)
    for row in facts:
        while ahead is not None and ahead[0] < row.id:
            ahead = next(spoken, None)
        steps = ahead[1] if ahead is not None and ahead[0] == row.id else iter(())
        yield row.id, row.state, _output(row, steps)


def values_of(output: Output) -> dict[str, Value]:
    """Return the signals of one trace as they are stored."""
    found = registry.measured(output)
    return {name: _plain(found[name]) for name in found}


def _output(facts: Any, steps: Iterator[Any]) -> Output:
    parts: list[str] = []
    calls = errors = 0
    for step in steps:
        if step.is_own:
            parts.append(step.text or (step.data or "" if step.data != "null" else ""))
        calls += step.kind is StepKind.TOOL_CALL
        errors += tool_failed(step.kind, step.state, step.text)
    return Output(
        text="\n".join(part for part in parts if part) if facts.step_count else None,
        tokens=facts.completion_tokens,
        is_truncated=is_cut(facts),
        has_answer=bool(facts.has_answer),
        steps=facts.step_count,
        tool_calls=calls,
        tool_errors=errors,
        duration_s=facts.duration_s,
    )


def is_cut(facts: Any) -> bool:
    """Return whether a trace, as stored or as read, ended where its tokens did."""
    if facts.outcome is Outcome.TRUNCATED or facts.finish_reason in _CUT:
        return True
    limit, tokens = facts.token_limit, facts.completion_tokens
    return bool(not facts.finish_reason and limit and tokens and tokens >= limit)


def _plain(value: Value) -> Value:
    """Numbers as the database keeps them; what is no number is none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value or None if isinstance(value, str) else value
