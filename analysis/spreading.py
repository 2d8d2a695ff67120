"""Handing parts of a computation to whoever computes: nobody else, processes, or a cluster.

What is computed depends on the parts alone. Who computes them, and how many do, decides only how
long it takes: parts are made, and random draws are taken, before any part is handed out.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from typing import Any, Protocol, TypeVar, runtime_checkable

AHEAD = 64
"""Parts that are with the executor at once, unless told otherwise."""
_LOOKS_EVERY_S = 0.5
Result = TypeVar("Result")
Told = Callable[[int], None]
"""Told how many parts are done; may end the computation by raising."""


@runtime_checkable
class Sharing(Protocol):
    """An executor that can hold what all parts need, so that it travels once and not with each."""

    def share(self, value: Any) -> Any:
        """Return what stands for a value as an argument of `submit`."""


@runtime_checkable
class Telling(Protocol):
    """An executor that tells how far it is while somebody waits; that may end the waiting."""

    def tell(self) -> None:
        """Tell it, or raise."""


def spread(
    function: Callable[..., Result],
    parts: Iterable[Sequence[Any]],
    executor: Executor | None = None,
    *,
    shared: Sequence[Any] = (),
    ahead: Callable[[], int] | int = AHEAD,
    told: Told | None = None,
) -> Iterator[Result]:
    """Yield `function(*shared, *part)` of each part, in the order of the parts.

    Args:
        function: A function of a module, so that other processes find it by its name.
        parts: The arguments of each call; they are taken only when there is room for them.
        executor: Who computes; without one, this thread does.
        shared: Arguments that all calls have in common.
        ahead: How many parts may be with the executor at once.
        told: Told how many parts are done, after each.
    """
    if executor is None:
        for done, part in enumerate(parts, start=1):
            yield function(*shared, *part)
            if told is not None:
                told(done)
        return
    for done, result in enumerate(_handed_out(function, parts, executor, shared, ahead), start=1):
        yield result
        if told is not None:
            told(done)


def _handed_out(
    function: Callable[..., Result],
    parts: Iterable[Sequence[Any]],
    executor: Executor,
    shared: Sequence[Any],
    ahead: Callable[[], int] | int,
) -> Iterator[Result]:
    common = shared
    if isinstance(executor, Sharing):
        common = [executor.share(value) for value in shared]
    waiting: deque[Future[Result]] = deque()
    try:
        for part in parts:
            waiting.append(executor.submit(function, *common, *part))
            while len(waiting) >= (ahead() if callable(ahead) else ahead):
                yield _waited_for(waiting.popleft(), executor)
        while waiting:
            yield _waited_for(waiting.popleft(), executor)
    finally:
        for future in waiting:
            future.cancel()


def _waited_for(future: "Future[Result]", executor: Executor) -> Result:
    if isinstance(executor, Telling):
        executor.tell()
        while not wait([future], _LOOKS_EVERY_S).done:
            executor.tell()
    return future.result()
