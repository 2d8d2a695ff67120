"""What disk and database refuse, as a sentence for whoever wanted to save.

Nothing of a refused request is kept: its transaction is rolled back, its files have other names
until they are whole.
"""

import errno
import sqlite3

import sqlalchemy as sa
import structlog

from server.errors import FaultbookError, StorageFull, Unavailable
from server.turns import NotKept, NoTurn

KINDS = (sa.exc.DBAPIError, sa.exc.TimeoutError, NoTurn, NotKept, OSError)
"""What disk and database raise; some of it is an error of ours all the same."""

_log = structlog.get_logger()
_RETRY_AFTER_S = 5

_FULL = (
    "The server's disk is full, so nothing of this was saved. What you typed stays here: save it "
    "again once whoever runs the server has made room."
)
_READ_ONLY = (
    "The server may not write to its disk, so nothing of this was saved. What you typed stays "
    "here: save it again once whoever runs the server has seen to that."
)
_BUSY = (
    "Something else kept the database to itself for too long, so nothing of this was saved. Try "
    "again in a moment."
)
_AWAY = (
    "The database stopped answering, so nobody can say whether this was saved. Look whether it is "
    "there, and try again in a moment."
)
_DAMAGED = (
    "The server's database could not be read or written, so nothing of this was saved. Whoever "
    "runs the server finds out more by: faultbook doctor"
)

_BY_SQLITE_CODE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_IOERR: _DAMAGED,
    sqlite3.SQLITE_CANTOPEN: _DAMAGED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
_PRIMARY_CODE = 0xFF
_NO_ROOM = (sqlite3.SQLITE_IOERR_SHMSIZE,)
"""Not even the few pages that readers share found room."""
_BY_SQLSTATE = {
    "53100": _FULL,
    "25006": _READ_ONLY,
    "40001": _BUSY,
    "40P01": _BUSY,
    "55P03": _BUSY,
    "58030": _DAMAGED,
}
_AWAY_CLASSES = ("08", "53", "57")
"""Of PostgreSQL's states: connection, resources, and an operator who ends it."""
_BY_ERRNO = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _READ_ONLY,
    errno.EPERM: _READ_ONLY,
}


def told_of(error: Exception) -> FaultbookError:
    """Return what to tell people of an error of disk or database, and log it.

    Raises:
        Exception: `error` itself, where it is one of ours.
    """
    told = refusal(error)
    if told is None:
        raise error
    _log.error("disk or database refused a request", error=str(error), answered=told.status)
    return told


def refusal(error: BaseException) -> FaultbookError | None:
    """Return what to tell people of an error of disk or database; None for an error of ours."""
    told = _sentence(error)
    if told is None:
        return None
    if told is _FULL:
        return StorageFull(told)
    return Unavailable(told, detail={"retry_after_s": _RETRY_AFTER_S})


def _sentence(error: BaseException) -> str | None:
    if isinstance(error, NoTurn):
        return _BUSY
    if isinstance(error, NotKept):
        return _DAMAGED
    if isinstance(error, sa.exc.TimeoutError):
        return _AWAY
    if isinstance(error, sa.exc.DBAPIError):
        return _of_database(error)
    if isinstance(error, OSError):
        return _BY_ERRNO.get(error.errno or 0)
    return None


def _of_database(error: sa.exc.DBAPIError) -> str | None:
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return _FULL if code in _NO_ROOM else _BY_SQLITE_CODE.get(code & _PRIMARY_CODE)
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        # Without a state no server has answered: the connection is broken, or there was none.
        return _AWAY if isinstance(error, sa.exc.OperationalError) else None
    return _BY_SQLSTATE.get(state) or (_AWAY if state[:2] in _AWAY_CLASSES else None)
