"""The page (or notice) of something that did not work."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from server.errors import FaultbookError, SignedOut

_TITLES = {
    400: "Can't be read",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    409: "Changed meanwhile",
    413: "Too large",
    422: "Does not fit",
    429: "Too many tries",
    500: "That did not work",
    503: "Not possible just now",
    507: "The disk is full",
}


@dataclass(frozen=True)
class KeptText:
    """One text of a conflict in both its versions."""

    name: str
    yours: str
    theirs: str


@dataclass(frozen=True)
class FailureView:
    status: int
    title: str
    message: str
    back: str
    project_path: str
    blocking: tuple[Any, ...]
    """Later decisions that rest on the one that was to be undone."""
    kept: tuple[KeptText, ...]
    """Both versions of what two people (or tabs) changed at once."""
    sign_in: str
    """Where to sign in again, leading back to the page; empty where that would not help."""


def failure(error: FaultbookError, *, back: str, project_path: str) -> FailureView:
    """Build the page of an error."""
    return FailureView(
        status=error.status,
        title=_TITLES.get(error.status) or HTTPStatus(error.status).phrase,
        message=error.message,
        back=back,
        project_path=project_path,
        blocking=tuple(error.detail.get("blocking", ())),
        kept=_kept(error.detail),
        sign_in=f"/sign-in?{urlencode({'next': back})}" if isinstance(error, SignedOut) else "",
    )


def plain_detail(error: FaultbookError) -> dict[str, Any]:
    """Return an error's details as JSON values."""
    return {name: _plain(value) for name, value in error.detail.items()}


def _kept(detail: Mapping[str, Any]) -> tuple[KeptText, ...]:
    yours, theirs = detail.get("yours"), detail.get("theirs")
    if isinstance(yours, str):
        return (KeptText("", yours, str(theirs or "")),)
    if isinstance(yours, Mapping) and isinstance(theirs, Mapping):
        return tuple(
            KeptText(name.replace("_", " "), str(text), str(theirs.get(name, "")))
            for name, text in yours.items()
        )
    return ()


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
