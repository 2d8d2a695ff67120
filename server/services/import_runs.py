"""Reading files chunk by chunk into the database, and going on where an import stopped.

Each chunk is one transaction, which also writes how far the import is. So an import that was
killed and is run again ends with the same database as one that ran through.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from hashlib import file_digest, sha256
from itertools import islice
from pathlib import Path

from sqlmodel import Session

from server.db import Database
from server.importers.base import ImportOptions, RefusedRecord, TraceDraft, UnreadableSource
from server.importers.folders import FoundFile, find_files
from server.importers.redaction import Redactor, from_settings
from server.models.base import utc_now
from server.models.project import Annotator, Member, Project
from server.models.trace import Import, ImportStatus
from server.services import import_chunks, projects
from server.services.import_chunks import Target
from server.services.import_counts import Counts, FileCounts, ImportResult
from server.services.runs import Cancelled
from server.settings import Settings

CHUNK_RECORDS = 500
CHUNK_CHARACTERS = 16 * 1024**2
"""A chunk ends at either: long traces must not pile up in memory and in one transaction."""
_REFUSED_EXAMPLES = 5

Progress = Callable[[int, int | None, str], None]
"""Told how many records are done; may raise runs.Cancelled."""

Read = TraceDraft | RefusedRecord


def digest_of(files: Sequence[FoundFile]) -> str:
    """Return the SHA-256 of the files of an import, names included."""
    total = sha256()
    for file in files:
        total.update(file.source.shown_name.encode())
        if file.source.path.is_file():
            with file.source.path.open("rb") as stream:
                total.update(file_digest(stream, "sha256").digest())
    return total.hexdigest()


def can_read(path: Path, options: ImportOptions) -> bool:
    """Return whether any file at `path` is of a known format."""
    return any(file.importer for file in find_files(path, options))


def dry_run(path: Path, options: ImportOptions) -> ImportResult:
    """Read everything and store nothing: what would be read, and what would be refused."""
    started = time.monotonic()
    counts, examples = Counts(), list[RefusedRecord]()
    taken: dict[str, str] = {}
    for file in find_files(path, options):
        done = FileCounts(file.source.shown_name, skipped=file.skipped, problem=file.problem)
        file_started = time.monotonic()
        try:
            for item in _items(file, options, taken):
                if isinstance(item, RefusedRecord):
                    done = replace(done, refused=done.refused + 1)
                    examples = [*examples, item][:_REFUSED_EXAMPLES]
                else:
                    done = replace(done, read=done.read + 1)
        except UnreadableSource as problem:
            done = replace(done, problem=problem.message)
        counts = counts.with_file(
            replace(done, format=_format(file), seconds=time.monotonic() - file_started)
        )
    return ImportResult(counts, None, time.monotonic() - started, tuple(examples))


def run_import(
    database: Database,
    settings: Settings,
    import_id: int,
    path: Path,
    options: ImportOptions,
    progress: Progress,
    *,
    name: str = "",
) -> ImportResult:
    """Import a file or folder under a staged Import row.

    Raises:
        Cancelled: Progress raised it; the chunks finished by then stay.
    """
    run = _Run(database, settings, import_id, options, progress)
    files = find_files(path, options, name=name)
    if run.begin(digest_of(files)):
        try:
            for file in files:
                run.read(file, remembers_ids=len(files) > 1)
        except Cancelled:
            run.finish(ImportStatus.CANCELLED)
            raise
        except Exception:
            run.finish(ImportStatus.FAILED)
            raise
        run.finish(ImportStatus.DONE)
    return run.result()


class _Run:
    """One import under way."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        import_id: int,
        options: ImportOptions,
        progress: Progress,
    ) -> None:
        self._database = database
        self._import_id = import_id
        self._options = options
        self._progress = progress
        self._refused = settings.refused / f"import-{import_id}.jsonl"
        self._taken: dict[str, str] = {}
        self._counts = Counts()
        self._redactor = Redactor(())
        self._examples: list[RefusedRecord] = []
        self._started = self._counted_until = time.monotonic()

    def begin(self, digest: str) -> bool:
        """Take up the import, from its start or from where it stopped; False if it is done."""
        with self._database.writing() as session:
            row = session.get_one(Import, self._import_id)
            if row.sha256 in ("", digest):
                self._counts = Counts.from_json(row.counts)
            project = session.get_one(Project, row.project_id)
            self._redactor = Redactor(from_settings(project.settings))
            if row.status is ImportStatus.DONE:
                return False
            row.status, row.sha256, row.finished_at = ImportStatus.RUNNING, digest, None
            session.add(row)
        self._refused.parent.mkdir(parents=True, exist_ok=True)
        with self._refused.open("ab") as stream:
            # What a killed process wrote after its last finished chunk will be written again.
            stream.truncate(self._counts.refused_bytes)
        return True

    def read(self, file: FoundFile, *, remembers_ids: bool) -> None:
        """Read one file from where the counts say, and store it chunk by chunk."""
        name = file.source.shown_name
        counts = self._counts.of_file(name)
        items = _items(file, self._options, self._taken if remembers_ids else None)
        problem = file.problem
        try:
            # Finished records are read again, not stored again: later ids depend on them.
            for _ in islice(items, counts.records):
                pass
            for chunk in _chunks(items):
                self._store(name, chunk)
        except UnreadableSource as error:
            problem = error.message
        self._counts = self._counts.with_file(
            replace(
                self._counts.of_file(name),
                format=_format(file),
                skipped=file.skipped,
                problem=problem,
            )
        )

    def _store(self, name: str, chunk: Sequence[Read]) -> None:
        # Before anything is written or hashed: nothing unredacted is kept, and the same file read
        # again gives the same traces.
        refused = self._redactor.refused(item for item in chunk if isinstance(item, RefusedRecord))
        drafts, redacted = self._redactor.drafts(
            item for item in chunk if isinstance(item, TraceDraft)
        )
        self._examples = [*self._examples, *refused][:_REFUSED_EXAMPLES]
        length = self._keep_refused(refused)
        before = self._counts.of_file(name)
        with self._database.writing() as session:
            target = self._target(session)
            stored = import_chunks.store(target, drafts)
            counts = self._counts.with_file(
                replace(
                    before,
                    read=before.read + len(drafts),
                    created=before.created + stored.created,
                    updated=before.updated + stored.updated,
                    unchanged=before.unchanged + stored.unchanged,
                    refused=before.refused + len(refused),
                    redacted=before.redacted + redacted,
                    seconds=before.seconds + self._seconds(),
                ),
                refused_bytes=length,
            )
            target.row.counts = counts.as_json()
            session.add(target.row)
        self._counts = counts
        self._progress(sum(file.records for file in counts.files), None, name)

    def _seconds(self) -> float:
        """Return the time since this was last asked, reading included."""
        since, self._counted_until = self._counted_until, time.monotonic()
        return self._counted_until - since

    def _keep_refused(self, refused: Sequence[RefusedRecord]) -> int:
        """Append refused records to their file; on disk before the chunk is."""
        with self._refused.open("ab") as stream:
            for record in refused:
                stream.write(json.dumps(asdict(record)).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
            return stream.tell()

    def _target(self, session: Session) -> Target:
        row = session.get_one(Import, self._import_id)
        project = session.get_one(Project, row.project_id)
        if row.created_by is None:
            return Target(session, projects.local_member(session, project), row)
        member = Member(project, session.get_one(Annotator, row.created_by))
        return Target(session, member, row)

    def finish(self, status: ImportStatus) -> None:
        """Write down how the import ended."""
        result = self.result()
        if result.refused_file is None:
            self._refused.unlink(missing_ok=True)
        with self._database.writing() as session:
            row = session.get_one(Import, self._import_id)
            row.status = status
            row.counts = self._counts.as_json()
            row.refused_file = f"refused/{self._refused.name}" if result.refused_file else ""
            if status is ImportStatus.DONE:
                row.format, row.finished_at = ", ".join(result.formats), utc_now()
            session.add(row)

    def result(self) -> ImportResult:
        """Return the answer as it stands."""
        refused = self._counts.totals()["refused"]
        return ImportResult(
            self._counts,
            str(self._refused.resolve()) if refused else None,
            time.monotonic() - self._started,
            tuple(self._examples),
        )


def _format(file: FoundFile) -> str:
    return file.importer.name if file.importer else ""


def _items(file: FoundFile, options: ImportOptions, taken: dict[str, str] | None) -> Iterator[Read]:
    """Yield what a file holds; with `taken`, ids of other files are refused and these added."""
    if file.importer is None:
        return
    own: dict[str, str] = {}
    if taken is not None:
        options = replace(options, taken_ids=taken)
    for item in file.importer.read(file.source, options):
        if taken is not None and isinstance(item, TraceDraft):
            own[item.external_id] = file.source.shown_name
        yield item
    if taken is not None:
        taken.update(own)


def _chunks(items: Iterator[Read]) -> Iterator[list[Read]]:
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
        if len(chunk) >= CHUNK_RECORDS or size >= CHUNK_CHARACTERS:
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
