"""The rows of a workbook's first sheet (XLSX) as records: the first row names the columns."""

import json
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from server.importers.base import (
    FieldProblem,
    ImportOptions,
    RawRecord,
    RefusedRecord,
    Source,
    UnreadableSource,
)
from server.importers.files.sources import ZIP_MAGIC, seekable
from server.importers.values import number

_PARTS = (b"[Content_Types].xml", b"xl/", b"_rels/.rels")
_MOST_COLUMNS = 4096
_SHEETS = "xl/worksheets/"
"""Read row by row; every other part, such as the texts that cells share, is held as a whole."""
_MOST_HELD = 128 * 1024**2


def is_workbook(head: bytes) -> bool:
    """Return whether a file that begins so is a workbook, and no other zip archive."""
    return head.startswith(ZIP_MAGIC) and any(part in head for part in _PARTS)


def rows(source: Source, options: ImportOptions) -> Iterator[RawRecord | RefusedRecord]:
    """Yield the rows as objects of their columns, numbered as the sheet does; empty cells are None.

    Formulas give the value that was last computed; empty rows are skipped.

    Raises:
        UnreadableSource: The file is damaged, names a column twice, or unpacks to too much.
    """
    with seekable(source, options) as stream:
        _check_size(stream, source, options)
        found = _cells(stream, source)
        columns = _columns(next(found, ()), source)
        for place, cells in enumerate(found, start=2):
            if any(cell is not None for cell in cells):
                yield _record(dict(zip(columns, cells, strict=False)), place, source, options)


def _check_size(stream: Any, source: Source, options: ImportOptions) -> None:
    try:
        entries = zipfile.ZipFile(stream).infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise UnreadableSource(f"{source.shown_name} is a damaged workbook: {error}") from error
    held = [entry for entry in entries if not entry.filename.startswith(_SHEETS)]
    if any(entry.file_size > _MOST_HELD for entry in held):
        raise UnreadableSource(
            f"{source.shown_name} is no workbook that can be read: a part of it other than its "
            f"sheets unpacks to more than {_MOST_HELD:,} bytes. Save it as CSV."
        )
    size = sum(entry.file_size for entry in entries)
    if size > options.max_decompressed_bytes:
        raise UnreadableSource(
            f"{source.shown_name} unpacks to {size:,} bytes, more than the "
            f"{options.max_decompressed_bytes:,} of one import. Split it, or raise "
            "FAULTBOOK_DECOMPRESSED_LIMIT_BYTES."
        )


def _cells(stream: Any, source: Source) -> Iterator[tuple[Any, ...]]:
    from openpyxl import load_workbook  # a quarter of a second, which only workbooks need

    try:
        book = load_workbook(stream, read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        yield from sheet.iter_rows(values_only=True, max_col=_MOST_COLUMNS)
    except UnreadableSource:
        raise
    except Exception as error:  # openpyxl raises whatever the damage of a part leads to
        raise UnreadableSource(
            f"{source.shown_name} is a damaged workbook: {error or type(error).__name__}"
        ) from error


def _columns(first: tuple[Any, ...], source: Source) -> list[str]:
    names = ["" if cell is None else str(cell).strip() for cell in first]
    while names and not names[-1]:
        names.pop()
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if not any(names) or twice is not None:
        problem = f"has the column «{twice}» twice" if twice else "has no column names in row 1"
        raise UnreadableSource(f"The first sheet of {source.shown_name} {problem}.")
    return names


def _record(
    row: dict[str, Any], place: int, source: Source, options: ImportOptions
) -> RawRecord | RefusedRecord:
    try:
        value = {name: _plain(cell, name) for name, cell in row.items() if name}
    except FieldProblem as problem:
        told = json.dumps({name: str(cell) for name, cell in row.items()})
        return RefusedRecord(source.shown_name, place, problem.field, problem.reason, told)
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > options.max_record_bytes:
        reason = f"a row of more than {options.max_record_bytes:,} bytes"
        return RefusedRecord(source.shown_name, place, "", reason, text)
    return RawRecord(place, text, value)


def _plain(value: Any, field: str) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return number(value, field)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)
