"""The application for tests: assembled once, given its settings and database for each of them."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from server.app import assemble, supply
from server.jobs import Jobs
from server.serve import bind, url_of
from server.settings import Settings

_END_S = 5
_idle: defaultdict[object, list[FastAPI]] = defaultdict(list)
"""Applications that no test uses just now, by what of the settings is built into them."""


@contextmanager
def supplied(settings: Settings, **more: Any) -> Iterator[FastAPI]:
    """The application on `settings`.

    Routes and schemas are read in by the first request that needs them, which takes longer than
    most tests; so an application is handed on. It keeps nothing of the test before.
    """
    idle = _idle[settings.form_limit_bytes, *settings.allowed_hosts]
    app = idle.pop() if idle else assemble(settings)
    supply(app, settings, **more)
    yield app
    app.state._state.clear()  # a client used after its test finds no database, not another's
    idle.append(app)


@contextmanager
def serving(settings: Settings, **client: Any) -> Iterator[TestClient]:
    """Serve the application on `settings` to the test alone, with jobs performed at once."""
    with (
        supplied(settings, jobs=Jobs.immediate(), runs_jobs=False) as app,
        TestClient(app, **client) as opened,
    ):
        yield opened


@contextmanager
def listening(data: Path, **settings_too: Any) -> Iterator[str]:
    """Serve a data directory on a port, to anybody and with its jobs, as `faultbook serve` does.

    In a thread of this process: starting another one takes longer than most tests.
    """
    settings = Settings(data=data, port=0, **{"no_login": True, **settings_too})
    with bind(settings) as opened, supplied(settings) as app:
        # Connections wait in the socket until the server takes them.
        config = uvicorn.Config(
            app, log_config=None, timeout_graceful_shutdown=_END_S, proxy_headers=False
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
        thread.start()
        try:
            yield url_of(opened)
        finally:
            server.should_exit = True
            thread.join()
