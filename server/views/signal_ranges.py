"""Where one trace's signals lie among those of its project: values of a sample, kept a while."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from sqlalchemy.pool import Pool
from sqlmodel import Session

from server.queries import readings as queries
from server.queries import signals as signal_queries
from server.queries import traces

LARGEST_POPULATION = 1_000
"""Traces that quartiles are taken from; of more, every n-th."""
FEWEST = 5
_COLUMNS = {
    "prompt_tokens": "prompt_tokens",
    "reasoning_tokens": "reasoning_tokens",
    "tokens": "completion_tokens",
    "steps": "step_count",
    "duration_s": "duration_s",
}
"""Columns of traces that stand for signals where those are not computed yet."""


class Sample(NamedTuple):
    """Numbers that some traces have for a signal, sorted, with the ends and quartiles of them."""

    values: np.ndarray
    low: float = 0
    first: float = 0
    third: float = 0
    high: float = 0

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Sample":
        """Return a sample of numbers in any order."""
        values = np.sort(np.array(numbers, dtype=float))
        if not len(values):
            return NOTHING
        return cls(values, *(float(q) for q in np.quantile(values, (0, 0.25, 0.75, 1))))


NOTHING = Sample(np.empty(0))
Values = Mapping[str, Sample]


@dataclass(frozen=True)
class Strip:
    """Places in per cent of the figure's width; the scale is logarithmic."""

    value: float
    low: float
    high: float
    middle: float
    middle_width: float


class _Population(NamedTuple):
    state: tuple[int | None, int | None, int, datetime | None]
    values: Values


_kept: WeakKeyDictionary[Pool, dict[int, _Population]] = WeakKeyDictionary()
"""A project's values by database: they change when traces come in or signals are computed."""


def population(session: Session, project_id: int) -> Values:
    """Return the numbers of a sample of the project's traces by signal."""
    pool = session.connection().engine.pool
    last, run, imports, ended = session.execute(queries.population_state(project_id)).one()
    state = (last, run, imports, ended)
    known = _kept.setdefault(pool, {}).get(project_id)
    if known is None or known.state != state:
        count = session.exec(traces.count(project_id)).one()
        known = _Population(state, _read(session, project_id, count))
        _kept[pool][project_id] = known
    return known.values


def _read(session: Session, project_id: int, count: int) -> Values:
    every = -(-count // LARGEST_POPULATION) or 1
    rows = session.execute(queries.population(project_id, every)).all()
    found: defaultdict[str, list[float]] = defaultdict(list)
    ids = [row.id for row in rows if row.id is not None]
    for _, name, value, _ in session.execute(signal_queries.of_traces(ids)):
        if value is not None:
            found[name].append(value)
    for name, column in _COLUMNS.items():
        if name not in found:
            values = [getattr(row, column) for row in rows]
            found[name] = [value for value in values if value is not None]
    calls = session.execute(queries.tool_calls(ids)).all() if "tool_calls" not in found else ()
    found["tool_calls"].extend(calls_of_trace for _, calls_of_trace in calls)
    return {name: Sample.of(values) for name, values in found.items()}


def strip(value: float, sample: Sample) -> Strip | None:
    """Return where a value lies among others; None where they are too few to compare."""
    if len(sample.values) < FEWEST:
        return None
    least, most = min(sample.low, value), max(sample.high, value)
    base = min(least, 0.0)

    def place(number: float) -> float:
        span = math.log1p(most - base) - math.log1p(least - base)
        if span == 0:
            return 50.0
        return 100 * (math.log1p(number - base) - math.log1p(least - base)) / span

    start, end = place(sample.first), place(sample.third)
    return Strip(
        value=round(place(value), 1),
        low=round(place(sample.low), 1),
        high=round(place(sample.high), 1),
        middle=round(start, 1),
        middle_width=round(end - start, 1),
    )
