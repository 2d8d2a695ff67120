"""Parquet: the table of the CSV with types, written a row group at a time."""

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from server.exporters.csv_table import Column, Kind, Layout, values
from server.exporters.records import TraceRecord

ROW_GROUP = 2_000
"""Traces that are held at once."""
_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.TEXTS: pa.list_(pa.string()),
    Kind.BINARY: pa.int8(),
    Kind.COUNT: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.TIME: pa.timestamp("us", tz="UTC"),
}
_TRUTH = frozenset({"true", "false", "boolean"})
_WHOLE = frozenset({"integer"})
_NUMBERS = frozenset({"integer", "real", "number"})


class _Pieces(io.RawIOBase):
    """A file that is never whole: what was written is taken away from its front."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._written = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: Any) -> int:
        self._waiting += data
        self._written += len(data)
        return len(data)

    def taken(self) -> bytes:
        piece = bytes(self._waiting)
        self._waiting.clear()
        return piece


def schema(table: Layout, dimension_types: Mapping[str, set[str]]) -> pa.Schema:
    """Return the columns with their types; what each means stands in its metadata.

    Args:
        table: The columns as the CSV has them.
        dimension_types: The JSON types found in each dimension. Mixed ones make it text.
    """
    return pa.schema(
        pa.field(column.name, _type(column, dimension_types), metadata={"meaning": column.meaning})
        for column in table.columns
    )


def _type(column: Column, dimension_types: Mapping[str, set[str]]) -> pa.DataType:
    if column.kind is not Kind.DIMENSION:
        return _TYPES[column.kind]
    found = dimension_types.get(column.name.removeprefix("params."), set()) - {"null"}
    if found and found <= _TRUTH:
        return pa.bool_()
    if found and found <= _WHOLE:
        return pa.int64()
    return pa.float64() if found and found <= _NUMBERS else pa.string()


def write(
    table: Layout, dimension_types: Mapping[str, set[str]], traces: Iterable[TraceRecord]
) -> Iterator[bytes]:
    """Stream the table; one row group is in memory at a time."""
    columns = schema(table, dimension_types)
    pieces = _Pieces()
    with pq.ParquetWriter(pieces, columns, compression="zstd") as writer:
        left = iter(traces)
        while chunk := [values(table, trace) for trace in islice(left, ROW_GROUP)]:
            writer.write_batch(_batch(columns, chunk))
            yield pieces.taken()
    yield pieces.taken()


def _batch(columns: pa.Schema, rows: list[list[Any]]) -> pa.RecordBatch:
    by_column = zip(*rows, strict=True)
    arrays = [
        pa.array([_plain(value, field.type) for value in found], field.type)
        for field, found in zip(columns, by_column, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=columns)


def _plain(value: Any, kind: pa.DataType) -> Any:
    """Return a value as the column's type takes it; text is never made harmless here."""
    if value is None or kind != pa.string():
        return value
    return str(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
