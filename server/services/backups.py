"""Backup and restore: the database and the files beside it, in one zip file."""

import os
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from server import schema
from server.db import Database
from server.errors import Conflict, FaultbookError, Invalid
from server.settings import Settings

DATABASE = "faultbook.sqlite"


def backup(database: Database, settings: Settings, target: Path) -> int:
    """Write a consistent copy, while others may write; returns its size in bytes.

    Raises:
        Invalid: The database is no SQLite file.
        Conflict: `target` exists already.
    """
    source = database.engine.url.database
    if not database.takes_turns or not source:
        raise Invalid("This copies SQLite databases; for PostgreSQL use pg_dump and copy --data.")
    if target.exists():
        raise Conflict(f"{target} exists already: choose another name, or move it away.")
    with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".backup-") as folder:
        copy, packed = Path(folder, DATABASE), Path(folder, "backup.zip")
        with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(copy)) as still:
            live.backup(still)
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(copy, DATABASE)
            for file in _files(settings):
                archive.write(file, file.relative_to(settings.data).as_posix())
        os.replace(packed, target)
    return target.stat().st_size


def _files(settings: Settings) -> Iterator[Path]:
    for folder in (settings.uploads, settings.refused, settings.artefacts, settings.attachments):
        yield from sorted(path for path in folder.rglob("*") if path.is_file())


def restore(settings: Settings, source: Path) -> None:
    """Put a backup into a data directory that has no database yet.

    Raises:
        Conflict: There is a database, which would be lost.
        Invalid: The file is no backup of Faultbook's, or damaged.
    """
    if settings.database:
        raise Invalid("A backup is restored into --data; leave --database away.")
    target = settings.data / DATABASE
    if target.exists():
        raise Conflict(
            f"{settings.data} holds a database, which is kept: restore into another --data."
        )
    settings.data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.data, prefix=".restore-") as folder:
        unpacked = _unpacked(source, Path(folder))
        for path in unpacked.iterdir():
            if path.is_dir():
                shutil.copytree(path, settings.data / path.name, dirs_exist_ok=True)
        os.replace(unpacked / DATABASE, target)


def _unpacked(source: Path, folder: Path) -> Path:
    """Unpack and check a backup; member names cannot leave the folder, the library sees to it."""
    try:
        with zipfile.ZipFile(source) as archive:
            if DATABASE not in archive.namelist():
                raise Invalid(f"{source} is no backup of Faultbook's: it holds no {DATABASE}.")
            archive.extractall(folder)
    except zipfile.BadZipFile as error:
        raise Invalid(f"{source} is no backup of Faultbook's, or damaged: {error}.") from error
    _check(folder / DATABASE, source)
    return folder


def _check(database: Path, source: Path) -> None:
    opened = Database.from_url(f"sqlite:///{database}")
    try:
        schema.upgrade(opened)
        with opened.engine.connect() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check").scalar()
    except (sa.exc.DatabaseError, FaultbookError) as error:
        raise Invalid(f"The database in {source} cannot be used: {error}") from error
    finally:
        opened.dispose()
    if found != "ok":
        raise Invalid(f"The database in {source} is damaged: {found}.")
