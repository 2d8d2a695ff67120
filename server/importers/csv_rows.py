"""CSV rows as records: delimiter and header found, each row kept with its line and its text."""

import csv
from collections import Counter
from collections.abc import Iterator

from server.importers.base import ImportOptions, RawRecord, RefusedRecord, Source, UnreadableSource
from server.importers.sources import Line

_DELIMITERS = ",;\t|"


class _Tape:
    """Hands lines to the csv reader and remembers those of the row being read."""

    def __init__(self, lines: Iterator[Line], limit: int) -> None:
        self._lines = lines
        self._limit = limit
        self._used: list[Line] = []
        self._size = 0

    def __iter__(self) -> "_Tape":
        return self

    def __next__(self) -> str:
        if self._size > self._limit:
            raise csv.Error(f"the row holds more than {self._limit:,} characters")
        line = next(self._lines)
        self._used.append(line)
        self._size += len(line.text)
        return line.text

    def take(self) -> list[Line]:
        """Return the lines of the row just read and start the next."""
        used, self._used, self._size = self._used, [], 0
        return used


def rows(
    lines: Iterator[Line], source: Source, options: ImportOptions
) -> Iterator[RawRecord | RefusedRecord]:
    """Yield each row as an object of texts by column name, or the reason why it is refused."""
    # The module's limit is process-wide; every import sets the same kind of bound.
    csv.field_size_limit(options.max_record_bytes)
    first = next(lines)
    columns = header(first, source)
    delimiter = _delimiter(first.text)
    tape = _Tape(lines, options.max_record_bytes)
    while True:
        reader = csv.reader(tape, delimiter=delimiter, strict=True)
        try:
            for row in reader:
                yield from _record(row, tape.take(), columns, source)
            return
        except csv.Error as error:
            # The reader is lost inside a broken row; a new one starts on the line after it.
            yield _refused(tape.take(), source, "", f"not a CSV row: {error}")


def header(first: Line, source: Source) -> tuple[str, ...]:
    """Return the column names of the header line; nameless ones are called by their number."""
    if first.problem:
        raise UnreadableSource(f"The header of {source.shown_name} is {first.problem}.")
    try:
        names = next(csv.reader([first.text], delimiter=_delimiter(first.text), strict=True))
    except csv.Error as error:
        raise UnreadableSource(
            f"The header of {source.shown_name} is not a CSV row: {error}. "
            "Column names may not span lines."
        ) from error
    columns = tuple(
        name.strip() or f"column {number}" for number, name in enumerate(names, start=1)
    )
    repeated = [name for name, count in Counter(columns).items() if count > 1]
    if repeated:
        raise UnreadableSource(
            f"{source.shown_name} names the column «{repeated[0]}» twice; expected each once."
        )
    return columns


def _delimiter(first_line: str) -> str:
    return max(_DELIMITERS, key=first_line.count)


def _record(
    row: list[str], used: list[Line], columns: tuple[str, ...], source: Source
) -> Iterator[RawRecord | RefusedRecord]:
    problem = next((line.problem for line in used if line.problem), "")
    if problem:
        yield _refused(used, source, "", problem)
    elif not row:
        return
    elif len(row) != len(columns):
        reason = f"the row has {len(row)} fields; expected {len(columns)}, as in the header"
        yield _refused(used, source, "", reason)
    else:
        value = dict(zip(columns, row, strict=True))
        nul = next((name for name, text in value.items() if "\x00" in text), None)
        if nul is not None:
            yield _refused(used, source, nul, "holds a NUL character; expected text")
        else:
            yield RawRecord(used[0].number, _text(used), value)


def _refused(used: list[Line], source: Source, field: str, reason: str) -> RefusedRecord:
    number = used[0].number if used else 0
    return RefusedRecord(source.shown_name, number, field, reason, _text(used))


def _text(used: list[Line]) -> str:
    return "".join(line.text for line in used).rstrip("\r\n")
