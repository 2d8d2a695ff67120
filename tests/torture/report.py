"""What the long rounds found: a table that is printed and written to docs/torture.md."""

import json
import os
import platform
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

HELD, BROKEN, LEFT_OUT = "held", "BROKEN", "left out"
_NONE = "–"
_HEAD = """# Killed, filled up and set back: the report of the long rounds

`make torture` kills servers, workers, imports and PostgreSQL itself while people and programs
write, fills disks, locks databases and sets clocks. It takes from minutes to an hour
(`make torture ROUNDS=5` is a short form of the same), prints this table and writes it here.
`make test` runs each of these once or in a few rounds.

*Acknowledged* counts what a client was told is saved; *lost* is what of it was missing afterwards,
*doubled* what was there more often than it was sent. *Longest restart* is the time from a kill to
the first answer.
"""


@dataclass
class Row:
    """One kind of trouble on one database."""

    what: str
    database: str = ""
    rounds: int | None = None
    acknowledged: int | None = None
    lost: int | None = None
    doubled: int | None = None
    longest_restart_s: float | None = None
    verdict: str = HELD
    remark: str = ""
    on: str = ""
    """When it ran."""

    def add(
        self, *, acknowledged: int = 0, lost: int = 0, doubled: int = 0, restart_s: float = 0.0
    ) -> None:
        """Count one more part of it."""
        self.acknowledged = (self.acknowledged or 0) + acknowledged
        self.lost = (self.lost or 0) + lost
        self.doubled = (self.doubled or 0) + doubled
        self.restarted(restart_s)

    def restarted(self, seconds: float) -> None:
        """Keep the longest of the restarts."""
        if seconds:
            self.longest_restart_s = max(self.longest_restart_s or 0.0, seconds)


def table(rows: Iterable[Row]) -> str:
    """The rows as Markdown."""
    names = [field.name.removesuffix("_s").replace("_", " ") for field in fields(Row)]
    lines = [names, ["---"] * len(names)]
    lines += [[_cell(getattr(row, field.name)) for field in fields(Row)] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(value: object) -> str:
    match value:
        case None | "":
            return _NONE
        case float():
            return f"{value:.1f} s"
        case int():
            return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def kept(file: Path, rows: Iterable[Row]) -> list[Row]:
    """Put rows in the place of those of earlier runs; others stay, with their date."""
    known = [Row(**row) for row in json.loads(file.read_text())] if file.exists() else []
    every = {(row.what, row.database): row for row in (*known, *rows)}
    found = [every[key] for key in sorted(every)]
    file.write_text(json.dumps([asdict(row) for row in found], indent=1) + "\n")
    return found


def page(rows: Iterable[Row], *, rounds: int, minutes: float, load: float) -> str:
    """The whole report; `load` is the machine's when the rounds began."""
    found = list(rows)
    broken = sum(row.verdict == BROKEN for row in found)
    left_out = sum(row.verdict == LEFT_OUT for row in found)
    ended = f"{len(found) - broken - left_out} held, {broken} broken, {left_out} left out"
    about = (
        f"Last run on {now()}, ROUNDS={rounds}, in {minutes:,.0f} minutes; all in all {ended}.\n"
        f"Machine: {machine()}; load {load:.1f} at the start, {os.getloadavg()[0]:.1f} at the end,"
        f" beside whatever else ran.\nVersions: {versions(found)}.\n"
        "A run of some tests leaves the rows of the others, each with its own time.\n"
    )
    return f"{_HEAD}\n{about}\n{table(found)}"


def now() -> str:
    """Day and time."""
    return f"{datetime.now(UTC):%d %B %Y, %H:%M} UTC"


def machine() -> str:
    """The processor, how much of it the tests may use, and the memory."""
    cpus = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    info = Path("/proc/cpuinfo")
    models = [
        line.partition(":")[2].strip()
        for line in (info.read_text().splitlines() if info.exists() else ())
        if line.startswith("model name")
    ]
    name = models[0] if models else platform.processor() or platform.machine()
    return f"{name}, {cpus} cores, {memory:.0f} GiB"


def versions(rows: Iterable[Row]) -> str:
    """What ran."""
    found = [
        f"Faultbook {version('faultbook')}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        f"{platform.system()} {platform.release()}",
    ]
    if any(row.database == "PostgreSQL" for row in rows):
        found.insert(3, f"psycopg {version('psycopg')}")
    return ", ".join(found)
