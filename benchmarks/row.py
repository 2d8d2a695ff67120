"""One row while it runs: its options, its figures kept as they come, alternatives measured once."""

import argparse
import importlib.metadata
import os
import platform
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks import figures, measure
from benchmarks.figures import Figure, Record, Theirs

Values = Mapping[str, float]
FORMS = ("quick", "standard", "full")
_FAILURES = (measure.NotInstallable, RuntimeError, OSError, subprocess.SubprocessError)
_SQUEEZED = 300


class Measured(NamedTuple):
    """What an alternative reached, by the name of what was measured."""

    version: str
    values: Values


class Row:
    """Collects the figures of one row, and writes them after each."""

    def __init__(self, name: str, asked: argparse.Namespace) -> None:
        before = figures.read(name, asked.form)
        measure.pin(asked.cores)
        self._started = time.monotonic()
        self.asked = asked
        self.record = Record(
            name,
            asked.form,
            measure.machine(),
            _versions(),
            datetime.now(UTC).isoformat(timespec="seconds"),
            alternatives=before.alternatives if before else {},
        )

    def add(self, *found: Figure) -> None:
        """Keep figures, and print them."""
        self.record.figures += found
        for one in found:
            print(" | ".join(figures.cells(one)), flush=True)
        self._write()

    def uses(self, what: str, version: str) -> None:
        """Note the version of something the figures depend on."""
        self.record.versions[what] = version

    def beside(
        self, name: str, part: str, take: Callable[[], Measured], *, size: int | None = None
    ) -> dict[str, Theirs]:
        """Measure an alternative, or reuse what was measured before where that is asked for.

        `size` is that of what it holds, where that is another than ours. Where it cannot be
        installed or fails, that is noted and nothing returned: our own figures go on without.
        """
        key = f"{name}: {part}"
        if self.asked.alone:
            return {}
        kept = self.record.alternatives.get(key)
        reused = bool(self.asked.reuse and kept)
        if not reused:
            try:
                found = take()
            except _FAILURES as error:
                last = (str(error).strip().splitlines() or [type(error).__name__])[-1]
                self.record.missing[key] = _without_folders(last)
                print(f"{key} is missing: {error}", file=sys.stderr, flush=True)
                return {}
            machine = measure.machine()
            kept = {
                "version": found.version,
                "date": machine.date,
                "machine": str(machine),
                "values": dict(found.values),
            }
            self.record.alternatives[key] = kept
            self._write()
        assert kept is not None
        return {
            what: Theirs(name, kept["version"], value, kept["date"], size, reused=reused)
            for what, value in kept["values"].items()
        }

    def end(self) -> None:
        """Say that the row is whole, and print all of it."""
        self.record.complete = True
        self._write()
        print(f"\n{self.record.machine}, {self.record.load_after:.1f} at the end\n")
        print(figures.table(self.record.figures), flush=True)

    def failed(self, why: str) -> None:
        """Say that the row ended before its end."""
        self.record.failed = _without_folders(why)
        self._write()

    def _write(self) -> None:
        self.record.seconds = round(time.monotonic() - self._started, 1)
        self.record.load_after = round(os.getloadavg()[0], 2)
        self.record.write()


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that every row understands."""
    made = argparse.ArgumentParser(description=doc)
    form = made.add_mutually_exclusive_group()
    form.add_argument("--quick", action="store_const", const="quick", dest="form")
    form.add_argument("--full", action="store_const", const="full", dest="form")
    made.set_defaults(form="standard")
    made.add_argument("--reuse", action="store_true", help="dated figures of the alternatives")
    made.add_argument("--alone", action="store_true", help="no alternatives at all")
    made.add_argument("--cores", type=int, default=2, help="cores for servers and clients")
    made.add_argument("--data", type=Path, default=_kept(), help="folder of projects to keep")
    return made


def _kept() -> Path:
    return Path(os.environ.get("FAULTBOOK_BENCH_DATA", measure.ROOT / "benchmarks" / ".data"))


@contextmanager
def running(name: str, asked: argparse.Namespace) -> Iterator[Row]:
    """Run a row: its figures are kept however it ends."""
    row = Row(name, asked)
    try:
        yield row
    except BaseException as error:
        row.failed(f"{type(error).__name__}: {error}")
        raise
    row.end()


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """Give a new folder for as long as the block lasts."""
    with tempfile.TemporaryDirectory(
        prefix=f"faultbook-{name}-", ignore_cleanup_errors=True
    ) as made:
        yield Path(made)


def _without_folders(text: str) -> str:
    """Shorten a message for a file that others read: where things lay here says nothing."""
    return re.sub(r"(/[\w.~-]+)+/", "", text)[-_SQUEEZED:]


def faultbook() -> str:
    """Return the command that is installed beside this interpreter."""
    return str(Path(sys.executable).with_name("faultbook"))


def python() -> list[str]:
    """Return the interpreter that runs this."""
    return [sys.executable]


def _versions() -> dict[str, str]:
    found = {
        "Faultbook": importlib.metadata.version("faultbook"),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
    }
    commit = subprocess.run(
        ["git", "-C", str(measure.ROOT), "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
    )
    return found | ({"commit": commit.stdout.strip()} if not commit.returncode else {})
