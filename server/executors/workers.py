"""Those who compute, and the processes of this computer that do."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from typing import Any

from analysis.spreading import Sharing

_EACH = 2
"""Parts a worker has: one at work, and one to go on with."""


@dataclass(frozen=True)
class Workers:
    """An executor, and how many compute there just now."""

    executor: Executor
    count: Callable[[], int]

    def ahead(self) -> int:
        """Return how many parts may be under way at once."""
        return max(2, _EACH * self.count())


Told = Callable[[int, int], None]
"""Told how many parts are done, and how many were handed out; may end the waiting by raising."""


class TellingExecutor(Executor):
    """An executor that tells how far it is to whoever watches the one who waits."""

    def __init__(self, workers: Executor, told: Told) -> None:
        self._workers, self._told = workers, told
        self._asked = self._done = 0

    def submit(self, function: Callable[..., Any], /, *args: Any, **named: Any) -> "Future[Any]":
        """Hand out one part."""
        future = self._workers.submit(function, *args, **named)
        self._asked += 1
        future.add_done_callback(self._count)
        return future

    def share(self, value: Any) -> Any:
        """Have a value held by those who compute, where they can."""
        return self._workers.share(value) if isinstance(self._workers, Sharing) else value

    def tell(self) -> None:
        """Tell how many parts are done, of those that were handed out."""
        self._told(self._done, self._asked)

    def _count(self, _future: "Future[Any]") -> None:
        self._done += 1


@contextmanager
def processes(count: int) -> Iterator[Workers]:
    """Give processes of this computer; they end with the block, or with this process."""
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=end_with_parent)
    try:
        yield Workers(pool, lambda: count)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def end_with_parent() -> None:
    """End this process with its parent: one that is killed says nothing, it only ends."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
