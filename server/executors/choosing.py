"""`local`, or the address of a cluster: from how it is written to those who compute."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from urllib.parse import urlsplit

from server.errors import WrongArgument
from server.executors.workers import Workers, processes

LOCAL = "local"
_SCHEMES = {"dask": "tcp", "tls": "tls"}
_current: ContextVar[Executor | None] = ContextVar("executor", default=None)


def current() -> Executor | None:
    """Return who computes in this block of `opened`; None where this thread does."""
    return _current.get()


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
        token = _current.set(found.executor)
        try:
            yield found
        finally:
            _current.reset(token)


def _workers(where: str, count: int) -> AbstractContextManager[Workers] | None:
    address = address_of(where)
    if address is None:
        return processes(count) if count > 1 else None
    from server.executors.cluster import cluster  # which takes a moment

    return cluster(address)
