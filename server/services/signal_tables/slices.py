"""A Parquet file cut into slices: the same ones whoever measures them, and however many do."""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from server.errors import Invalid

ROWS = 1_000
BYTES = 8 * 1024**2
"""A slice ends at either: it is held in memory, and measured again where its worker is lost."""
_OWN_READING = 4
"""A row group of up to so many slices is read by whoever measures it."""
_FOOTER_BYTES = 8


class UnreadableTable(Invalid):
    """The file can't be read as Parquet; the sentence says why."""


@dataclass(frozen=True)
class Slice:
    """Rows of the file that are measured together."""

    number: int
    start: int
    """Its first row, from 0."""
    rows: int
    groups: tuple[int, ...] = ()
    """The row groups that it consists of; none where it is a part of a larger one."""


@dataclass(frozen=True)
class Table:
    """A file as it was when it was cut: where it lies, and what tells another one from it."""

    path: str
    size: int
    footer: str
    rows: int
    slices: tuple[Slice, ...]

    @property
    def digest(self) -> str:
        """File and slices in a word."""
        told = f"{self.size}:{self.footer}:{self.slices}"
        return hashlib.sha256(told.encode()).hexdigest()[:16]


def cut(path: Path) -> Table:
    """Cut a file into slices by its row groups.

    Small row groups go together. Larger ones than four slices are cut in the middle: their rows are
    read in order by this computer, and travel.

    Raises:
        UnreadableTable: It is no Parquet file, or damaged.
    """
    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnreadableTable(f"{path} can't be read as Parquet: {reason}") from error
    groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
    sizes = [(group.num_rows, group.total_byte_size) for group in groups]
    slices = tuple(_slices(sizes))
    return Table(
        str(path.resolve()), path.stat().st_size, footer_of(path), metadata.num_rows, slices
    )


def _slices(sizes: Sequence[tuple[int, int]]) -> Iterator[Slice]:
    number = start = rows = weight = 0
    waiting: list[int] = []
    for place, (own, size) in enumerate(sizes):
        if waiting and (rows + own > ROWS or weight + size > BYTES):
            yield Slice(number, start, rows, tuple(waiting))
            number, start, rows, weight, waiting = number + 1, start + rows, 0, 0, []
        if own > _OWN_READING * ROWS or size > _OWN_READING * BYTES:
            step = max(1, min(ROWS, own * BYTES // max(size, 1)))
            for first in range(0, own, step):
                yield Slice(number, start + first, min(step, own - first))
                number += 1
            start += own
        elif own:
            waiting.append(place)
            rows, weight = rows + own, weight + size
    if waiting:
        yield Slice(number, start, rows, tuple(waiting))


def footer_of(path: Path) -> str:
    """Return a hash of the file's footer, which holds the place and size of all its parts."""
    with path.open("rb") as file:
        file.seek(-_FOOTER_BYTES, io.SEEK_END)
        length = int.from_bytes(file.read(4), "little")
        file.seek(-(length + _FOOTER_BYTES), io.SEEK_END)
        return hashlib.sha256(file.read()).hexdigest()


@lru_cache(maxsize=4)
def _is_there(path: str, size: int, footer: str) -> bool:
    place = Path(path)
    try:
        return place.stat().st_size == size and footer_of(place) == footer
    except OSError:
        return False


def sees(path: str, size: int, footer: str) -> bool:
    """Return whether this computer has the very file under that path."""
    return _is_there(path, size, footer)


def groups_of(path: str, groups: Sequence[int]) -> pa.Table:
    """Read whole row groups."""
    with pq.ParquetFile(path, pre_buffer=False) as file:
        return file.read_row_groups(list(groups), use_threads=False)


def read_all(table: Table, wanted: Callable[[Slice], bool]) -> Iterator[tuple[Slice, pa.Table]]:
    """Yield the wanted slices of the file in order, with their rows; others are passed over.

    Raises:
        UnreadableTable: The file changed since it was cut.
    """
    if not sees(table.path, table.size, table.footer):
        raise UnreadableTable(f"{table.path} was changed while it was read. Nothing was written.")
    with pq.ParquetFile(table.path, pre_buffer=False) as file:
        ends = _ends(file)
        for in_groups, some in groupby(table.slices, key=lambda one: bool(one.groups)):
            if in_groups:
                for one in some:
                    if wanted(one):
                        yield one, file.read_row_groups(list(one.groups), use_threads=False)
            else:
                yield from _streamed(file, ends, list(some), wanted)


def _ends(file: Any) -> list[int]:
    ends, total = [], 0
    for place in range(file.metadata.num_row_groups):
        total += file.metadata.row_group(place).num_rows
        ends.append(total)
    return ends


def _streamed(
    file: Any, ends: Sequence[int], slices: Sequence[Slice], wanted: Callable[[Slice], bool]
) -> Iterator[tuple[Slice, pa.Table]]:
    """Read large row groups batch by batch, each with slices of one size but for the last."""
    group_of = {
        one.number: next(n for n, end in enumerate(ends) if one.start < end) for one in slices
    }
    for group, found in groupby(slices, key=lambda one: group_of[one.number]):
        own = list(found)
        if not any(wanted(one) for one in own):
            continue
        batches = file.iter_batches(own[0].rows, row_groups=[group], use_threads=False)
        pending = pa.Table.from_batches([], schema=file.schema_arrow)
        for one in own:
            while pending.num_rows < one.rows:
                pending = pa.concat_tables([pending, pa.Table.from_batches([next(batches)])])
            if wanted(one):
                yield one, pending.slice(0, one.rows)
            pending = pending.slice(one.rows)


def packed(rows: pa.Table) -> bytes:
    """Return rows as a Parquet file of their own."""
    sink = io.BytesIO()
    pq.write_table(rows, sink, compression="zstd", compression_level=1)
    return sink.getvalue()
