"""Small disks of their own, that can be filled and made read-only."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MEBIBYTE = 1024**2


class Disk:
    """A small disk with something on it that can be taken away."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, *, but: int = 0) -> None:
        """Leave no room, or so many bytes."""
        with self._ballast.open("ab") as ballast:
            for size in (MEBIBYTE, 4096, 1):
                while shutil.disk_usage(self.folder).free > but + size:
                    try:
                        ballast.write(b"\0" * size)
                        ballast.flush()
                    except OSError:
                        break

    def free(self) -> None:
        """Make room again."""
        self._ballast.unlink(missing_ok=True)

    def make_read_only(self) -> None:
        """Mount it so that nobody may write, whoever they are; nothing on it may be open."""
        subprocess.run(("mount", "-o", "remount,ro", str(self.folder)), check=True)


@contextmanager
def mounted(folder: Path, size: int) -> Iterator[Disk]:
    """Mount a disk in memory on a folder; whoever runs the tests has to be allowed to."""
    mount = ("mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder))
    done = (
        subprocess.run(mount, capture_output=True, text=True) if sys.platform == "linux" else None
    )
    if done is None or done.returncode:
        pytest.skip(f"no disk can be mounted: {done.stderr.strip() if done else sys.platform}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(("umount", "-l", str(folder)), check=True)
