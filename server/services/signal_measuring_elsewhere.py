"""Measuring by workers that see no database: texts go to them, and numbers come back."""

from collections import deque
from collections.abc import Iterator, Sequence

from analysis.spreading import spread
from server.db import Database
from server.executors.workers import Workers
from server.services.signal_measuring import Measured, outputs, values_of
from server.signals.base import Output, Value

_CHARACTERS = 8 * 1024**2
"""A part ends at so much text: it is held here until its worker has answered."""

_Read = list[tuple[int, str, Output]]


def measured(
    database: Database,
    chunks: Sequence[Sequence[int]],
    digest: str,
    workers: Workers | None,
) -> Iterator[list[Measured]]:
    """Yield the signals of traces in order, some at a time; texts are read as workers get free."""
    sent: deque[list[tuple[int, str]]] = deque()

    def parts() -> Iterator[tuple[list[Output]]]:
        for some in _read(database, chunks, digest):
            sent.append([(trace_id, state) for trace_id, state, _ in some])
            yield ([output for _, _, output in some],)

    executor, ahead = (None, 1) if workers is None else (workers.executor, workers.ahead)
    for values in spread(values_of_each, parts(), executor, ahead=ahead):
        known = zip(sent.popleft(), values, strict=True)
        yield [Measured(trace_id, state, own) for (trace_id, state), own in known]


def values_of_each(said: Sequence[Output]) -> list[dict[str, Value]]:
    """Return the signals of some traces, in their order."""
    return [values_of(output) for output in said]


def _read(database: Database, chunks: Sequence[Sequence[int]], digest: str) -> Iterator[_Read]:
    for chunk in chunks:
        some: _Read = []
        size = 0
        with database.reading() as session:
            for one in outputs(session, chunk, digest):
                some.append(one)
                size += len(one[2].text or "")
                if size >= _CHARACTERS:
                    yield some
                    some, size = [], 0
        if some:
            yield some
