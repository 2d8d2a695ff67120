"""What the benchmarks share: time and memory of processes, servers to compare with, tables.

Alternatives are installed from the package index into environments of their own, which are kept
under `benchmarks/.environments` for the next run.
"""

import os
import platform
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psutil

ROOT = Path(__file__).parents[1]
ENVIRONMENTS = ROOT / "benchmarks" / ".environments"
MEBIBYTE = 1024**2
_SAMPLE_EVERY_S = 0.05
_STOP_WITHIN_S = 20.0
_LOG_LINES = 20
_WORD = 80
_CAN_PIN = hasattr(os, "sched_setaffinity")


class NotInstallable(Exception):
    """An alternative cannot be installed here; the message is the end of what pip said."""


class Measured(NamedTuple):
    """One command that ran to its end."""

    seconds: float
    peak_bytes: int
    """Most memory that its processes held together at one moment."""
    output: str


class Memory:
    """The peak of the resident memory of a process and all its children, sampled."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.peak_bytes = 0

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while True:
            self.peak_bytes = max(self.peak_bytes, resident_bytes(self._root))
            if self._over.wait(_SAMPLE_EVERY_S):
                return


def resident_bytes(root: psutil.Process) -> int:
    """Return the resident memory of a process and its children now; 0 once it is gone."""
    total = 0
    try:
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in family:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def run(command: Sequence[str], *, env: Mapping[str, str] | None = None) -> Measured:
    """Run a command to its end; what it writes to stdout comes back, stderr is shown on failure.

    Raises:
        RuntimeError: It ended with another exit code than 0.
    """
    started = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environ(env)
    ) as process:
        with Memory(process.pid) as memory:
            output, errors = process.communicate()
        seconds = time.perf_counter() - started
    if process.returncode:
        told = " ".join(word[:_WORD] for word in command)
        raise RuntimeError(f"{told} ended with {process.returncode}:\n{errors}")
    return Measured(seconds, memory.peak_bytes, output)


def _environ(more: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, **(more or {})}


@contextmanager
def serving(
    command: Sequence[str],
    url: str,
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    within_s: float = 180.0,
) -> Iterator[int]:
    """Run a server for as long as the block lasts and give its process id once `url` answers.

    Raises:
        RuntimeError: It ended, or `url` did not answer in time.
    """
    with log.open("ab") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env=_environ(env))
    try:
        _wait_for(url, process, log, within_s)
        yield process.pid
    finally:
        stop(process)


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return  # it answers, if only that one has to sign in
        except OSError:
            time.sleep(0.05)
    told = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:])
    raise RuntimeError(f"{url} does not answer. The end of the server's log:\n{told}")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a server and all that it started."""
    family = [process.pid]
    if process.poll() is None:
        family += [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
        process.terminate()
        try:
            process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pid in family[1:]:
        if psutil.pid_exists(pid):
            psutil.Process(pid).kill()


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(name: str, *packages: str) -> Path:
    """Return the `bin` directory of an environment that holds these packages; made if it is new.

    Raises:
        NotInstallable: They cannot be installed here.
    """
    folder = ENVIRONMENTS / name
    done = folder / ".done"
    wanted = "\n".join(packages)
    if not done.exists() or done.read_text(encoding="utf-8") != wanted:
        print(f"Installing {', '.join(packages)} into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        installed = subprocess.run(
            [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages],
            capture_output=True,
            text=True,
        )
        if installed.returncode:
            raise NotInstallable(installed.stderr.strip().splitlines()[-1])
        done.write_text(wanted, encoding="utf-8")
    return folder / "bin"


def installed_version(bin_directory: Path, package: str) -> str:
    """Return which version of a package an environment holds."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return run([str(bin_directory / "python"), "-c", code]).output.strip()


@dataclass(frozen=True)
class Machine:
    """Where and when something was measured: figures mean nothing without it."""

    date: str
    cores: int
    model: str
    load: float
    """Load average of the last minute when it was asked: above 0, others were at work, too."""
    memory_gb: int = 0

    def __str__(self) -> str:
        return (
            f"{self.date}, {self.cores} cores of {self.model}, Python "
            f"{platform.python_version()}, load {self.load:.1f}"
        )


def machine() -> Machine:
    """Return this machine; only the cores that the benchmark may use are counted."""
    return Machine(
        date=datetime.now(UTC).date().isoformat(),
        cores=len(os.sched_getaffinity(0)) if _CAN_PIN else os.cpu_count() or 1,
        model=_model(),
        load=round(os.getloadavg()[0], 2),
        memory_gb=round(psutil.virtual_memory().total / 1024**3),
    )


def pin(cores: int) -> None:
    """Keep this process, and all that it starts from now on, on so many cores, where Linux can."""
    if _CAN_PIN:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def _model() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def ratio(ours: float, theirs: float) -> str:
    """Return how many times theirs ours is: "3.2×"."""
    return f"{ours / theirs:.1f}×" if theirs else "–"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is left-aligned, figures are right-aligned."""
    widths = [max(len(row[at]) for row in (columns, *rows)) for at in range(len(columns))]

    def line(cells: Sequence[str]) -> str:
        first, *rest = zip(cells, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(columns), line(rule), *(line(row) for row in rows)])
