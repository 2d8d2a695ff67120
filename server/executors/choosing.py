"""`local`, or the address of a cluster: from how it is written to those who compute."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from functools import cache
from urllib.parse import urlsplit

from server.errors import WrongArgument
from server.executors.workers import TellingExecutor, Told, Workers, processes

LOCAL = "local"
_SCHEMES = {"dask": "tcp", "tls": "tls"}
_offered: ContextVar[Callable[[], Executor | None] | None] = ContextVar("executor", default=None)


def current() -> Executor | None:
    """Return who computes in this block of `offered`, called now; None where this thread does.

    Raises:
        server.errors.Unavailable: As `opened`.
    """
    called = _offered.get()
    return None if called is None else called()


@contextmanager
def offered(where: str, count: int = 1, told: Told | None = None) -> Iterator[None]:
    """Let what is computed in the block ask by `current` who computes; nobody is called before.

    Args:
        where: As of `opened`.
        count: As of `opened`.
        told: Told how many parts are done while the block waits for them.
    """
    address_of(where)
    with ExitStack() as stack:

        @cache
        def called() -> Executor | None:
            workers = stack.enter_context(opened(where, count))
            if workers is None or told is None:
                return None if workers is None else workers.executor
            return TellingExecutor(workers.executor, told)

        token = _offered.set(called)
        try:
            yield
        finally:
            _offered.reset(token)


def address_of(where: str) -> str | None:
    """Return the address of a scheduler as Dask writes it; None of `local`.

    Raises:
        WrongArgument: It is neither.
    """
    if where == LOCAL:
        return None
    parts = urlsplit(where)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:  # a port that is no number, or an address that is none
        host = port = None
    rest = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme not in _SCHEMES or not host or not port or rest:
        raise WrongArgument(
            f"«{where}» is no executor: use {LOCAL}, dask://HOST:PORT, or tls://HOST:PORT for a "
            "scheduler that asks for certificates."
        )
    return f"{_SCHEMES[parts.scheme]}://{f'[{host}]' if ':' in host else host}:{port}"


@contextmanager
def opened(where: str, count: int = 1) -> Iterator[Workers | None]:
    """Give those who compute for as long as the block lasts; None where this thread does.

    Args:
        where: `local`, `dask://HOST:PORT` or `tls://HOST:PORT`.
        count: Processes of this computer, where it is `local`; 1 is this thread.

    Raises:
        WrongArgument: `where` is none of them.
        server.errors.Unavailable: The cluster can't be reached, has no workers, has others than
            this Faultbook, or was lost before the block had ended.
    """
    workers = _workers(where, count)
    if workers is None:
        yield None
        return
    with workers as found:
        yield found


def _workers(where: str, count: int) -> AbstractContextManager[Workers] | None:
    address = address_of(where)
    if address is None:
        return processes(count) if count > 1 else None
    from server.executors.cluster import cluster  # which takes a moment

    return cluster(address)
