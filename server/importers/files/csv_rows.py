"""CSV rows as records: delimiter and header found, each row kept with its line and its text."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import chain

from server.importers.base import ImportOptions, RawRecord, RefusedRecord, Source, UnreadableSource
from server.importers.files.sources import Line

_DELIMITERS = ",;\t|"
_MAX_FIELDS = 1_000_000
_MAX_HEADER = 1024**2


class _Tape:
    """Hands lines to the csv reader and remembers those of the row being read."""

    def __init__(self, lines: Iterator[Line], delimiter: str, limit: int) -> None:
        self._lines = lines
        self._delimiter = delimiter
        self._limit = limit
        self._number = 0
        self._problem = ""
        # Bytes, not a list of lines: an open quote may swallow millions of short ones.
        self._used = io.BytesIO()

    def __iter__(self) -> "_Tape":
        return self

    def __next__(self) -> str:
        if self._used.tell() > self._limit:
            raise csv.Error(f"the row holds more than {self._limit:,} bytes")
        line = next(self._lines)
        self._number = self._number or line.number
        self._problem = self._problem or line.problem
        self._used.write(line.text.encode())
        if line.text.count(self._delimiter) > _MAX_FIELDS:
            raise csv.Error(f"a line with more than {_MAX_FIELDS:,} fields")
        return line.text

    def put_back(self, lines: Iterator[Line]) -> None:
        """Hand these lines out again, before what comes next."""
        self._lines = chain(lines, self._lines)

    def take(self) -> Line:
        """Return all of the row just read as one line, and start the next."""
        text = self._used.getvalue().decode().rstrip("\r\n")
        taken = Line(self._number, text, self._problem)
        self._number, self._problem, self._used = 0, "", io.BytesIO()
        return taken


def rows(
    lines: Iterator[Line],
    source: Source,
    options: ImportOptions,
    *,
    numbers_repeated: bool = False,
) -> Iterator[RawRecord | RefusedRecord]:
    """Yield each row as an object of texts by column name, or the reason why it is refused.

    With `numbers_repeated`, columns of the same name are told apart as `numbered` does.

    Raises:
        UnreadableSource: The header is broken, or names a column twice.
    """
    # The module's limit is process-wide; every import sets the same kind of bound.
    csv.field_size_limit(options.max_record_bytes)
    first = next(lines)
    columns = header(first, source)
    if numbers_repeated:
        columns = numbered(columns)
    elif problem := repeated(columns):
        raise UnreadableSource(f"{source.shown_name} {problem}.")
    delimiter = _delimiter(first.text)
    tape = _Tape(lines, delimiter, options.max_record_bytes)
    while True:
        reader = csv.reader(tape, delimiter=delimiter, strict=True)
        try:
            for row in reader:
                yield from _record(row, tape.take(), columns, source)
            return
        except csv.Error as error:
            # The reader is lost inside a broken row; a new one starts on the line after it.
            broken = tape.take()
            second = next(_swallowed(broken), None)
            if second and not broken.problem and _is_row(second.text, delimiter, len(columns)):
                tape.put_back(_swallowed(broken))
                first = Line(broken.number, broken.text.partition("\n")[0].rstrip("\r"))
                yield _refused(first, source, "", "a quote is opened and not closed on its line")
            else:
                yield _refused(broken, source, "", f"not a CSV row: {error}")


def _swallowed(broken: Line) -> Iterator[Line]:
    """Yield the lines behind the first one of a broken row, which an open quote has swallowed."""
    number, start = broken.number, broken.text.find("\n") + 1
    while start:
        end = broken.text.find("\n", start) + 1
        number += 1
        yield Line(number, broken.text[start:end] if end else f"{broken.text[start:]}\n")
        start = end


def _is_row(text: str, delimiter: str, fields: int) -> bool:
    try:
        return [len(row) for row in csv.reader([text], delimiter=delimiter, strict=True)] == [
            fields
        ]
    except csv.Error:
        return False


def header(first: Line, source: Source) -> tuple[str, ...]:
    """Return the column names of the header line; nameless ones are called by their number."""
    if first.problem:
        raise UnreadableSource(
            f"The header of {source.shown_name} is {first.problem}. Save the file as UTF-8 (in a "
            "spreadsheet: «CSV UTF-8») and import it again."
        )
    if len(first.text) > _MAX_HEADER:
        raise UnreadableSource(f"The header of {source.shown_name} is over a megabyte long.")
    try:
        names = next(csv.reader([first.text], delimiter=_delimiter(first.text), strict=True))
    except csv.Error as error:
        raise UnreadableSource(
            f"The header of {source.shown_name} is not a CSV row: {error}. "
            "Column names may not span lines."
        ) from error
    return tuple(name.strip() or f"column {number}" for number, name in enumerate(names, start=1))


def repeated(columns: tuple[str, ...]) -> str:
    """Return what is wrong with columns of which one stands there twice; "" if none does."""
    twice = [name for name, count in Counter(columns).items() if count > 1]
    return f"names the column «{twice[0]}» twice; expected each once" if twice else ""


def numbered(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns by their place and name: `4 Status`, `10 Status`."""
    return tuple(f"{place} {name}" for place, name in enumerate(columns))


def _delimiter(first_line: str) -> str:
    return max(_DELIMITERS, key=first_line.count)


def _record(
    row: list[str], used: Line, columns: tuple[str, ...], source: Source
) -> Iterator[RawRecord | RefusedRecord]:
    if used.problem:
        yield _refused(used, source, "", used.problem)
    elif not any(row):  # A blank line, or what a spreadsheet makes of one: nothing but delimiters.
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
            yield RawRecord(used.number, used.text, value)


def _refused(used: Line, source: Source, field: str, reason: str) -> RefusedRecord:
    return RefusedRecord(source.shown_name, used.number, field, reason, used.text)
