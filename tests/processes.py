"""The command `faultbook` for tests: run to its end in this process, or as one of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from server.cli import app

FAULTBOOK = Path(sys.executable).with_name("faultbook")
_END_S = 60


class Ended:
    """A command that ran: what it printed, and how it ended."""

    def __init__(self, *arguments: object) -> None:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.code = result.exit_code
        self.stdout = result.stdout
        self.told = " ".join(result.stderr.split())

    @property
    def answer(self) -> dict[str, Any]:
        """The one JSON object on stdout; anything else there is an error."""
        answer: dict[str, Any] = json.loads(self.stdout)
        return answer


@dataclass
class Running:
    """A process that has said that it is ready."""

    process: subprocess.Popen[str]
    answer: dict[str, Any]

    def end(self, signal_number: int) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(signal_number)
        return self.process.wait(timeout=_END_S)


@contextmanager
def running(*arguments: object, program: Sequence[str] = (str(FAULTBOOK),)) -> Iterator[Running]:
    """Start `faultbook` with `--json` and wait until it is ready; kill it in the end.

    And all it started, in a session of their own: what is left would keep its output open.
    """
    command = [*program, *(str(argument) for argument in arguments), "--json"]
    # Into a file: a pipe that nobody reads is full one day, and whoever logs into it stands still.
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                log.seek(0)
                raise AssertionError(log.read())
            yield Running(process, json.loads(line))
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
