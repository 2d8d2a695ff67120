"""A Dask cluster of processes on this machine, as an operator starts one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_DASK = str(Path(sys.executable).with_name("dask"))
_WITHIN_S = 60.0
Process = subprocess.Popen[bytes]


@dataclass
class Cluster:
    """Its scheduler and workers; each may be killed."""

    where: str
    """What `--executor` takes."""
    scheduler: Process
    workers: list[Process] = field(default_factory=list)


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[Cluster]:
    """Run a scheduler and workers of one thread each for as long as the block lasts."""
    at, log = folder / "scheduler.json", (folder / "dask.log").open("wb")
    common = ["--scheduler-file", str(at), "--no-dashboard"]
    here = [*common, "--host", "127.0.0.1"]
    own = [_DASK, "worker", *common, "--nthreads", "1", "--no-nanny", "--memory-limit", "0"]
    with log:
        started = [
            subprocess.Popen([_DASK, "scheduler", "--port", "0", *here], stdout=log, stderr=log)
        ]
        for number in range(workers):
            space = ["--local-directory", str(folder / str(number))]
            started.append(subprocess.Popen([*own, *space], stdout=log, stderr=log))
        try:
            address = _address(at, started[0])
            yield Cluster(address.replace("tcp:", "dask:"), started[0], started[1:])
        finally:
            for process in started:
                process.kill()
                process.wait()


def _address(path: Path, scheduler: Process) -> str:
    """Wait until the scheduler has said where it listens."""
    until = time.monotonic() + _WITHIN_S
    while time.monotonic() < until and scheduler.poll() is None:
        if path.exists() and path.stat().st_size:
            told: str = json.loads(path.read_text())["address"]
            return told
        time.sleep(0.05)
    raise RuntimeError("the scheduler did not start")


def kill(process: Process) -> None:
    """Kill -9, and wait until it is gone."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
