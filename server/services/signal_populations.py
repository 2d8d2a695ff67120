"""Signals that compare traces with each other: computed from all, written where they differ."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import pandas as pd
from sqlmodel import Session, col

from server import bulk
from server.db import Database
from server.frames import token_feature_frame
from server.models.signal import Signal
from server.models.trace import Trace
from server.queries import signals as queries
from server.queries.filters import DIMENSION, SIGNAL
from server.queries.surface_views import guess_rates, key_of
from server.signals import registry
from server.signals.base import SignalDefinition, SignalPopulation, SurfaceView

_ROWS_AT_ONCE = 5_000
_COLUMNS = ("trace_id", "item", "model", "model_family", "task", "outcome", "token_limit")

Stored = tuple[float | str, str]
"""A value and the digest of what it was computed with."""


def update(database: Database, project_id: int, told: Any) -> tuple[int, int]:
    """Compute every such signal anew; returns how many values changed, of how many traces."""
    with database.reading() as session:
        population = read(session, project_id)
    changed = 0
    for known in registry.of_populations():
        found = known.function(population)
        for definition in known.definitions:
            told(0, None, f"comparing: {definition.label}")
            values = _values(population.traces, found[definition.name], definition)
            changed += _write(database, project_id, definition, values)
    return changed, len(population.traces)


def read(session: Session, project_id: int) -> SignalPopulation:
    """Return the traces of a project with what the comparisons read of them."""
    rows = session.connection().execute(queries.population(project_id)).all()
    plain = [tuple(row)[:-1] for row in rows]
    frame = pd.DataFrame(plain, columns=list(_COLUMNS))
    views = tuple(
        # A view with filters is of some traces only: the zone of the others is another view's.
        SurfaceView(name, task, key_of(x), key_of(y) if y else "", guess_rate or 0.0)
        for name, task, x, y, guess_rate, filters in session.execute(queries.views(project_id))
        if not filters
    )
    frame["guess_rate"] = _guess_rates(session, project_id, frame["trace_id"])
    named = {name for view in views for name in (view.x, view.y)} - {""}
    dimensions = sorted(name for name in named if name.startswith(DIMENSION))
    if dimensions:
        known = {row[-1]: orjson.loads(row[-1]) for row in rows}
        for name in dimensions:
            bare = name.removeprefix(DIMENSION)
            frame[name] = pd.Series([known[row[-1]].get(bare) for row in rows], dtype=object)
    reads = {name for one in registry.of_populations() for name in one.reads}
    reads |= named & set(registry.definitions())
    for name in sorted(reads):
        frame[name] = _signal(session, project_id, name, frame["trace_id"])
    for name in sorted(name for name in named if name.startswith(SIGNAL)):
        if name.removeprefix(SIGNAL) in registry.definitions():
            own = name.removeprefix(SIGNAL)
            frame[name] = _signal(session, project_id, own, frame["trace_id"])
    return SignalPopulation(frame, views, _features(session, project_id, frame))


def _features(session: Session, project_id: int, frame: pd.DataFrame) -> pd.DataFrame | None:
    found = token_feature_frame(session, [col(Trace.project_id) == project_id])
    if not len(found):
        return None
    places = pd.Series(frame.index, index=frame["trace_id"])
    return found.set_axis(places.loc[found.index].to_numpy())


def _guess_rates(session: Session, project_id: int, ids: "pd.Series[int]") -> "pd.Series[float]":
    """The chance of a lucky guess where a trace tells one from 0 to below 1."""
    rows = session.connection().execute(guess_rates([col(Trace.project_id) == project_id])).all()
    told = pd.to_numeric(ids.map({row[0]: row[1] for row in rows}), errors="coerce").astype(float)
    return told.where(told.ge(0) & told.lt(1))


def _signal(session: Session, project_id: int, name: str, ids: "pd.Series[int]") -> Any:
    rows = session.connection().execute(queries.stored(project_id, name)).all()
    if registry.definitions()[name].is_label:
        labels = {row.trace_id: row.label for row in rows}
        return [labels.get(trace_id, "") for trace_id in ids]
    values = {row.trace_id: row.value for row in rows}
    return np.array([values.get(trace_id, np.nan) for trace_id in ids], dtype=float)


def _values(
    frame: pd.DataFrame, column: "pd.Series[Any]", definition: SignalDefinition
) -> dict[int, Stored]:
    told = column.notna() & (column != "")
    ids = frame.loc[told, "trace_id"].tolist()
    return {
        trace_id: (value, definition.digest)
        for trace_id, value in zip(ids, column[told].tolist(), strict=True)
    }


def _write(
    database: Database,
    project_id: int,
    definition: SignalDefinition,
    values: Mapping[int, Stored],
) -> int:
    with database.reading() as session:
        before = {
            row.trace_id: (row.label if row.value is None else row.value, row.computed_with)
            for row in session.connection().execute(queries.stored(project_id, definition.name))
        }
    changed = [
        trace_id
        for trace_id in sorted({*before, *values})
        if before.get(trace_id) != values.get(trace_id)
    ]
    for start in range(0, len(changed), _ROWS_AT_ONCE):
        some = changed[start : start + _ROWS_AT_ONCE]
        _replace(database, project_id, definition, values, some, [i for i in some if i in before])
    return len(changed)


def _replace(
    database: Database,
    project_id: int,
    definition: SignalDefinition,
    values: Mapping[int, Stored],
    trace_ids: Sequence[int],
    before: Sequence[int],
) -> None:
    with database.writing() as session, bulk.roomy(session):
        session.execute(queries.locked(project_id))
        there = set(session.scalars(queries.still_there(project_id, trace_ids)))
        if before:
            session.execute(queries.taken_away(before, (definition.name,)))
        rows = [
            {
                "trace_id": trace_id,
                "value": None if definition.is_label else values[trace_id][0],
                "label": values[trace_id][0] if definition.is_label else None,
            }
            for trace_id in trace_ids
            if trace_id in values and trace_id in there
        ]
        same = {
            "project_id": project_id,
            "name": definition.name,
            "computed_with": definition.digest,
        }
        bulk.insert(session, Signal, rows, same=same)
