"""Reading files chunk by chunk into the database, and going on where an import stopped.

Each chunk is one transaction, which also writes how far the import is. So an import that was
killed and is run again ends with the same database as one that ran through.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from dataclasses import replace
from hashlib import file_digest, sha256
from pathlib import Path

from sqlmodel import Session

from analysis.percentages import percent
from server import bulk
from server.db import Database
from server.importers.base import ImportOptions, RefusedRecord, UnreadableSource
from server.importers.folders import FoundFile, find_files
from server.importers.outcome_rules import NO_RULES, from_project
from server.importers.redaction import Redactor, Rule, from_settings
from server.importers.seen_ids import SeenIds
from server.models.base import utc_now
from server.models.project import Annotator, Member, Project
from server.models.trace import Import, ImportStatus
from server.services import import_chunks, input_tuples, projects
from server.services.import_chunks import Target
from server.services.import_counts import Counts, FileCounts, ImportResult
from server.services.import_process import Reader, reader
from server.services.import_reading import CHUNK_RECORDS, Chunk, FileEnd, FileJob, ReadJob
from server.services.import_refused import RefusedFile, corrected_import, reference
from server.services.import_size import ImportSize
from server.services.runs import Cancelled
from server.settings import Settings

_REFUSED_EXAMPLES = 5

Progress = Callable[[int, int | None, str], None]
"""Told how many records are done, of about how many, and where; may raise runs.Cancelled."""


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


def dry_run(path: Path, options: ImportOptions, rules: Sequence[Rule] = ()) -> ImportResult:
    """Read everything and store nothing: what would be read, redacted, and refused."""
    started = time.monotonic()
    redactor = Redactor(rules)
    counts, examples = Counts(), list[RefusedRecord]()
    options = replace(options, seen_ids=SeenIds())
    for file in find_files(path, options):
        done = FileCounts(file.source.shown_name, skipped=file.skipped, problem=file.problem)
        file_started = time.monotonic()
        try:
            for item in file.importer.read(file.source, options) if file.importer else ():
                if isinstance(item, RefusedRecord):
                    done = replace(done, refused=done.refused + 1)
                    if len(examples) < _REFUSED_EXAMPLES:
                        examples += redactor.refused([item])
                else:
                    finds = redactor.drafts([item]).finds
                    done = replace(done, read=done.read + 1, redacted=done.redacted + finds)
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
    files: Sequence[FoundFile],
    digest: str,
    options: ImportOptions,
    progress: Progress,
    started: Reader | None = None,
    *,
    former: ImportOptions | None = None,
) -> ImportResult:
    """Import files under a staged Import row.

    Args:
        database: Where to.
        settings: For the data directory.
        import_id: The staged row.
        files: What was found at the path of the import.
        digest: Of these files.
        options: How to read them.
        progress: Told how far it is.
        started: Reads the files; without it one is started where that pays.
        former: How they were read first, where this import was done before: only its own traces
            are changed, and they keep the ids that they were read under then.

    Raises:
        ImportCancelled: Progress raised Cancelled; the chunks finished by then stay.
    """
    run = _Run(database, settings, import_id, files, progress, former)
    if run.begin(digest, options):
        try:
            with nullcontext(started) if started else reader() as reading:
                run.read(options, reading)
        except Cancelled:
            run.finish(ImportStatus.CANCELLED)
            raise ImportCancelled(run.result()) from None
        except Exception:
            run.finish(ImportStatus.FAILED)
            raise
        run.finish(ImportStatus.DONE)
    return run.result()


class ImportCancelled(Cancelled):
    """An import stopped because somebody asked for that; `result` says how far it came."""

    def __init__(self, result: ImportResult) -> None:
        super().__init__()
        self.result = result


class _Run:
    """One import under way."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        import_id: int,
        files: Sequence[FoundFile],
        progress: Progress,
        former: ImportOptions | None,
    ) -> None:
        self._former = former
        self._database = database
        self._import_id = import_id
        self._files = files
        self._read = [file for file in files if file.importer]
        self._progress = progress
        self._attachments = settings.attachments
        self._refused = settings.refused / f"import-{import_id}.jsonl"
        self._counts = Counts()
        self._kept = RefusedFile(self._refused, ImportOptions(), "")
        self._rules: tuple[Rule, ...] = ()
        self._outcome_rules = NO_RULES
        self._size = ImportSize([_bytes(file) for file in self._read])
        self._examples: list[RefusedRecord] = []
        self._started = self._counted_until = time.monotonic()

    def begin(self, digest: str, options: ImportOptions) -> bool:
        """Take up the import, from its start or from where it stopped; False if it is done."""
        with self._database.writing() as session:
            row = session.get_one(Import, self._import_id)
            if row.sha256 in ("", digest):
                self._counts = Counts.from_json(row.counts)
            project = session.get_one(Project, row.project_id)
            self._rules = from_settings(project.settings)
            self._outcome_rules = from_project(project.outcome_rules, project.settings)
            if row.status is ImportStatus.DONE:
                return False
            row.status, row.sha256, row.finished_at = ImportStatus.RUNNING, digest, None
            session.add(row)
            corrected = corrected_import(session, row.project_id, self._read, options)
            self._counts = replace(self._counts, corrects=corrected.id if corrected else None)
            self._kept = RefusedFile(self._refused, options, reference(corrected or row))
        self._refused.parent.mkdir(parents=True, exist_ok=True)
        with self._refused.open("ab") as stream:
            # What a killed process wrote after its last finished chunk will be written again.
            stream.truncate(self._counts.refused_bytes)
        return True

    def read(self, options: ImportOptions, reading: Reader) -> None:
        """Read the files from where the counts say, and store them chunk by chunk."""
        for file in self._files:
            self._keep(file, problem=file.problem)
        jobs = [
            FileJob(file.source, _format(file), self._counts.of_file(name).records)
            for file in self._read
            if (name := file.source.shown_name)
        ]
        job = ReadJob(tuple(jobs), options, self._rules, self._former, CHUNK_RECORDS)
        total_bytes = sum(_bytes(file) for file in self._read)
        with closing(reading.messages(job, total_bytes)) as messages:
            for message in messages:
                file = self._read[message.file]
                if isinstance(message, FileEnd):
                    self._keep(file, problem=message.problem)
                elif isinstance(message, Chunk):
                    self._store(file, message)
                else:
                    self._tell(self._still_reading(file, message.read_bytes))

    def _still_reading(self, file: FoundFile, read_bytes: int) -> str:
        """Say how much of a file was read, as long as it has given no records."""
        name = file.source.shown_name
        if self._counts.of_file(name).records:
            return name
        return f"{name}, {percent(min(1.0, read_bytes / max(1, _bytes(file))))} read"

    def _keep(self, file: FoundFile, *, problem: str) -> None:
        """Note how a file was found, or ended; written down with the next chunk."""
        known = self._counts.of_file(file.source.shown_name)
        told = replace(known, format=_format(file), skipped=file.skipped, problem=problem)
        self._counts = self._counts.with_file(told)

    def _store(self, file: FoundFile, chunk: Chunk) -> None:
        self._examples = [*self._examples, *chunk.refused][:_REFUSED_EXAMPLES]
        length = self._counts.refused_bytes
        if chunk.refused:
            length = self._kept.keep(file, chunk.refused)
        before = self._counts.of_file(file.source.shown_name)
        done = before.records + len(chunk.drafts) + len(chunk.refused)
        self._size.read(chunk.file, done, chunk.read_bytes, expected=chunk.expected)
        with self._database.writing() as session, bulk.roomy(session):
            target = self._target(session)
            stored = import_chunks.store(target, chunk.drafts, chunk.hashes)
            counts = self._counts.with_file(
                replace(
                    before,
                    read=before.read + len(chunk.drafts),
                    created=before.created + stored.created,
                    updated=before.updated + stored.updated,
                    unchanged=before.unchanged + stored.unchanged,
                    refused=before.refused + len(chunk.refused),
                    left=before.left + stored.left,
                    redacted=before.redacted + chunk.redacted,
                    seconds=before.seconds + self._seconds(),
                ),
                refused_bytes=length,
            )
            counts = replace(counts, expected=self._size.records)
            target.row.counts = counts.as_json()
            session.add(target.row)
        self._counts = counts
        self._tell(file.source.shown_name)

    def _tell(self, text: str) -> None:
        done = sum(counts.records for counts in self._counts.files)
        self._progress(done, self._counts.expected, text)

    def _seconds(self) -> float:
        """Return the time since this was last asked, reading included."""
        since, self._counted_until = self._counted_until, time.monotonic()
        return self._counted_until - since

    def _target(self, session: Session) -> Target:
        row = session.get_one(Import, self._import_id)
        project = session.get_one(Project, row.project_id)
        corrects = self._counts.corrects
        brought_by = session.get(Import, corrects) if corrects else None
        if row.created_by is None:
            member = projects.local_member(session, project)
        else:
            member = Member(project, session.get_one(Annotator, row.created_by))
        return Target(
            session,
            member,
            row,
            brought_by=brought_by,
            rules=self._outcome_rules,
            reads_again=self._former is not None,
            attachments=self._attachments,
        )

    def finish(self, status: ImportStatus) -> None:
        """Write down how the import ended."""
        result = self.result()
        if result.refused_file is None:
            self._refused.unlink(missing_ok=True)
        with self._database.writing() as session:
            row = session.get_one(Import, self._import_id)
            row.status = status
            row.counts = replace(self._counts, expected=None).as_json()
            row.refused_file = f"refused/{self._refused.name}" if result.refused_file else ""
            if status is ImportStatus.DONE:
                row.format, row.finished_at = ", ".join(result.formats), utc_now()
                input_tuples.tie(session, self._target(session).member)
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


def _bytes(file: FoundFile) -> int:
    return file.source.path.stat().st_size
