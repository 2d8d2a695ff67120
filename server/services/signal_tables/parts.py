"""What is measured so far, beside the file that it will become: a run that was ended goes on."""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from server.errors import Conflict
from server.services.signal_tables.measuring import MeasuredSlice, Refused

_PLAN, _HALF = "plan", ".half"


class Parts:
    """A folder with a file for each measured slice."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, number: int) -> bool:
        """Return whether a slice is measured."""
        return self._rows(number).exists()

    def keep(self, number: int, found: MeasuredSlice) -> None:
        """Keep a slice; a process that ends in the middle leaves none."""
        told = [asdict(one) for one in found.refused]
        self._write(self._folder / f"{number}.json", json.dumps(told).encode())
        self._write(self._rows(number), found.rows)

    def _write(self, path: Path, content: bytes) -> None:
        half = path.with_suffix(_HALF)
        half.write_bytes(content)
        half.replace(path)

    def rows(self, number: int) -> pa.Table:
        """Return the signals of a slice."""
        with pa.OSFile(str(self._rows(number))) as file:
            return pa.ipc.open_stream(file).read_all()

    def refused(self, number: int) -> list[Refused]:
        """Return the rows of a slice that do not fit."""
        told = json.loads((self._folder / f"{number}.json").read_text(encoding="utf-8"))
        return [Refused(**one) for one in told]

    def _rows(self, number: int) -> Path:
        return self._folder / f"{number}.arrow"

    def forget(self) -> None:
        """Take the folder away: what it held is in one file now."""
        shutil.rmtree(self._folder)


@contextmanager
def beside(output: Path, plan: str) -> Iterator[Parts]:
    """Give the parts of a run that is to become `output`; those of another plan are dropped.

    Args:
        output: Where all of it will stand.
        plan: What is measured, and how, in a word.

    Raises:
        Conflict: Another process is at it.
    """
    folder = output.with_name(f"{output.name}.parts")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Conflict(f"{output} is being made by another command just now.") from error
        known = folder / _PLAN
        if not known.exists() or known.read_text(encoding="utf-8") != plan:
            for part in folder.iterdir():
                if part.name != "lock":
                    part.unlink()
            known.write_text(plan, encoding="utf-8")
        yield Parts(folder)
