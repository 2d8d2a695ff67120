"""XLSX: traces, labels and codebook as sheets, and one that says what the file is."""

import math
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from server import __version__
from server.errors import Invalid
from server.exporters import csv_table, label_bundle
from server.exporters.choices import Choices
from server.exporters.csv_table import FORMULA, Layout
from server.exporters.json_lines import dumps
from server.exporters.reading import Source

MOST_ROWS = 1_048_575
"""Rows that a sheet holds below its heading; what is more goes onto a second one."""
MOST_CHARACTERS = 32_767
"""Characters that a cell holds."""
MOST_COLUMNS = 16_384
_SURELY_FITS = MOST_CHARACTERS // 2
"""Spreadsheets count in UTF-16, where a character is one unit or two."""
_PIECE = 64 * 1024
_EXACT = 2**53
_NOTICE = 80
"""Characters kept free for saying that a text was too long."""
_LABELS = ("trace_id", "mode", "value", "annotator", "source", "mode_version", "at", "reason")
_CODEBOOK = ("mode_id", "name", "status", "parent", "merged_into", "decision", "impact", "version")
_WORDING = ("definition", "apply_when", "not_when", "pass_rule", "fail_rule", "reason")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class _Sheets:
    """Sheets of one name: a second one is begun where the first is full."""

    book: Any
    name: str
    columns: Sequence[str]
    formats: dict[str, Any]
    rows: int = 0
    shortened: int = 0
    _sheet: Any = None
    _at: int = 0
    _count: int = 0

    def add(self, values: Iterable[Any]) -> None:
        """Write one row."""
        if self._sheet is None or self._at > MOST_ROWS:
            self._begin()
        for column, value in enumerate(values):
            if value is not None and value != "":
                self._cell(column, value)
        self._at += 1
        self.rows += 1

    def begin(self) -> None:
        """Have a sheet even where no row comes."""
        if self._sheet is None:
            self._begin()

    def _begin(self) -> None:
        self._count += 1
        name = self.name if self._count == 1 else f"{self.name} {self._count}"
        self._sheet = self.book.add_worksheet(name)
        self._sheet.freeze_panes(1, 1)
        for column, title in enumerate(self.columns):
            self._sheet.write_string(0, column, title[:MOST_CHARACTERS], self.formats["heading"])
        self._at = 1

    def _cell(self, column: int, value: Any) -> None:
        if type(value) is not str:
            if _is_number(value):
                self._sheet.write_number(self._at, column, value)
                return
            value = _text(value)
        if len(value) > _SURELY_FITS:
            fitting = _fitted(value)
            self.shortened += fitting != value
            value = fitting
        look = self.formats["text"] if value.startswith(FORMULA) else None
        self._sheet.write_string(self._at, column, value, look)


def _is_number(value: Any) -> bool:
    """Whether a cell holds the number exactly: spreadsheets count in doubles, without infinity."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and abs(value) <= _EXACT


def _text(value: Any) -> str:
    if isinstance(value, int | float):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else dumps(value)


def _fitted(text: str) -> str:
    """Return a text that a cell holds; where it is too long, its end says what is left out."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * MOST_CHARACTERS:
        return text
    kept = units[: 2 * (MOST_CHARACTERS - _NOTICE)].decode("utf-16-le", errors="ignore")
    return f"{kept}… [{len(text) - len(kept):,} characters left out: see the JSON Lines]"


def write(source: Source, choices: Choices) -> Iterator[bytes]:
    """Write the workbook, row by row, into a temporary file, and stream that.

    A workbook is a zip whose first part names all others, so that nothing can leave before the
    last row is known.
    """
    with tempfile.TemporaryDirectory(prefix="faultbook-") as folder:
        path = Path(folder) / "export.xlsx"
        _fill(path, source, choices)
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece


def _fill(path: Path, source: Source, choices: Choices) -> None:
    import xlsxwriter

    options = {"constant_memory": True, "tmpdir": str(path.parent), "in_memory": False}
    book = xlsxwriter.Workbook(str(path), options)
    book.set_properties({"created": _EPOCH.replace(tzinfo=None), "comments": "Made by Faultbook"})
    formats = {
        "heading": book.add_format({"bold": True, "bottom": 1, "quote_prefix": True}),
        "text": book.add_format({"quote_prefix": True}),
    }
    codebook = source.codebook
    table = csv_table.layout(codebook)
    if len(table.columns) > MOST_COLUMNS:
        raise Invalid(
            f"A sheet holds {MOST_COLUMNS:,} columns, and there are {len(table.columns):,}: "
            "take CSV or Parquet."
        )
    traces = _Sheets(book, "traces", [column.name for column in table.columns], formats)
    labels = _Sheets(book, "labels", _LABELS, formats)
    traces.begin()
    labels.begin()
    for trace in source.traces(parts=csv_table.PARTS):
        traces.add(csv_table.values(table, trace))
        for label in label_bundle.labels(codebook, [trace]):
            labels.add(label.get(name) for name in _LABELS)
    modes = _written(book, formats, "codebook", (*_CODEBOOK, *_WORDING), _codebook(source))
    about = _about(source, choices, (traces, labels, modes), table)
    _written(book, formats, "about", ("what", "value"), about)
    book.close()


def _written(
    book: Any,
    formats: dict[str, Any],
    name: str,
    columns: Sequence[str],
    rows: Iterable[Iterable[Any]],
) -> _Sheets:
    sheets = _Sheets(book, name, columns, formats)
    sheets.begin()
    for row in rows:
        sheets.add(row)
    return sheets


def _codebook(source: Source) -> Iterator[Iterable[Any]]:
    for mode in source.taxonomy():
        wording = mode["versions"][-1] if mode["versions"] else {}
        yield (*(mode[name] for name in _CODEBOOK), *(wording.get(name) for name in _WORDING))


def _about(
    source: Source, choices: Choices, sheets: Sequence[_Sheets], table: Layout
) -> Iterator[tuple[str, Any]]:
    told = source.manifest(choices.filters)
    yield "project", told.project
    yield "made by", f"Faultbook {__version__}"
    yield "made at", told.created_at
    yield "filters", dict(told.filters)
    yield "split", choices.part or "all"
    yield "event_log_head", told.event_log_head
    yield "seen by", told.seen_by or "everybody's work"
    for sheet in sheets:
        yield f"rows of {sheet.name}", sheet.rows
        yield f"cells of {sheet.name} that were too long", sheet.shortened
    yield "values", "1 the failure is present, 0 absent, empty: nobody decided or people are tied"
    yield "formulas", "Text that begins like a formula is marked as text (quote prefix), unchanged"
    for column in table.columns:
        yield f"column {column.name}", column.meaning
