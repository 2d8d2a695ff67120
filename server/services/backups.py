"""Backup: the database at one moment and the files its rows refer to, while others write."""

import os
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from server import __version__, schema
from server.db import Database
from server.errors import Conflict, Invalid, Unavailable
from server.services import backup_files, database_moves, moved_rows
from server.services.backup_files import DATABASE, MANIFEST, UNFINISHED, Manifest
from server.services.move_targets import opened_target
from server.settings import Settings

Progress = Callable[[int, int, str], None]

_TRIES = 3
_NAME = "faultbook-%Y%m%dT%H%M%S.%fZ.zip"
_PATTERN = "faultbook-????????T??????.??????Z.zip"
_OWN = 0o600
"""Accounts and keys are in it: nobody else may read it."""


@dataclass(frozen=True)
class Backup:
    """What was written where."""

    file: Path
    bytes: int
    rows: int
    files: int
    missing: tuple[str, ...]
    """Files that rows refer to and that were gone before."""
    removed: tuple[Path, ...] = ()
    """Older backups that were let go."""


def backup(database: Database, settings: Settings, target: Path, progress: Progress) -> Backup:
    """Write a consistent copy, while others may write; PostgreSQL becomes a SQLite file, too.

    What was saved before this began is in it, and every file that a row of it refers to.

    Raises:
        Conflict: `target` exists already.
        Invalid: The database is damaged.
        Unavailable: Files went faster than they could be copied.
    """
    if target.exists():
        raise Conflict(f"{target} exists already: choose another name, or move it away.")
    settings.data.mkdir(0o700, parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=UNFINISHED) as beside,
        tempfile.TemporaryDirectory(dir=settings.data, prefix=UNFINISHED) as held,
    ):
        copy, packed, files = Path(beside, DATABASE), Path(beside, "backup.zip"), Path(held)
        missing = _snapshot(database, settings, copy, files, progress)
        manifest = _pack(packed, _described(database, copy, missing), copy, files, progress)
        _put(packed, target)
    return Backup(
        target,
        target.stat().st_size,
        sum(manifest.rows.values()),
        len(manifest.files) - 1,
        tuple(manifest.missing),
    )


def backup_into(
    database: Database, settings: Settings, folder: Path, progress: Progress, keep: int | None
) -> Backup:
    """Write a backup named after the time into a folder, and let go of old ones like it.

    Args:
        database: What is copied.
        settings: Where its files lie.
        folder: Where backups are kept.
        progress: Told how far it is.
        keep: How many stay, the latest ones; None: all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = backup(database, settings, folder / datetime.now(UTC).strftime(_NAME), progress)
    if keep is None:
        return made
    old = sorted(folder.glob(_PATTERN), reverse=True)[keep:]
    for file in old:
        file.unlink()
    return replace(made, removed=tuple(old))


def _snapshot(
    database: Database, settings: Settings, copy: Path, files: Path, progress: Progress
) -> set[str]:
    """Copy the database, and hold all files that its rows name; returns those gone before.

    Files are held before and after: one that a job deletes meanwhile is there all the same. Only
    one that came and went in between is missed, and then this begins again.
    """
    copies = _copied_sqlite if database.takes_turns else _copied_rows
    for _ in range(_TRIES):
        backup_files.held_still(settings, files)
        gone = backup_files.missing(_names(database), settings.data)
        copies(database, copy, progress)
        backup_files.held_still(settings, files)
        missing = backup_files.missing(backup_files.referred_to(copy), files)
        if missing <= gone:
            return missing
        copy.unlink()
    raise Unavailable(
        "Files were deleted faster than they could be copied, so nothing was written. Try again "
        "when no retention or deletion of projects is under way."
    )


def _names(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return {str(row[0]) for row in connection.exec_driver_sql(backup_files.REFERRED)}


def _copied_sqlite(database: Database, copy: Path, _progress: Progress) -> None:
    """Copy a SQLite file in one step: writers go on in their log, and it sees nothing of them."""
    source = database.engine.url.database or ""
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(copy)) as still:
        live.backup(still)
    if found := backup_files.damage(copy):
        raise Invalid(
            f"The database is damaged, so no backup was written: {found}. Keep the earlier ones, "
            "and see: faultbook doctor"
        )


def _copied_rows(database: Database, copy: Path, progress: Progress) -> None:
    """Copy all rows of PostgreSQL as one transaction sees them."""
    with opened_target(f"sqlite:///{copy}") as target, database.engine.connect() as connection:
        still = connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        rows = moved_rows.counts(still)
        database_moves.copy_rows(still, target, rows, progress)
        for _ in target.steps_left():
            progress(sum(rows.values()), sum(rows.values()), "Checking references")
        moved_rows.move_sequences(still, target.connection)
        if moved_rows.counts(target.connection) != rows:
            raise Invalid("The copy holds other numbers of rows, so no backup was written.")


def _described(database: Database, copy: Path, missing: set[str]) -> Manifest:
    return Manifest(
        faultbook=__version__,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        revision=schema.current_revision(database) or "",
        database=database.engine.dialect.name,
        rows=backup_files.rows_of(copy),
        files={},
        missing=sorted(missing),
    )


def _pack(
    packed: Path, manifest: Manifest, copy: Path, files: Path, progress: Progress
) -> Manifest:
    paths = {path.relative_to(files).as_posix(): path for path in sorted(files.rglob("*"))}
    every = {DATABASE: copy} | {name: path for name, path in paths.items() if path.is_file()}
    parts = {}
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, path) in enumerate(every.items()):
            progress(number, len(every), f"Packing {name}")
            parts[name] = backup_files.pack(archive, path, name)
        manifest = replace(manifest, files=parts)
        archive.writestr(MANIFEST, manifest.written())
    return manifest


def _put(packed: Path, target: Path) -> None:
    """Give a whole backup its name, once it is on disk."""
    packed.chmod(_OWN)
    with packed.open("rb") as file:
        os.fsync(file.fileno())
    try:
        os.link(packed, target)  # unlike a move it does not write over what came there meanwhile
    except FileExistsError as error:
        raise Conflict(f"{target} came into being meanwhile; it was left as it is.") from error
    except OSError:  # a disk without links
        os.replace(packed, target)
    folder = os.open(target.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
