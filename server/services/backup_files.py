"""What a backup consists of: one SQLite database whatever the live one is, files, a manifest."""

import hashlib
import json
import os
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from server.settings import Settings

DATABASE = "faultbook.sqlite"
MANIFEST = "manifest.json"
FORMAT = "faultbook-backup"
UNFINISHED = ".backup-"
"""How folders begin that a killed backup leaves."""
VERSION = 2
"""Version 1 had no manifest; it is read, too."""
_PIECE = 1024**2
REFERRED = """SELECT 'attachments/' || sha256 FROM attachment
    UNION SELECT stored_path FROM "import" WHERE stored_path <> ''
    UNION SELECT refused_file FROM "import" WHERE refused_file <> ''
    UNION SELECT artefact FROM analysis_run WHERE artefact <> ''"""
"""Files that rows name, relative to the data directory, on either database."""
_TABLES = """SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'
    AND name NOT LIKE 'trace_text%' ORDER BY name"""


@dataclass(frozen=True)
class Part:
    """One file of a backup: its length, and what it is by its SHA-256."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds, so that a damaged one is known before it is put anywhere."""

    faultbook: str
    created_at: str
    revision: str
    database: str
    """What the live database was: sqlite or postgresql."""
    rows: dict[str, int]
    files: dict[str, Part]
    missing: list[str] = field(default_factory=list)
    """Files that rows refer to and that were gone before the backup began."""

    def written(self) -> str:
        """Return it as JSON."""
        told = {"format": FORMAT, "version": VERSION, **asdict(self)}
        return json.dumps(told, indent=1, sort_keys=True)


def folders(settings: Settings) -> tuple[Path, ...]:
    """Return the folders of the data directory that a backup holds."""
    return settings.uploads, settings.refused, settings.artefacts, settings.attachments


def present(settings: Settings) -> Iterator[str]:
    """Yield the files of the data directory, relative to it."""
    for folder in folders(settings):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield path.relative_to(settings.data).as_posix()


def held_still(settings: Settings, folder: Path) -> None:
    """Put all files as they are now into `folder`, as links where the disk has them.

    A file that is deleted afterwards stays in there; those that were there before are left.
    """
    for name in present(settings):
        source, target = settings.data / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # deleted this moment, and with it what referred to it
            if target.exists() and _is_same(source, target):
                continue
            target.unlink(missing_ok=True)
            _linked(source, target)


def _is_same(source: Path, target: Path) -> bool:
    one, other = source.stat(), target.stat()
    alike = (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)
    return os.path.samestat(one, other) or alike


def _linked(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # a disk without links, or a file of somebody else's
        shutil.copy2(source, target)


def referred_to(database: Path) -> set[str]:
    """Return the files, relative to the data directory, that rows of a SQLite file name."""
    with closing(sqlite3.connect(database)) as connection:
        return {str(name) for (name,) in connection.execute(REFERRED)}


def missing(names: set[str], folder: Path) -> set[str]:
    """Return the names that no file of a folder has."""
    return {name for name in names if not (folder / name).is_file()}


def rows_of(database: Path) -> dict[str, int]:
    """Return how many rows each table of a SQLite file holds."""
    with closing(sqlite3.connect(database)) as connection:
        tables = [str(name) for (name,) in connection.execute(_TABLES)]
        counted = {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608  # names of its own
            for name in tables
        }
    return counted


def damage(database: Path) -> str:
    """Return what is wrong with a SQLite file; empty where nothing is."""
    with closing(sqlite3.connect(database)) as connection:
        found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    return "" if found == ["ok"] else "; ".join(found)


def pack(archive: zipfile.ZipFile, path: Path, name: str) -> Part:
    """Add a file to a backup under a name."""
    information = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
    information.compress_type = zipfile.ZIP_DEFLATED
    with path.open("rb") as source, archive.open(information, "w", force_zip64=True) as packed:
        return copied(source, packed)


def copied(source: IO[bytes], target: IO[bytes]) -> Part:
    """Copy a stream; returns what was copied."""
    digest, length = hashlib.sha256(), 0
    while piece := source.read(_PIECE):
        digest.update(piece)
        length += len(piece)
        target.write(piece)
    return Part(length, digest.hexdigest())


def read_manifest(told: dict[str, Any]) -> dict[str, Part]:
    """Return the files that a manifest names.

    Raises:
        ValueError: It is none of this version.
    """
    if told.get("format") != FORMAT or told.get("version") != VERSION:
        raise ValueError(f"it is of version {told.get('version')}, this reads {VERSION}")
    return {name: Part(**part) for name, part in told["files"].items()}
