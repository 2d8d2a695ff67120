"""Restore: a backup is checked whole, and put only where nothing is."""

import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from json import JSONDecodeError, loads
from pathlib import Path

import sqlalchemy as sa

from server import schema
from server.db import Database, is_sqlite
from server.errors import Conflict, FaultbookError, Invalid
from server.services import backup_files, database_moves
from server.services.backup_files import DATABASE, MANIFEST, Part
from server.services.move_targets import shown
from server.settings import Settings

Progress = Callable[[int, int, str], None]

UNFINISHED = ".restore-"
"""How folders begin that a killed restore leaves."""
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
"""What reading a damaged, foreign or encrypted zip file ends in."""


@dataclass(frozen=True)
class Restored:
    """What was found in a backup, and where it is now."""

    target: str
    rows: int
    files: int
    is_checked: bool
    """Whether every file agreed with a checksum; older backups have none."""


def restore(settings: Settings, source: Path, progress: Progress) -> Restored:
    """Put a backup into an empty place: database and data directory of the settings.

    It may go into the other kind of database than it came from. Where anything fails, all is as
    it was.

    Raises:
        Conflict: There is something, which would be lost.
        Invalid: The file is no backup of Faultbook's, damaged, or of a newer version.
    """
    _refuse_filled(settings)
    settings.data.mkdir(0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.data, prefix=UNFINISHED) as folder:
        unpacked = Path(folder)
        found = _unpacked(source, unpacked, progress)
        with _files_in_place(unpacked, settings):
            if is_sqlite(settings.database_url):
                _put_file(unpacked / DATABASE, _path(settings))
            else:
                _fill(unpacked / DATABASE, settings.database_url, progress)
    return Restored(shown(sa.make_url(settings.database_url)), *found)


def check(source: Path, progress: Progress) -> Restored:
    """Look whether a backup could be restored, and put nothing anywhere.

    Raises:
        Invalid: It could not.
    """
    with tempfile.TemporaryDirectory(prefix=UNFINISHED) as folder:
        return Restored("", *_unpacked(source, Path(folder), progress))


def _path(settings: Settings) -> Path:
    return Path(sa.make_url(settings.database_url).database or "")


def _refuse_filled(settings: Settings) -> None:
    if is_sqlite(settings.database_url):
        path = _path(settings)
        for ending in ("", "-wal", "-journal"):
            file = path.with_name(path.name + ending)
            if file.exists():
                raise Conflict(
                    f"{file} is there: {path.parent} holds a database, which is kept. Restore into "
                    "another --data, or move it away."
                )
    for folder in backup_files.folders(settings):
        if folder.is_dir() and any(folder.iterdir()):
            raise Conflict(
                f"{folder} holds files, which are kept: restore into another --data, or move them "
                "away."
            )


def _unpacked(source: Path, folder: Path, progress: Progress) -> tuple[int, int, bool]:
    """Unpack and check a backup; returns its rows, its files, and whether it had checksums."""
    try:
        with zipfile.ZipFile(source) as archive:
            parts = _parts(archive, source)
            _extract(archive, parts, folder, source, progress)
            is_checked = MANIFEST in archive.namelist()
    except _BROKEN as error:
        raise Invalid(
            f"{source} is no backup of Faultbook's, or damaged or cut off: {error}."
        ) from error
    _check_database(folder / DATABASE, source)
    rows = sum(backup_files.rows_of(folder / DATABASE).values())
    return rows, len(parts) - 1, is_checked


def _parts(archive: zipfile.ZipFile, source: Path) -> dict[str, Part | None]:
    """Return what belongs to a backup, by name, with its checksum where it has one."""
    names = {entry.filename for entry in archive.infolist() if not entry.is_dir()}
    if DATABASE not in names:
        raise Invalid(f"{source} is no backup of Faultbook's: it holds no {DATABASE}.")
    if MANIFEST not in names:
        return dict.fromkeys(sorted(names))
    try:
        told = backup_files.read_manifest(loads(archive.read(MANIFEST)))
    except (JSONDecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Invalid(f"The manifest of {source} cannot be read: {error}.") from error
    differing = sorted((names - {MANIFEST}) ^ told.keys())
    if differing:
        raise Invalid(f"{source} is damaged: it and its manifest disagree about {differing[0]}.")
    return dict(told)


def _extract(
    archive: zipfile.ZipFile,
    parts: dict[str, Part | None],
    folder: Path,
    source: Path,
    progress: Progress,
) -> None:
    for number, (name, part) in enumerate(parts.items()):
        progress(number, len(parts), f"Unpacking {name}")
        path = folder / name
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise Invalid(f"{source} is no backup of Faultbook's: it names {name}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as packed, path.open("wb") as target:
            found = backup_files.copied(packed, target)
            target.flush()
            os.fsync(target.fileno())
        if part is not None and found != part:
            raise Invalid(f"{source} is damaged: {name} is not what was backed up.")


def _check_database(path: Path, source: Path) -> None:
    opened = Database.from_url(f"sqlite:///{path}")
    try:
        schema.upgrade(opened)
        found = backup_files.damage(path)
    except (sa.exc.DatabaseError, FaultbookError) as error:
        raise Invalid(f"The database in {source} cannot be used: {error}") from error
    finally:
        opened.dispose()
    if found:
        raise Invalid(f"The database in {source} is damaged: {found}.")


@contextmanager
def _files_in_place(unpacked: Path, settings: Settings) -> Iterator[None]:
    """Put the files of a backup in place, and away again where the block fails."""
    put: list[tuple[Path, Path]] = []
    try:
        for target in backup_files.folders(settings):
            folder = unpacked / target.relative_to(settings.data)
            if folder.is_dir():
                os.replace(folder, target)
                put.append((folder, target))
        yield
    except BaseException:
        for folder, target in put:
            os.replace(target, folder)
        raise


def _put_file(database: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"{target.name}{UNFINISHED}")
    shutil.move(database, beside)
    os.replace(beside, target)


def _fill(database: Path, url: str, progress: Progress) -> None:
    opened = Database.from_url(f"sqlite:///{database}")
    try:
        database_moves.move(opened, url, progress, verify=False)
    finally:
        opened.dispose()
