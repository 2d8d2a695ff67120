"""Reading the files of an import: to redacted and hashed drafts, chunk by chunk, in file order.

Nothing here needs a database, so that a process of its own can do it (`import_process`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from server.importers.base import (
    ImportOptions,
    RefusedRecord,
    Source,
    TraceDraft,
    UnreadableSource,
)
from server.importers.content import content_hash
from server.importers.meter import Meter
from server.importers.redaction import Redactor, Rule
from server.importers.registry import importers
from server.importers.seen_ids import SeenIds

CHUNK_RECORDS = 500
CHUNK_CHARACTERS = 2 * 1024**2
"""A chunk ends at either: others wait to write while one is stored, and it is held in memory."""

Read = TraceDraft | RefusedRecord


@dataclass(frozen=True)
class FileJob:
    """One file to read in a known format, without its first `skip` records."""

    source: Source
    format: str
    skip: int = 0


@dataclass(frozen=True)
class ReadJob:
    """The files of an import."""

    files: tuple[FileJob, ...]
    options: ImportOptions
    rules: tuple[Rule, ...] = ()
    former: ImportOptions | None = None
    """How the files were read first, where they are read again: their traces keep those ids."""
    chunk_records: int = CHUNK_RECORDS


class Chunk(NamedTuple):
    """Records that are stored together."""

    file: int
    drafts: tuple[TraceDraft, ...]
    hashes: tuple[str, ...]
    """Of the drafts, as redacted: the same file read again gives the same traces."""
    refused: tuple[RefusedRecord, ...]
    redacted: int
    """How many finds the redaction rules replaced."""
    read_bytes: int
    """How much of the file was read for it and all before it, as it lies on disk."""
    expected: int | None
    """How many records the file holds, where its importer knows."""


class StillReading(NamedTuple):
    """Nothing to store yet: some formats are read to their end before their first trace."""

    file: int
    read_bytes: int


class FileEnd(NamedTuple):
    """A file was read as far as it can be."""

    file: int
    problem: str


Message = Chunk | StillReading | FileEnd
Tell = Callable[[StillReading], None]


def read(job: ReadJob, tell: Tell | None = None) -> Iterator[Message]:
    """Yield what the files hold; `tell` is called now and then in between.

    Raises:
        Invalid: A redaction rule takes too long: nothing unredacted may come out.
    """
    redactor = Redactor(job.rules)
    options = replace(job.options, seen_ids=SeenIds())
    former = replace(job.former, seen_ids=SeenIds()) if job.former else None
    for number, file in enumerate(job.files):
        meter = _meter(number, file, tell)
        importer = importers()[file.format]
        items = importer.read(file.source, replace(options, meter=meter))
        if former is not None:
            items = _with_ids_of(importer.read(file.source, former), items, file.source)
        problem = ""
        try:
            # What is stored already is read again, not stored again: later ids depend on it.
            for _ in islice(items, file.skip):
                pass
            for chunk in _chunks(items, job.chunk_records):
                yield _redacted(number, chunk, redactor, meter)
        except UnreadableSource as error:
            problem = error.message
        yield FileEnd(number, problem)


def _with_ids_of(first: Iterator[Read], items: Iterator[Read], source: Source) -> Iterator[Read]:
    """Give each record the id that it was read under first: what people did goes by it.

    Raises:
        UnreadableSource: The file holds another number of records when it is read this way.
    """
    for item in items:
        former = next(first, None)
        if former is None:
            raise UnreadableSource(
                f"{source.shown_name} holds more records when it is read this way: which trace is "
                "which cannot be told. Import the file anew."
            )
        if isinstance(item, TraceDraft) and isinstance(former, TraceDraft):
            item = replace(item, external_id=former.external_id, known_as=former.known_as)
        yield item


def _meter(number: int, file: FileJob, tell: Tell | None) -> Meter:
    def told() -> None:
        if tell is not None:
            tell(StillReading(number, meter.read_bytes))

    meter = Meter(file.source.path, told)
    return meter


def _redacted(number: int, chunk: list[Read], redactor: Redactor, meter: Meter) -> Chunk:
    # Before anything is hashed or written: nothing unredacted is kept.
    refused = redactor.refused(item for item in chunk if isinstance(item, RefusedRecord))
    drafts, redacted = redactor.drafts(item for item in chunk if isinstance(item, TraceDraft))
    return Chunk(
        file=number,
        drafts=tuple(drafts),
        hashes=tuple(content_hash(draft) for draft in drafts),
        refused=tuple(refused),
        redacted=redacted,
        read_bytes=meter.read_bytes,
        expected=meter.expected,
    )


def _chunks(items: Iterator[Read], most: int) -> Iterator[list[Read]]:
    """Gather records into chunks; what came before damage to the file is a chunk, too."""
    chunk: list[Read] = []
    size = 0
    damage: UnreadableSource | None = None
    while damage is None:
        try:
            item = next(items, None)
        except UnreadableSource as error:
            damage, item = error, None
        if item is None:
            break
        chunk.append(item)
        size += _size(item)
        if len(chunk) >= most or size >= CHUNK_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
    if damage is not None:
        raise damage


def _size(item: Read) -> int:
    if isinstance(item, RefusedRecord):
        return len(item.record)
    return sum(len(step.text) for step in item.steps)
