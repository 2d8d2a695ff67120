"""One line in the log for a request, and an id that ties everything logged during it together."""

import logging
import re
import time
import uuid
from http import HTTPStatus
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.settings import Settings

REQUEST_ID = "X-Request-ID"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_CLOSED_BY_CLIENT = 499
_UNMATCHED = "no route"
_WATCHED_OFTEN = ("/static", "/healthz", "/readyz", "/metrics")
"""Asked for so often that only what goes wrong is worth a line."""
_log = structlog.get_logger("server.request_log")


def acts_as(scope: Scope, account_id: int | None) -> None:
    """Remember for the log which account a request came from."""
    scope.setdefault("state", {})["account_id"] = account_id


def request_id(scope: Scope) -> str:
    """The id of a request, which its answer carries in `X-Request-ID`."""
    return str(scope.get("state", {}).get("request_id", ""))


def route_of(scope: Scope) -> str:
    """The template of the path that was asked for, such as `/projects/{slug}/read`.

    Never the path itself: it may hold a one-time link, and what somebody searched for.
    """
    route = scope.get("route")
    if route is None:
        return "/static" if str(scope.get("path", "")).startswith("/static/") else _UNMATCHED
    return f"{scope.get('root_path', '')}{getattr(route, 'path', '')}"


class RequestLog:
    """Gives each request an id and logs how it ended: route, status, milliseconds, who, where.

    A client's own `X-Request-ID` of 8 to 64 letters, digits, `.`, `_` and `-` is taken over.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        identifier = given if _ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = identifier
        status = _CLOSED_BY_CLIENT

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = identifier
            await send(message)

        settings: Settings = scope["app"].state.settings
        counted = scope["app"].state.request_metrics
        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=identifier):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                facts = _facts(scope, status, began)
                _tell(settings, facts)
                if counted is not None:
                    counted.observe(facts["method"], facts["route"], status, facts["ms"] / 1000)


def _tell(settings: Settings, facts: dict[str, Any]) -> None:
    status = facts["status"]
    if facts["ms"] >= settings.log_slow_ms:
        _log.warning("slow request", **facts)
    elif settings.log_requests and not (
        facts["route"].startswith(_WATCHED_OFTEN) and status < HTTPStatus.BAD_REQUEST
    ):
        is_ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        _log.log(logging.ERROR if is_ours else logging.INFO, "request", **facts)


def _facts(scope: Scope, status: int, began: float) -> dict[str, Any]:
    return {
        "method": scope["method"],
        "route": route_of(scope),
        "status": status,
        "ms": round((time.perf_counter() - began) * 1000, 1),
        "client": (scope.get("client") or ("unknown", 0))[0],
        "account_id": scope["state"].get("account_id"),
        "project": scope.get("path_params", {}).get("slug"),
    }
