"""The table that `--input` names: CSV, JSON lines, a JSON array or Parquet, checked row by row."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from server.errors import Invalid

if TYPE_CHECKING:
    import pandas as pd

    from server.importers.base import RawRecord

_FEW, _SHOWN = 5, 20
LINES = "lines"
"""In `attrs` of the frame: the line of the file that each row stands in."""


@dataclasses.dataclass(frozen=True)
class Field:
    """A column that an analysis reads."""

    name: str
    about: str
    """What it holds, in words: the end of «expected …»."""
    may_be_empty: bool = False
    is_required: bool = True
    """Whether the table must have it."""
    is_whole_number: bool = False
    is_number: bool = False
    """Whether it is a finite number."""
    is_weight: bool = False
    """Whether it is a number above 0."""
    is_quantity: bool = False
    """Whether it is a number from 0 on."""
    may_be_truth: bool = False
    """Whether true and false are values of it."""
    choices: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """What may stand there, in lower case, and what it means; any text where nothing is said."""


class UnfitTable(Invalid):
    """Some rows of the table do not fit; the sentence names lines and fields."""


def renamed(pairs: Sequence[str], fields: Sequence[Field]) -> dict[str, str]:
    """Read `--map FIELD=COLUMN`.

    Raises:
        typer.BadParameter: A pair has no `=`, or names a field that the analysis does not read.
    """
    known = [field.name for field in fields]
    found = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not equals or name.strip() not in known or not column.strip():
            raise typer.BadParameter(
                f"--map {pair}: expected FIELD=COLUMN, FIELD being one of {', '.join(known)}."
            )
        found[name.strip()] = column.strip()
    return found


def columns_of(path: Path) -> list[str]:
    """Return the columns of a table, in the order in which its rows name them."""
    from server.importers.base import ImportOptions, RawRecord, Source
    from server.importers.files import records

    found = records.records(Source(path), ImportOptions())
    rows = (row.value for row in found if isinstance(row, RawRecord))
    return list(dict.fromkeys(name for row in rows if isinstance(row, dict) for name in row))


def read_table(path: Path, fields: Sequence[Field], mapping: Mapping[str, str]) -> "pd.DataFrame":
    """Return the rows of a table in file order, as the columns `fields` that it has.

    Texts are stripped; an empty cell is an empty text.

    Raises:
        UnreadableSource: The file as a whole cannot be read.
        UnfitTable: A required column is missing, or rows do not fit.
    """
    import pandas as pd

    from server.importers.base import ImportOptions, RawRecord, Source, UnreadableSource
    from server.importers.files import records

    source, options = Source(path), ImportOptions()
    look = records.sample(source, options)
    if look.problem and not look.is_text:
        raise UnreadableSource(f"{source.shown_name} cannot be read: {look.problem}.")
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    columns: dict[str, None] = {}
    faults: list[str] = []
    for record in records.records(source, options):
        if not isinstance(record, RawRecord):
            faults.append(_told(record.line, record.field, record.reason))
        elif not isinstance(record.value, dict):
            faults.append(_told(record.line, "", "expected an object with named fields"))
        else:
            columns |= dict.fromkeys(record.value)
            rows.append(_row(record, fields, mapping, faults))
            lines.append(record.line)
    _check_columns(source.shown_name, list(columns), fields, mapping)
    if faults:
        more = f" and {len(faults) - _FEW:,} more" if len(faults) > _FEW else ""
        raise UnfitTable(f"{source.shown_name}: {'; '.join(faults[:_FEW])}{more}.")
    present = [f.name for f in fields if mapping.get(f.name, f.name) in columns]
    frame = pd.DataFrame(rows, columns=present)
    frame.attrs[LINES] = lines
    return frame


def _row(
    record: "RawRecord", fields: Sequence[Field], mapping: Mapping[str, str], faults: list[str]
) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for field in fields:
        column = mapping.get(field.name, field.name)
        if column not in record.value and not field.may_be_empty:
            continue  # a missing column is told once; a missing cell where it is required, below
        value = record.value.get(column)
        if problem := _problem(value, field):
            faults.append(_told(record.line, column, problem))
        row[field.name] = field.choices.get(_plain(value).lower(), _plain(value))
    if isinstance(record.value, dict):
        faults.extend(
            _told(record.line, mapping.get(field.name, field.name), f"missing, {field.about}")
            for field in fields
            if field.is_required and not field.may_be_empty and field.name not in row
        )
    return row


def _problem(value: Any, field: Field) -> str:
    takes_truth = field.choices or field.may_be_truth
    if isinstance(value, dict | list) or (isinstance(value, bool) and not takes_truth):
        kind = {dict: "an object", list: "a list", bool: "true or false"}[type(value)]
        return f"expected {field.about}, found {kind}"
    text = _plain(value)
    if not text:
        return "" if field.may_be_empty else f"expected {field.about}, found nothing"
    fits = (
        (not field.is_whole_number or _is_whole_number(text))
        and (not field.is_number or _is_number(text))
        and (not field.is_weight or _is_weight(text))
        and (not field.is_quantity or _is_quantity(text))
        and (not field.choices or text.lower() in field.choices)
    )
    return "" if fits else f"expected {field.about}, found «{text[:40]}»"


def _is_whole_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 15  # beyond that, none is a count


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _is_weight(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False


def _is_quantity(text: str) -> bool:
    try:
        return 0 <= float(text) < math.inf
    except ValueError:
        return False


def _plain(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def _told(line: int, field: str, reason: str) -> str:
    return f"line {line:,}, {field}: {reason}" if field else f"line {line:,}: {reason}"


def _check_columns(
    name: str, columns: Sequence[str], fields: Sequence[Field], mapping: Mapping[str, str]
) -> None:
    wanted = {f.name: mapping.get(f.name, f.name) for f in fields}
    required = [f.name for f in fields if f.is_required or f.name in mapping]
    missing = [wanted[field] for field in required if wanted[field] not in columns]
    if missing and not columns:
        raise UnfitTable(f"{name} holds no row.")
    if missing:
        more = f" and {len(columns) - _SHOWN:,} more" if len(columns) > _SHOWN else ""
        raise UnfitTable(
            f"{name} lacks the column {' and the column '.join(missing)}; it has "
            f"{', '.join(columns[:_SHOWN])}{more}. Rename one with --map FIELD=COLUMN."
        )
