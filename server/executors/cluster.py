"""The workers of a Dask cluster as an executor: found, compared with this computer, watched.

No other module imports Dask. Its workers are handed functions by name and plain values, so each
needs the same Faultbook, and nothing of the database.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakSet

from server.errors import Unavailable
from server.executors.versions import checked, difference, facts
from server.executors.workers import Workers

if TYPE_CHECKING:
    from distributed import Client

_ANSWERS_WITHIN_S = 5.0
_WORKERS_WITHIN_S = 10.0
_GONE_AFTER_S = 30.0
"""Without any worker for so long, a computation is given up."""
_LOOKS_EVERY_S = 1.0
_QUIET = {
    # What all parts share travels with the first of them; that is told of no value as too large.
    "distributed.admin.large-graph-warning-threshold": "1TB",
    "distributed.comm.timeouts.connect": f"{_ANSWERS_WITHIN_S}s",
}
_AGAIN = "Nothing half-done was kept; ask again, and it goes on from what is finished."
_START = "Start it with «dask scheduler», and its workers with «dask worker»."


@contextmanager
def cluster(address: str) -> Iterator[Workers]:
    """Give the workers of a scheduler for as long as the block lasts.

    Args:
        address: As Dask writes it, `tcp://HOST:PORT`.

    Raises:
        Unavailable: See `choosing.opened`.
    """
    client = _client(address)
    executor = _ClusterExecutor(client)
    watch = _Watch(client, executor, address)
    try:
        _compare(client, address)
        watch.start()
        yield Workers(executor, watch.count)
    except CancelledError as error:
        raise Unavailable(watch.reason()) from error
    except _ended_workers() as error:
        raise Unavailable(
            f"A part of the computation ended several workers of {address}, one after the other: "
            f"their logs say why, and often it is memory. {_AGAIN}"
        ) from error
    finally:
        watch.stop()
        client.close(timeout=1)


def _client(address: str) -> "Client":
    try:
        import dask
        from distributed import Client
    except ImportError as error:
        raise Unavailable(
            "Dask is not installed here: pip install 'faultbook[dask]', or use «local»."
        ) from error
    _reach(address)
    dask.config.set(_QUIET)
    # What it tells of a lost connection stands in our own sentence.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        return Client(address, timeout=_ANSWERS_WITHIN_S, set_as_default=False, name="faultbook")
    except Exception as error:  # whatever reading another protocol, or another version, ends in
        raise Unavailable(
            f"What answers at {address} is no Dask scheduler that this computer understands "
            f"({type(error).__name__}): check the port, and that both have the same Dask."
        ) from error


def _reach(address: str) -> None:
    """Ask first whether anybody listens: Dask itself would try again and again."""
    place = urlsplit(address)
    try:
        socket.create_connection((place.hostname, place.port), _ANSWERS_WITHIN_S).close()
    except OSError as error:
        raise Unavailable(
            f"The Dask scheduler at {address} can't be reached: {error.strerror or error}. {_START}"
        ) from error


def _ended_workers() -> type[Exception]:
    from distributed.scheduler import KilledWorker

    ended: type[Exception] = KilledWorker
    return ended


def _compare(client: "Client", address: str) -> None:
    """Look whether there are workers, and whether they are like this computer.

    Raises:
        Unavailable: One of them is not.
    """
    with suppress(TimeoutError):
        client.wait_for_workers(1, timeout=_WORKERS_WITHIN_S)
    if not client.nthreads():
        raise Unavailable(
            f"The Dask scheduler at {address} has no workers: start some with «dask worker "
            f"{address}»."
        )
    try:
        found: Mapping[str, Mapping[str, str]] = client.run(facts)
    except ImportError as error:
        raise Unavailable(
            f"A worker of {address} has no Faultbook ({error}): install the same one there."
        ) from error
    for worker, versions in found.items():
        if told := difference(versions, facts(), f"The worker {worker}"):
            raise Unavailable(told)


class _ClusterExecutor(Executor):
    """Dask's executor, whose parts are computed by workers like this computer alone."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._inner = client.get_executor(pure=False)
        self._waiting: WeakSet[Future[Any]] = WeakSet()

    def submit(self, function: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        """Hand out one call; a worker that is lost gives it back to the others.

        Functions go by their names: one that a worker does not know would end it.
        """
        if named:
            raise TypeError("parts have no named arguments")
        future: Future[Any] = self._inner.submit(
            checked, dict(facts()), function.__module__, function.__qualname__, *args
        )
        self._waiting.add(future)
        return future

    def give_up(self) -> None:
        """Cancel all parts, so that whoever waits for one waits no longer."""
        for future in list(self._waiting):
            future.cancel()

    def share(self, value: Any) -> Any:
        """Send a value once; as it is a part of its own, it is not lost with a worker."""
        return self._client.submit(_itself, value, pure=False)


def _itself(value: Any) -> Any:
    return value


class _Watch:
    """Looks after a cluster while it computes: a thread that waits sees nothing."""

    def __init__(self, client: "Client", executor: _ClusterExecutor, address: str) -> None:
        self._client, self._executor, self._address = client, executor, address
        self._over = threading.Event()
        self._workers = 1
        self._has_none = False
        self._thread = threading.Thread(target=self._look, name="cluster-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._workers = sum(self._client.nthreads().values())
        self._thread.start()

    def stop(self) -> None:
        """End looking."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def count(self) -> int:
        """Return how many threads computed when last looked at."""
        return self._workers

    def reason(self) -> str:
        """Return why parts were given up."""
        if self._has_none:
            lost = f"The Dask scheduler at {self._address} has no workers any more."
        else:
            lost = f"The connection to the Dask scheduler at {self._address} was lost."
        return f"{lost} {_AGAIN}"

    def _look(self) -> None:
        seen = time.monotonic()
        while not self._over.wait(_LOOKS_EVERY_S):
            try:
                workers = sum(self._client.nthreads().values())
            except Exception:  # it is lost, however Dask says so
                self._executor.give_up()
                return
            if workers:
                self._workers, seen = workers, time.monotonic()
            elif time.monotonic() - seen > _GONE_AFTER_S:
                self._has_none = True
                self._executor.give_up()
                return
