"""What is promised about speed and size, measured: `python -m benchmarks [ROW …] [OPTIONS]`.

Each row runs in a process of its own under a time limit, with a temporary folder that goes with
it, whatever happens. At the end the table of all promises is printed, and written to the top of
docs/benchmarks.md from the last figures of every row, unless it was a quick run.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks import figures, promises
from benchmarks.promises import CALIBRATIONS, PREPARE, ROWS, Program

DISK_GB = 20
"""What the largest row may need at one moment, kept projects included."""
PROGRAMS: Mapping[str, Program] = {**ROWS, **CALIBRATIONS, "prepare": PREPARE}
_RESUME_WITHIN = timedelta(hours=12)
_TIMES_OF_FORM = {"quick": 0.5, "standard": 1.0, "full": 4.0}


class Ended(NamedTuple):
    """How a row went."""

    row: str
    seconds: float
    problem: str
    """Empty where it went well."""


def main() -> None:
    """Run the rows that are asked for, then tell what all of them found."""
    names, asked, passed_on = _asked(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what runs is ended first
    _enough_disk()
    options = [*passed_on, *([f"--{asked.form}"] if asked.form != "standard" else [])]
    ended = []
    for name in names:
        if asked.resume and _is_done(name, asked.form):
            print(f"## {name}: measured already", flush=True)
            continue
        limit_s = 60 * PROGRAMS[name].minutes * _TIMES_OF_FORM[asked.form]
        ended.append(run_row(name, PROGRAMS[name], options, limit_s))
    _tell(names, asked.form, ended)
    if any(one.problem for one in ended):
        sys.exit(1)


def _asked(words: Sequence[str]) -> tuple[list[str], argparse.Namespace, list[str]]:
    """Return the rows, what the harness is asked for, and what their programs are."""
    names = [word for word in words if word in PROGRAMS]
    names += CALIBRATIONS if "calibrations" in words else []
    rest = [word for word in words if word not in PROGRAMS and word != "calibrations"]
    if rest and not rest[0].startswith("-"):
        sys.exit(f"No row is called {rest[0]}. Rows: {', '.join(PROGRAMS)}, calibrations.")
    told = f"{__doc__}Rows: {', '.join(PROGRAMS)}, calibrations. Other options go to the rows."
    parser = argparse.ArgumentParser(prog="python -m benchmarks [ROW …]", description=told)
    form = parser.add_mutually_exclusive_group()
    about = {
        "quick": "a few minutes in all, at small sizes",
        "standard": "the usual form",
        "full": "the largest sizes of the other tools, too",
    }
    for name, text in about.items():
        form.add_argument(f"--{name}", action="store_const", const=name, dest="form", help=text)
    parser.add_argument("--resume", action="store_true", help="leave out rows of the last 12 hours")
    parser.set_defaults(form="standard")
    asked, others = parser.parse_known_args(rest)
    return names or [*ROWS], asked, others


def _enough_disk() -> None:
    free_gb = shutil.disk_usage(tempfile.gettempdir()).free // 1024**3
    if free_gb < DISK_GB:
        print(
            f"Only {free_gb} GB are free of the {DISK_GB} GB that all rows need.", file=sys.stderr
        )


def _is_done(name: str, form: str) -> bool:
    found = figures.read(name, form)
    if found is None or not found.complete:
        return False
    return datetime.now(UTC) - datetime.fromisoformat(found.started) < _RESUME_WITHIN


def run_row(name: str, program: Program, options: Sequence[str], limit_s: float) -> Ended:
    """Run one row to its end, or until its time is over; nothing of it is left behind."""
    print(f"\n## {name}\n", flush=True)
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix=f"faultbook-bench-{name}-"))
    folder.chmod(0o755)  # PostgreSQL runs as somebody else below it
    environ = {**os.environ, "TMPDIR": str(folder)}
    command = [sys.executable, "-m", program.module, *options]
    problem = ""
    with subprocess.Popen(command, env=environ, start_new_session=True) as process:
        try:
            code = process.wait(limit_s)
            problem = f"it ended with {code}" if code else ""
        except subprocess.TimeoutExpired:
            problem = f"it was ended after {limit_s / 60:.0f} minutes"
        finally:
            _end(process, folder)
            shutil.rmtree(folder, ignore_errors=True)
    if problem:
        print(f"{name}: {problem}", file=sys.stderr, flush=True)
    return Ended(name, time.monotonic() - started, problem)


def _end(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    """End all that the row started: its session, and servers that made one of their own."""
    left = [
        one
        for one in psutil.process_iter()
        if one.pid != os.getpid() and _belongs(one, process.pid, folder)
    ]
    for one in left:
        try:
            one.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
    process.wait()


def _belongs(one: psutil.Process, session: int, folder: Path) -> bool:
    try:
        return os.getsid(one.pid) == session or one.environ().get("TMPDIR") == str(folder)
    except (psutil.Error, OSError):
        return False


def _tell(names: Sequence[str], form: str, ended: Sequence[Ended]) -> None:
    rows = [name for name in names if name in ROWS]
    records = promises.records_of(rows, form)
    if form == "standard" and rows:
        promises.write_page()
        records = promises.records_of(ROWS, form)
    if rows:
        print(f"\n# All promises\n\n{promises.table(records)}\n\n{promises.summary(records)}")
    _tell_missed(records)
    for one in ended:
        print(f"{one.row}: {one.seconds:,.0f} s{', FAILED: ' + one.problem if one.problem else ''}")


def _tell_missed(records: Mapping[str, figures.Record]) -> None:
    missed = promises.missed(records)
    print(f"\nMissed: {len(missed) or 'none'}")
    for one in missed:
        size = f" at {one.size:,}" if one.size else ""
        print(f"- {one.name}{size}: {figures.number(one.ours)} {one.unit}, {one.target_text}")
    print()


if __name__ == "__main__":
    main()
