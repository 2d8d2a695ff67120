"""What was counted or read once, kept for as long as nothing moved that it rests on.

Every decision is an event and every trace has a higher id than those before, so a project whose
last events and last trace are the same holds what it held. Only sessions that read keep anything:
what a writing one sees may be taken back.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import pandas as pd
from sqlalchemy.pool import Pool
from sqlmodel import Session

from server.db import is_writing
from server.queries import events as queries

_MOST = 200
"""Values kept of one database; the one that was asked for longest ago goes first."""
_MOST_BYTES = 256 * 1024**2
"""What the kept frames of one database may hold together."""
_SECONDS = 60.0
"""How long at most: roles and accounts change without an event."""

Value = TypeVar("Value")
State = Hashable


@dataclass(frozen=True)
class _Entry:
    state: State
    until: float
    value: Any

    @cached_property
    def byte_count(self) -> int:
        frame = self.value
        return int(frame.memory_usage().sum()) if isinstance(frame, pd.DataFrame) else 0


@dataclass
class _Values:
    """Values of one database by what they are, each with the state it was read in."""

    found: "OrderedDict[Hashable, _Entry]" = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, what: Hashable, state: State) -> tuple[Any] | None:
        with self.lock:
            known = self.found.get(what)
            if known is None or known.state != state or time.monotonic() > known.until:
                return None
            self.found.move_to_end(what)
            return (known.value,)

    def put(self, what: Hashable, state: State, value: Any) -> None:
        with self.lock:
            self.found[what] = _Entry(state, time.monotonic() + _SECONDS, value)
            self.found.move_to_end(what)
            while len(self.found) > _MOST or self._bytes() > _MOST_BYTES:
                self.found.popitem(last=False)

    def _bytes(self) -> int:
        return sum(entry.byte_count for entry in self.found.values())


_kept: WeakKeyDictionary[Pool, _Values] = WeakKeyDictionary()


def state(session: Session, project_id: int) -> State:
    """Return what moves when anything of a project does."""
    return tuple(session.execute(queries.head(project_id)).one())


def value(
    session: Session, now: State, what: tuple[Hashable, ...], read: Callable[[], Value]
) -> Value:
    """Return what `read` gives, without asking it where it gave that in this state before.

    Args:
        session: An open session.
        now: From `state`, read in this session before.
        what: Names the value: the project first, and whoever sees it where that matters.
        read: Reads it; what it gives is shared, so nobody may change it.
    """
    if is_writing(session):
        return read()
    values = _kept.setdefault(session.connection().engine.pool, _Values())
    known = values.get(what, now)
    if known is not None:
        found: Value = known[0]
        return found
    found = read()
    values.put(what, now, found)
    return found


def frame(
    session: Session, now: State, what: tuple[Hashable, ...], read: Callable[[], pd.DataFrame]
) -> pd.DataFrame:
    """Return a frame as `value` does; what is written into it stays with whoever writes it."""
    return value(session, now, what, read).copy(deep=False)
