"""Starting the web server: one socket on this machine, and a clean end on SIGTERM and SIGINT."""

import ipaddress
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from server.errors import StartupError
from server.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

_END_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LAST_REQUESTS_S = 5


def bind(settings: Settings) -> socket.socket:
    """Listen on the address and port of the settings.

    Raises:
        StartupError: Others could reach the address and nobody signs in, or it is taken.
    """
    host, port = settings.host.strip("[]"), settings.port
    if settings.no_login and not is_loopback(host):
        raise StartupError(
            f"{settings.host} could be reached by others, and nobody signs in. Use 127.0.0.1, or "
            "set FAULTBOOK_NO_LOGIN=false so that people sign in."
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise StartupError(
            f"Port {port} of {host} cannot be used: {error.strerror}. Choose another by --port, "
            "or --port 0 for any free one."
        ) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def url_of(listening: socket.socket) -> str:
    """Return the URL that a listening socket answers to."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def run(app: "FastAPI", listening: socket.socket, when_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, after which this returns.

    Args:
        app: The application.
        listening: A socket from `bind`.
        when_ready: Called with the URL as soon as the server answers.
    """
    import uvicorn

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            when_ready(url_of(listening))

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_LAST_REQUESTS_S,
        server_header=False,
    )
    # uvicorn raises a caught signal again after its own end: by then it has done its work.
    for number in _END_SIGNALS:
        signal.signal(number, lambda *_: None)
    Announcing(config).run(sockets=[listening])
