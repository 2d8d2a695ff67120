"""Behind a reverse proxy: whom a request came from, by which scheme, and to which host."""

import ipaddress

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from server.settings import Settings

FORWARDED_HOST = "x-forwarded-host"


class TrustedProxies:
    """Believes `X-Forwarded-For`, `-Proto` and `-Host` of the proxies in the settings.

    What anybody else sends in them is not looked at. Of addresses in `-For`, the last one counts
    that is no trusted proxy's: a client can write any before it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._known: dict[tuple[str, ...], ProxyHeadersMiddleware] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        settings: Settings = scope["app"].state.settings
        if scope["type"] != "http" or not _is_trusted(scope, settings.trusted_proxies):
            await self._app(scope, receive, send)
            return
        host = _last(Headers(scope=scope).get(FORWARDED_HOST, ""))
        if host:
            MutableHeaders(scope=scope)["host"] = host
        await self._believing(tuple(settings.trusted_proxies))(scope, receive, send)  # type: ignore[arg-type]  # uvicorn's own types of the same protocol

    def _believing(self, proxies: tuple[str, ...]) -> ProxyHeadersMiddleware:
        if proxies not in self._known:
            self._known[proxies] = ProxyHeadersMiddleware(self._app, [*proxies])  # type: ignore[arg-type]  # as above
        return self._known[proxies]


def _is_trusted(scope: Scope, proxies: list[str]) -> bool:
    if not proxies or not scope.get("client"):
        return False
    try:
        peer = ipaddress.ip_address(scope["client"][0])
    except ValueError:
        return False
    return any(peer in ipaddress.ip_network(proxy) for proxy in proxies)


def _last(values: str) -> str:
    return values.rpartition(",")[2].strip()
