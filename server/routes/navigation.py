"""From page to page: the way back, and what the page before wants said on the next."""

import json
import re
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from server.render import is_fragment

FLASH = "faultbook_flash"
"""Cookie with what the next page says, such as "Undone: …"."""
_OWN_PATH = re.compile(r"/(?!/)[^\\\x00-\x1f\x7f]*\Z")
"""Browsers read a path that begins with two slashes as another host, take a backslash for a slash,
and leave out tabs and line ends before they look."""
_AS_IN_REDIRECTS = ":/%#?=@[]!$&'()*+,;"
"""What stays as it is in the URL of a redirect; the framework's own does the same."""


def flash(request: Request) -> dict[str, Any] | None:
    """Return what the page before wants said on this one."""
    stored = request.cookies.get(FLASH)
    if not stored:
        return None
    try:
        told = json.loads(unquote(stored))
    except ValueError:
        return None
    return {"message": str(told.get("message", "")), "undo": bool(told.get("undo"))}


def came_from(request: Request) -> str | None:
    """Return path and query of the page a request came from, if that was one of ours."""
    page = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("referer") or "")
    if not _OWN_PATH.match(page.path) or page.netloc != request.headers.get("host"):
        return None
    return f"{page.path}?{page.query}" if page.query else page.path


def own_path(path: str) -> str | None:
    """Return a path (with query) that stays on this server; None for anything else."""
    parts = urlsplit(path)
    if parts.scheme or parts.netloc or not _OWN_PATH.match(path):
        return None
    return path


def own_address(request: Request) -> str:
    """Return the address that people open this server at, without a slash at its end."""
    chosen: str = request.app.state.settings.public_url
    return (chosen or str(request.base_url)).rstrip("/")


def go_to(request: Request, url: str, *, message: str = "", undo: bool = False) -> Response:
    """Send the browser on to `url`, which then shows `message`: 303, or htmx's own redirect."""
    response = (
        Response(status_code=204, headers={"HX-Redirect": quote(url, safe=_AS_IN_REDIRECTS)})
        if is_fragment(request)
        else RedirectResponse(url, status_code=303)
    )
    if message:
        told = quote(json.dumps({"message": message, "undo": undo}))
        response.set_cookie(FLASH, told, max_age=30, httponly=True, samesite="lax")
    return response
