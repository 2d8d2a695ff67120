"""Starting the web server, in one process or several, and ending it on SIGTERM and SIGINT."""

import gc
import http.client
import json
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from server import metrics
from server.db import is_sqlite
from server.errors import StartupError
from server.logs import configure_logging
from server.settings import Settings, is_loopback

if TYPE_CHECKING:
    from fastapi import FastAPI

_log = structlog.get_logger()
_END_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_OPTIONS: dict[str, Any] = {
    "log_config": None,
    "access_log": False,
    "timeout_graceful_shutdown": 5,
    "server_header": False,
    "proxy_headers": False,
}
_COLLECTED_AFTER = (10_000, 10, 100)
"""Objects more than before, and young collections, after which the collector looks again."""
_LOOKS_AGAIN_S = 0.5
_BUSY_FOR_S = 10
"""A server process that says nothing for so long is taken for stuck, and replaced."""
_ENDS_WITHIN_S = 30
"""A server process whose parent was killed is gone by then, whatever it waits for."""
_LEAVES_JOBS = "FAULTBOOK_SERVES_WITHOUT_JOBS"
"""Tells the processes of one server that background jobs are for `faultbook worker`."""


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
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise StartupError(
            f"Port {port} of {host} cannot be used: {error.strerror}. Choose another by --port, "
            "or --port 0 for any free one."
        ) from error
    # asyncio sets it only where a socket names its protocol, which this one does not: without it
    # every answer on a connection that is kept waits 40 ms for the browser's acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def url_of(listening: socket.socket) -> str:
    """Return the URL that a listening socket answers to."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def put_off_collections() -> None:
    """Collect no garbage until the server answers: that took a fifth of starting it."""
    gc.disable()


def _spare_requests_collections() -> None:
    """Leave what the program consists of out of garbage collection, and collect less often.

    Going through all of it takes a quarter of a second and more, in which nobody is answered. Even
    once is not worth it: of half a million objects loading leaves three thousand to nobody.
    """
    gc.freeze()
    gc.enable()
    gc.set_threshold(*_COLLECTED_AFTER)


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

    _spare_requests_collections()
    config = uvicorn.Config(app, **_OPTIONS)
    # uvicorn raises a caught signal again after its own end: by then it has done its work.
    for number in _END_SIGNALS:
        signal.signal(number, lambda *_: None)
    Announcing(config).run(sockets=[listening])


def run_processes(
    settings: Settings,
    listening: socket.socket,
    processes: int,
    when_ready: Callable[[str], None],
    *,
    runs_jobs: bool,
) -> None:
    """Serve with several processes on one socket until SIGTERM or SIGINT.

    Raises:
        StartupError: The database is SQLite, which takes one writing process.
    """
    if is_sqlite(settings.database_url):
        raise StartupError(
            "Several server processes need PostgreSQL: name one by --database, or leave "
            "--workers at 1."
        )
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    # The processes are fresh: what was set by options reaches them through the environment.
    for name, value in settings.model_dump(mode="json").items():
        text = value if isinstance(value, str) else json.dumps(value)
        os.environ[f"FAULTBOOK_{name.upper()}"] = text
    os.environ[_LEAVES_JOBS] = "" if runs_jobs else "1"
    config = uvicorn.Config(
        "server.serve:application",
        factory=True,
        workers=processes,
        timeout_worker_healthcheck=_BUSY_FOR_S,
        **_OPTIONS,
    )
    url = url_of(listening)
    telling = threading.Thread(target=_tell_when_ready, args=(url, when_ready), daemon=True)
    telling.start()
    with metrics.added_up() if settings.metrics_token else nullcontext():
        Multiprocess(config, sockets=[listening]).run()


def application() -> "FastAPI":
    """Build the application in one of several server processes, from its environment."""
    put_off_collections()
    threading.Thread(target=_end_with_parent, name="ends with its parent", daemon=True).start()
    app = _created(Settings(), runs_jobs=not os.environ.get(_LEAVES_JOBS))
    _spare_requests_collections()
    return app


def _end_with_parent() -> None:
    """End where whoever started this process was killed: it would keep the port for itself."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        signal.raise_signal(signal.SIGTERM)
        time.sleep(_ENDS_WITHIN_S)
        os._exit(1)


def _created(settings: Settings, *, runs_jobs: bool) -> "FastAPI":
    """Create the application, waiting while the database is away.

    A process that fails to start ends all others, too; this one may take the place of one that was
    lost together with the database.
    """
    import psycopg  # several processes need PostgreSQL
    from sqlalchemy.exc import OperationalError

    from server.app import create_app

    configure_logging(json_lines=settings.log_json, level=settings.log_level)
    while True:
        try:
            return create_app(settings, runs_jobs=runs_jobs)
        except (OperationalError, psycopg.OperationalError) as error:
            _log.warning("the database is waited for", error=str(error))
            time.sleep(_LOOKS_AGAIN_S)


def _tell_when_ready(url: str, when_ready: Callable[[str], None]) -> None:
    wait_for_answer(url)
    when_ready(url)


def wait_for_answer(url: str) -> None:
    """Return once the server behind an open socket answers, whatever host names it answers to.

    Until a process serves the socket, this waits in the kernel's queue.
    """
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    connection.close()
