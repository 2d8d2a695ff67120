"""Labels of people in a file: a label bundle, one label a line, or the table of the CSV export."""

import csv
import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, NamedTuple

from server.errors import Invalid
from server.models.label import LabelSource, LabelValue

BUNDLE = "faultbook-label-bundle"
MOST_TAXONOMY_BYTES = 64 * 1024 * 1024
COLUMNS = ("trace_id", "mode", "value", "annotator")
GOLD = "gold"
_WORDS = {
    "present": LabelValue.PRESENT,
    "1": LabelValue.PRESENT,
    "absent": LabelValue.ABSENT,
    "0": LabelValue.ABSENT,
}
_GUARDED = re.compile(r"'(?=[=+\-@\t\r\0])")
_SOURCES = {source.value for source in LabelSource} - {LabelSource.MACHINE.value} | {GOLD}


class GivenLabel(NamedTuple):
    """One label of a person, or a gold one, and where it stands for whoever has to correct it."""

    place: str
    trace: str
    mode: str
    """Guid, or name."""
    value: LabelValue
    annotator: str
    version: int | None = None
    """Of the definition; None for the latest."""
    source: str = LabelSource.IMPORTED.value
    at: datetime | None = None
    reason: str = ""

    @property
    def is_gold(self) -> bool:
        return self.source == GOLD


@dataclass(frozen=True)
class LabelFile:
    """What a file holds."""

    labels: Sequence[GivenLabel]
    taxonomy: Sequence[Mapping[str, Any]] = ()
    """Modes with all versions of their definitions, where the file brings them."""


