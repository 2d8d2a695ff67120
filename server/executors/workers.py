"""Those who compute, and the processes of this computer that do."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process

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
