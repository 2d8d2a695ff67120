"""The process that reads while another one writes: parsing on one core, storing on another.

It gets jobs on its stdin and answers with messages on its stdout, pickled one after the other. It
runs ahead of the writer by two chunks: then the pipe is full, and it waits. Should the writer be
killed, it ends as soon as it has something to say.
"""

# Nothing heavy is imported here: a command starts the process first, and both load side by side.
import contextlib
import gc
import pickle
import subprocess
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path

    from server.services.import_reading import Message, ReadJob

BESIDE_FROM_BYTES = 4 * 1024**2
"""Smaller imports are over before a process has started."""
_PIPE_BYTES = 1024**2
_COMMAND = "import gc; gc.disable(); from server.services.import_answers import main; main()"


_COLLECT_EVERY = 100_000


def collect_seldom() -> None:
    """Look for cycles of objects seldom, in a process that reads or writes many rows and ends.

    Rows hold none: looking for them in all that was just read is a tenth to a third of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY)
    gc.enable()


class ReadingFailed(Exception):
    """The traceback of what went wrong in the process that reads."""


class Reader:
    """Reads jobs: here, or in a process of its own, which the first large job starts."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process_id(self) -> int | None:
        """The process that reads, if one was started."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process now, so that it is ready by the time there is a job."""
        if self._process is None:
            # In a session of its own Ctrl+C on the terminal does not reach it: we end it.
            self._process = subprocess.Popen(  # noqa: S603  # a command of ours alone
                [sys.executable, "-c", _COMMAND],
                bufsize=_PIPE_BYTES,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )

    def start_for(self, paths: "Iterable[Path]") -> None:
        """Start the process now if these files are large."""
        sizes = (path.stat().st_size for path in paths if path.is_file() and path.suffix != ".zip")
        if sum(sizes) >= BESIDE_FROM_BYTES:
            self.start()

    def stop(self) -> None:
        """End the process, whatever it is at."""
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(BrokenPipeError):
                self._process.__exit__(None, None, None)
            self._process = None

    def messages(self, job: "ReadJob", total_bytes: int) -> "Generator[Message, None, None]":
        """Yield what the files of a job hold, `total_bytes` altogether.

        Raises:
            Unavailable: The process was ended by the system.
        """
        from concurrent.futures import ThreadPoolExecutor

        if self._process is None and total_bytes < BESIDE_FROM_BYTES:
            from server.services.import_reading import read

            yield from read(job)
            return
        self.start()
        is_over = False
        with ThreadPoolExecutor(1, "reads ahead") as ahead:
            try:
                yield from self._answers(job, ahead)
                is_over = True
            finally:
                if not is_over:
                    self.stop()  # nor does the thread wait for an answer then

    def _answers(self, job: "ReadJob", ahead: "ThreadPoolExecutor") -> "Iterator[Message]":
        from server.errors import Unavailable
        from server.services.import_answers import End, Failure

        try:
            self._ask(job)
            coming = ahead.submit(self._answer)
            while not isinstance(answer := coming.result(), End):
                if isinstance(answer, Failure):
                    raise answer.error from ReadingFailed(answer.traceback)
                # Taken in while this one is stored, which is mostly waiting for SQLite.
                coming = ahead.submit(self._answer)
                yield answer
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
            raise Unavailable(
                "The process that reads the file was ended by the system, most likely because "
                "memory ran out. What was stored stays: import the file again to go on."
            ) from error

    def _ask(self, job: "ReadJob") -> None:
        if self._process is None or self._process.stdin is None:
            raise EOFError
        pickle.dump(job, self._process.stdin)
        self._process.stdin.flush()

    def _answer(self) -> Any:
        if self._process is None or self._process.stdout is None:
            raise EOFError
        return pickle.load(self._process.stdout)  # noqa: S301  # from our own process


@contextmanager
def reader() -> Iterator[Reader]:
    """Give a reader whose process, if it has one, ends with the block."""
    made = Reader()
    try:
        yield made
    finally:
        made.stop()