def read_label_file(path: Path) -> LabelFile:
    """Read a file of labels.

    Raises:
        Invalid: Naming the line, and what was expected there; or what is wrong with the bundle.
    """
    if zipfile.is_zipfile(path):
        return _bundle(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix.lower() in (".jsonl", ".ndjson"):
                return LabelFile(list(_lines(file)))
            return LabelFile(list(_table(file)))
    except UnicodeDecodeError as error:
        raise Invalid(f"{path.name} is no UTF-8 text: save it as UTF-8.") from error


def _bundle(path: Path) -> LabelFile:
    with zipfile.ZipFile(path) as archive:
        try:
            manifest = json.loads(_whole(archive, "manifest.json"))
            modes = json.loads(_whole(archive, "taxonomy.json"))["modes"]
        except KeyError as error:
            raise Invalid(
                f"{path.name} is no label bundle: it lacks manifest.json or taxonomy.json. Labels "
                "come from label bundles, their labels.jsonl, and the CSV export."
            ) from error
        except (TypeError, ValueError, RecursionError) as error:
            raise Invalid(f"{path.name} is no label bundle: {error}.") from error
        if not isinstance(manifest, dict) or manifest.get("format") != BUNDLE:
            raise Invalid(f"{path.name} is no label bundle: its manifest names another format.")
        _vouched(archive, manifest, path.name)
        with closing(archive.open("labels.jsonl")) as member:
            labels = list(_lines(TextIOWrapper(member, encoding="utf-8")))
        return LabelFile(labels, [mode for mode in modes if isinstance(mode, dict)])


def _whole(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as member:
        found = member.read(MOST_TAXONOMY_BYTES + 1)
    if len(found) > MOST_TAXONOMY_BYTES:
        raise Invalid(f"{name} is larger than {MOST_TAXONOMY_BYTES:,} bytes.")
    return found


def _vouched(archive: zipfile.ZipFile, manifest: Mapping[str, Any], name: str) -> None:
    told = manifest.get("files")
    for file in ("taxonomy.json", "labels.jsonl"):
        wanted = told.get(file, {}).get("sha256") if isinstance(told, dict) else None
        digest = hashlib.sha256()
        with archive.open(file) as member:
            while piece := member.read(1 << 20):
                digest.update(piece)
        if digest.hexdigest() != wanted:
            raise Invalid(
                f"{file} in {name} is not as it was exported: its hash is not the manifest's."
            )


def _lines(file: Iterable[str]) -> Iterator[GivenLabel]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Invalid(f"Line {number} is no JSON: {error}.") from error
        if not isinstance(row, dict):
            raise Invalid(f"Line {number} is no object with {', '.join(COLUMNS)}.")
        if found := _label(f"Line {number}", row):
            yield found


def _table(file: IO[str]) -> Iterator[GivenLabel]:
    reader = csv.DictReader(file)
    names = [_GUARDED.sub("", name, count=1) for name in reader.fieldnames or ()]
    reader.fieldnames = names
    people = [name for name in names if "@" in name and name.partition("@")[0] in names]
    golden = [name.removesuffix(".source") for name in names if name.endswith(".source")]
    is_wide = "value" not in names and bool(golden)
    try:
        for row in reader:
            place = f"Line {reader.line_num}"
            cells = {name: _cell(value) for name, value in row.items() if name is not None}
            if is_wide:
                yield from _wide(place, cells, people, golden)
            elif found := _label(place, cells):
                yield found
    except csv.Error as error:
        raise Invalid(f"Line {reader.line_num}: {error}.") from error


def _cell(value: str | None) -> str | None:
    """Return a cell without the quote that keeps spreadsheets from running it."""
    return None if value is None else _GUARDED.sub("", value, count=1)


def _wide(
    place: str, cells: Mapping[str, Any], people: Sequence[str], golden: Sequence[str]
) -> Iterator[GivenLabel]:
    """Yield the labels of one row of the CSV export: each person's, and gold ones."""
    for column in people:
        mode, _, person = column.partition("@")
        if cells.get(column) and mode in golden:
            told = {**cells, "mode": mode, "annotator": person, "value": cells[column]}
            yield from _told(f"{place}, column {column}", told)
    for mode in golden:
        if cells.get(f"{mode}.source") == GOLD:
            version = cells.get(f"{mode}.mode_version")
            told = {**cells, "mode": mode, "value": cells.get(mode), "annotator": ""}
            told |= {"source": GOLD, "mode_version": version}
            yield from _told(f"{place}, column {mode}", told)


def _told(place: str, cells: Mapping[str, Any]) -> Iterator[GivenLabel]:
    names = ("trace_id", "mode", "value", "annotator", "source", "mode_version")
    own = {name: cells[name] for name in names if name in cells}
    if cells.get("source") != GOLD:
        own.pop("source", None)  # in this table it is where the trace comes from
    if found := _label(place, own):
        yield found


def _label(place: str, row: Mapping[str, Any]) -> GivenLabel | None:
    mode = row.get("mode_id") or row.get("mode")
    told = {**row, "mode": mode}
    if missing := [name for name in COLUMNS if told.get(name) is None]:
        raise Invalid(f"{place} lacks {', '.join(missing)}: give {', '.join(COLUMNS)}.")
    trace, mode, value, annotator = (str(told[name]).strip() for name in COLUMNS)
    if not value:
        return None
    if value.casefold() not in _WORDS:
        raise Invalid(f"{place}: «{value}» is no value; use present or absent, or 1 or 0.")
    source = str(row.get("source") or LabelSource.IMPORTED.value)
    if source not in _SOURCES:
        raise Invalid(f"{place}: «{source}» is no source of a person's label.")
    if not annotator and source != GOLD:
        raise Invalid(f"{place} does not say whose label it is: fill in annotator.")
    return GivenLabel(
        place,
        trace,
        mode,
        _WORDS[value.casefold()],
        annotator,
        _version(place, row.get("mode_version")),
        source,
        _time(place, row.get("at")),
        str(row.get("reason") or ""),
    )


def _version(place: str, value: Any) -> int | None:
    if value is None or value == "":
        return None
    text = str(value)
    if not text.isdecimal() or not 0 < int(text[:10]) < 2**31:
        raise Invalid(f"{place}: mode_version is a whole number from 1, not «{text[:40]}».")
    return int(text)


def _time(place: str, value: Any) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise Invalid(f"{place}: at is a time in ISO 8601, not «{str(value)[:40]}».") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
