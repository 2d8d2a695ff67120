"""Signals of a Parquet file of traces into another: measured in slices, compared, put together."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.spreading import spread
from server.errors import Invalid
from server.executors.versions import facts
from server.executors.workers import Workers
from server.importers import fields
from server.importers.base import ImportOptions, Source
from server.importers.files.records import sample
from server.importers.registry import chosen
from server.services.signal_tables import parts as kept_parts
from server.services.signal_tables.measuring import (
    FACTS,
    MeasuredSlice,
    Reading,
    Refused,
    measure_groups,
    measure_rows,
    schema,
)
from server.services.signal_tables.parts import Parts
from server.services.signal_tables.slices import Slice, Table, cut, packed, read_all
from server.signals import registry
from server.signals.base import SignalPopulation

Told = Callable[[int, int | None, str], None]
"""Told how many rows are done, of how many, and what is being done."""
_SLICES_A_GROUP = 20
"""Of the output, whose row groups may be larger."""


@dataclass(frozen=True)
class Computed:
    """What became of a table."""

    traces: int
    """Rows of the output."""
    refused: tuple[Refused, ...]
    gone_on: int
    """Rows that an earlier run had measured."""
    repeated: int
    """Rows whose trace_id stands in an earlier row, too."""


def compute(
    path: Path,
    output: Path,
    options: ImportOptions,
    told: Told,
    workers: Workers | None = None,
) -> Computed:
    """Write the signals of each trace of a Parquet file, one row a trace in the order of the file.

    Rows are read as an import reads them. What is measured is kept beside the output until it is
    whole: ended anywhere, the same call goes on from there.

    Args:
        path: The table.
        output: Where the signals go; all of them at once, when they are there.
        options: How rows are read.
        told: Told how far it is; may end it by raising.
        workers: Who measures; without them this thread does.

    Raises:
        UnreadableTable: It is no Parquet file.
        UnreadableSource: Its columns tell no trace.
        Invalid: Its rows are parts of traces, so that slices would cut these.
        Conflict: Another process writes the same output.
    """
    table = cut(path)
    reading = _reading(path, table, options)
    with kept_parts.beside(output, _plan(table, reading)) as parts:
        done = sum(one.rows for one in table.slices if parts.has(one.number))
        _measure(table, reading, parts, told, workers)
        told(table.rows, table.rows, "comparing traces with each other")
        whole, repeated = _facts(table, parts)
        compared = _compared(whole, told)
        told(table.rows, table.rows, "writing")
        _write(output, table, parts, compared)
        refused = tuple(one for part in table.slices for one in parts.refused(part.number))
        parts.forget()
    return Computed(len(whole), refused, done, repeated)


def _reading(path: Path, table: Table, options: ImportOptions) -> Reading:
    source = Source(path)
    known = chosen(source, options)
    if not known.generic:
        raise Invalid(
            f"The rows of {path} are parts of traces ({known.title}): import it into a project, "
            "which puts them together, and use --project."
        )
    return Reading(
        name=path.name,
        format=known.name,
        mapping=tuple(sorted(options.mapping.items())),
        left_alone=fields.left_alone(sample(source, options)),
        path=table.path,
        size=table.size,
        footer=table.footer,
    )


def _plan(table: Table, reading: Reading) -> str:
    told = json.dumps([table.digest, asdict(reading), dict(facts())], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _measure(
    table: Table, reading: Reading, parts: Parts, told: Told, workers: Workers | None
) -> None:
    done = 0
    for one in table.slices:
        done += one.rows if parts.has(one.number) else 0
    for one, found in _found(table, reading, parts, workers):
        parts.keep(one.number, found)
        done += one.rows
        told(done, table.rows, "measuring what traces say")


def _found(
    table: Table, reading: Reading, parts: Parts, workers: Workers | None
) -> Iterator[tuple[Slice, MeasuredSlice]]:
    """Yield what is missing: whole row groups by whoever sees the file, the rest sent."""
    waiting = [one for one in table.slices if not parts.has(one.number)]
    executor, ahead = (None, 1) if workers is None else (workers.executor, workers.ahead)
    seen = [one for one in waiting if one.groups]
    unseen = {one.number for one in waiting if not one.groups}
    asked = ((reading, one.start, one.groups) for one in seen)
    for one, found in zip(seen, spread(measure_groups, asked, executor, ahead=ahead), strict=True):
        if found is None:
            unseen.add(one.number)
        else:
            yield one, found
    sent: list[Slice] = []

    def rows() -> Iterator[tuple[Reading, int, bytes]]:
        for one, found in read_all(table, lambda one: one.number in unseen):
            sent.append(one)
            yield reading, one.start, packed(found)

    for place, found in enumerate(spread(measure_rows, rows(), executor, ahead=ahead)):
        yield sent[place], found


def _facts(table: Table, parts: Parts) -> tuple[pd.DataFrame, int]:
    """Return what traces are compared by, a row each, and how many trace ids are told again."""
    reads = sorted({name for one in registry.of_populations() for name in one.reads})
    columns = [*(name for name in FACTS if name != "trace_id"), *reads]
    hashes: list[np.ndarray] = []
    found = [pa.table({name: pa.array([], schema().field(name).type) for name in columns})]
    for one in table.slices:
        rows = parts.rows(one.number)
        ids = rows.column("trace_id").to_numpy(zero_copy_only=False)
        hashes.append(pd.util.hash_array(ids.astype(object), categorize=False))
        found.append(rows.select(columns))
    frame = pa.concat_tables(found).to_pandas()
    frame.insert(0, "trace_id", np.arange(len(frame)))
    labels = [name for name in reads if registry.definitions()[name].is_label]
    frame[labels] = frame[labels].fillna("")
    frame["guess_rate"] = np.nan
    known = len(np.unique(np.concatenate(hashes))) if hashes else 0
    return frame, len(frame) - known


def _compared(frame: pd.DataFrame, told: Told) -> Mapping[str, "pd.Series[Any]"]:
    """Return the signals that compare traces with each other; those that none has are left out."""
    population = SignalPopulation(frame)
    found: dict[str, pd.Series[Any]] = {}
    for known in registry.of_populations():
        told(len(frame), len(frame), f"comparing: {known.definitions[0].label}")
        columns = known.function(population)
        for definition in known.definitions:
            column = columns[definition.name]
            if (column.notna() & (column != "")).any():
                found[definition.name] = column
    return found


def _write(
    output: Path, table: Table, parts: Parts, compared: Mapping[str, "pd.Series[Any]"]
) -> None:
    known = registry.definitions()
    types = {name: pa.string() if known[name].is_label else pa.float64() for name in compared}
    columns = pa.schema([*schema(), *(pa.field(name, kind) for name, kind in types.items())])
    half = output.with_name(f"{output.name}.half")
    start = 0
    with pq.ParquetWriter(half, columns, compression="zstd") as writer:
        for some in _some(table.slices):
            rows = pa.concat_tables([parts.rows(one.number) for one in some])
            for name, column in compared.items():
                own = column.iloc[start : start + len(rows)]
                rows = rows.append_column(name, _array(own, types[name]))
            start += len(rows)
            writer.write_table(rows)
    half.replace(output)


def _some(slices: Sequence[Slice]) -> Iterator[Sequence[Slice]]:
    for start in range(0, len(slices), _SLICES_A_GROUP):
        yield slices[start : start + _SLICES_A_GROUP]


def _array(column: "pd.Series[Any]", kind: pa.DataType) -> pa.Array:
    told = column.notna() & (column != "")
    return pa.array([value if has else None for value, has in zip(column, told, strict=True)], kind)
