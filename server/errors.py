"""Errors that carry a status and a sentence for the person who caused them."""

from collections.abc import Mapping
from typing import Any


class FaultbookError(Exception):
    """Something a person can act on: `status` for HTTP, a sentence for the screen."""

    status = 400

    def __init__(self, message: str, *, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = dict(detail or {})


class NotFound(FaultbookError):
    status = 404


class Forbidden(FaultbookError):
    status = 403


class SignedOut(FaultbookError):
    """Nobody is signed in, or the proof of who it is does not hold."""

    status = 401


class TooMany(FaultbookError):
    """Too many tries in too short a time; `detail["retry_after_s"]` says how long to wait."""

    status = 429


class Conflict(FaultbookError):
    """Somebody (or another tab) was faster; `detail` holds both versions, nothing was lost."""

    status = 409


class Invalid(FaultbookError):
    """The input does not fit; the sentence says which field and what was expected."""

    status = 422


class WrongArgument(Invalid):
    """What was asked for is not there, whatever the data say; a command ends with exit code 2."""


class TooLarge(FaultbookError):
    status = 413


class Unavailable(FaultbookError):
    """It can't be done now, but soon; `detail["retry_after_s"]` says how long to wait."""

    status = 503


class StorageFull(FaultbookError):
    """The disk takes no more; nothing of the request was kept."""

    status = 507


class Unexpected(FaultbookError):
    """An error of ours, which the log describes."""

    status = 500

    def __init__(self, request_id: str = "") -> None:
        under = f" under {request_id}" if request_id else ""
        super().__init__(
            "Something went wrong on our side. What you saved before is safe; the error is in the "
            f"server's log{under}."
        )


class StartupError(FaultbookError):
    """The server cannot start as asked; the sentence says what to change."""

    status = 500
