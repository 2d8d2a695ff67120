"""Guards around every request: strict headers, and only one's own pages may change anything."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.db import SAFE_METHODS

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


PROBED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked by address, by whoever watches over the server; they tell a stranger's page nothing."""


class AllowedHosts:
    """Answers only to the host names of the settings; probes are answered by any name."""

    def __init__(self, app: ASGIApp, allowed_hosts: Sequence[str]) -> None:
        self._app = app
        self._checked = TrustedHostMiddleware(app, allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_probe = scope["type"] == "http" and scope["path"] in PROBED
        await (self._app if is_probe else self._checked)(scope, receive, send)


class SecurityHeaders:
    """Puts the same strict headers on every response, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def is_same_origin(method: str, headers: Headers) -> bool:
    """Whether a request may change something.

    The rule of Go's CrossOriginProtection: trust `Sec-Fetch-Site` where the browser sends it, else
    compare `Origin` with `Host`; a request with neither comes from no browser.
    """
    if method in SAFE_METHODS:
        return True
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _refusal(path: str) -> Response:
    told = "This request came from another site and was refused. Nothing was changed."
    if path.startswith("/api/"):
        return JSONResponse({"error": {"status": 403, "message": told}}, 403)
    return PlainTextResponse(told, 403)


class SameOrigin:
    """Refuses unsafe requests that another site sent (cross-site request forgery)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_same_origin(scope["method"], Headers(scope=scope)):
            await _refusal(scope["path"])(scope, receive, send)
            return
        await self._app(scope, receive, send)
