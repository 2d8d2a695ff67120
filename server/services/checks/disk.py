"""The data directory: there, writable, large enough, for its owner alone, on a disk of its own."""

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from server.db import is_sqlite
from server.services.backup_files import UNFINISHED
from server.services.checks.findings import Check, fixed, trouble, warning, well
from server.services.restores import UNFINISHED as HALF_RESTORED
from server.settings import Settings

_FULL_BYTES, _NEARLY_FULL_BYTES = 256 * 1024**2, 2 * 1024**3
_OTHERS = stat.S_IRWXO
_FORGOTTEN_S = 24 * 3600
_MOUNTS = Path("/proc/self/mounts")
_NETWORK = frozenset(
    {
        "9p",
        "afs",
        "ceph",
        "cifs",
        "davfs",
        "fuse.ceph",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "lustre",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
    }
)


def directory(folder: Path) -> Check:
    """Whether the data directory is there and takes files."""
    name = "data directory"
    resolved = folder.resolve()
    if not resolved.is_dir():
        what = "is no directory" if resolved.exists() else "is not there"
        return trouble(
            name,
            f"{resolved} {what}",
            "Name the right one with --data or FAULTBOOK_DATA; «faultbook serve» begins a new one.",
        )
    try:
        with tempfile.NamedTemporaryFile(dir=resolved, prefix=".doctor-") as file:
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return trouble(
            name,
            f"{resolved} cannot be written: {error.strerror}",
            "Give it to the user that runs Faultbook, or make room on its disk.",
        )
    return well(name, f"{resolved} can be written")


def room(folder: Path, database_bytes: int = 0) -> Check:
    """Whether the disk of the data directory has room for what comes, and for a migration."""
    name, free = "disk space", shutil.disk_usage(folder).free
    told = f"{free / 1024**3:,.1f} GiB free"
    remedy = "Make room, or set a retention rule: docs/retention.md."
    if free < _FULL_BYTES:
        return trouble(name, f"{told}: saving will soon fail", remedy)
    if free < _NEARLY_FULL_BYTES:
        return warning(name, told, remedy)
    if free < database_bytes:
        return warning(name, f"{told}, less than the copy that a migration makes", remedy)
    return well(name, told)


def permissions(folder: Path, *, fix: bool) -> Check:
    """Whether other users of the machine can read the data."""
    name, mode = "permissions", stat.S_IMODE(folder.stat().st_mode)
    if not mode & _OTHERS:
        return well(name, f"{folder} is closed to other users")
    told = f"any user of this machine may read {folder} (mode {mode:04o})"
    if fix:
        folder.chmod(mode & ~_OTHERS)
        return fixed(name, f"{told}: closed to them now")
    return warning(name, told, f"chmod o= {folder}, or: faultbook doctor --fix")


def leftovers(folder: Path, *, fix: bool) -> Check:
    """Whether killed backups and restores left folders behind."""
    name, found = "leftovers", list(_forgotten(folder))
    if not found:
        return well(name, "none of killed backups or restores")
    names = ", ".join(path.name for path in found)
    if fix:
        for path in found:
            shutil.rmtree(path)
        return fixed(name, f"removed what killed backups and restores left: {names}")
    return warning(
        name,
        f"killed backups or restores left {names} in {folder}",
        "Remove them, or: faultbook doctor --fix",
    )


def _forgotten(folder: Path) -> Iterator[Path]:
    for begins in (UNFINISHED, HALF_RESTORED):
        for path in folder.glob(f"{begins}*"):
            if path.is_dir() and time.time() - path.stat().st_mtime > _FORGOTTEN_S:
                yield path


def filesystem(settings: Settings, mounts: str | None = None) -> Check:
    """Whether a SQLite database lies on a network file system, where its locks do not hold."""
    name = "file system"
    if not is_sqlite(settings.database_url):
        return well(name, "any will do, as the database is not in the data directory")
    if mounts is None:
        mounts = _MOUNTS.read_text() if _MOUNTS.is_file() else ""
    kind = _kind(settings.data.resolve(), mounts)
    if kind in _NETWORK:
        return trouble(
            name,
            f"the SQLite database lies on {kind}, over a network: it can be damaged there",
            "Keep --data on a disk of this machine, or use PostgreSQL: docs/deploying.md.",
        )
    return well(name, f"{kind or 'not known'}")


def _kind(path: Path, mounts: str) -> str:
    """Return the type of the file system with the longest mount point above a path."""
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ")
        if path.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind
