"""`demo`, `serve` and `worker`: the processes that stay."""

import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands.console import Console, opened

if TYPE_CHECKING:
    from server.db import Database
    from server.settings import Settings

HostOption = Annotated[str | None, typer.Option(help="Address to listen on (FAULTBOOK_HOST).")]
PortOption = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one (FAULTBOOK_PORT).")
]
NoJobsOption = Annotated[
    bool, typer.Option("--no-jobs", help="Leave background jobs to `faultbook worker`.")
]


def demo(console: Console, host: HostOption = None, port: PortOption = None) -> None:
    """Load the bundled demo projects and serve them."""
    from server.services import demo as demo_service

    with opened(console) as database, console.progress("Loading the demo") as progress:
        loaded = demo_service.load_all(database, console.settings, progress)
    for name in loaded:
        console.say(f"The demo project «{name}» is loaded.")
    settings = _settings(console, host, port, no_login=True)
    _serve(console, settings, path=f"/projects/{demo_service.SLUG}")


def serve(
    console: Console,
    host: HostOption = None,
    port: PortOption = None,
    no_login: Annotated[
        bool, typer.Option("--no-login", help="Nobody signs in: all act as the local lead.")
    ] = False,
    no_jobs: NoJobsOption = False,
    workers: Annotated[
        int, typer.Option(min=1, help="Server processes; more than one needs PostgreSQL.")
    ] = 1,
) -> None:
    """Serve the screens until SIGTERM or SIGINT."""
    settings = _settings(console, host, port, no_login=no_login or console.settings.no_login)
    _serve(console, settings, runs_jobs=not no_jobs, processes=workers)


def _settings(
    console: Console, host: str | None, port: int | None, *, no_login: bool
) -> "Settings":
    given = {"host": host, "port": port, "no_login": no_login}
    return console.settings.model_copy(
        update={name: value for name, value in given.items() if value is not None}
    )


def _serve(
    console: Console,
    settings: "Settings",
    *,
    path: str = "",
    runs_jobs: bool = True,
    processes: int = 1,
) -> None:
    from server.serve import bind, put_off_collections, run, run_processes

    put_off_collections()
    with bind(settings) as listening:
        with opened(console) as database:
            secret = _first_secret(database, settings)

        def ready(url: str) -> None:
            opened_at = settings.public_url.rstrip("/") or url
            setup = {"setup_url": f"{opened_at}/invitations/{secret}"} if secret else {}
            console.say(f"Faultbook answers on {url}{path}")
            console.say(_who_acts(settings, setup.get("setup_url")))
            console.say(f"Data: {settings.data.resolve()}. Stop with Ctrl+C.")
            console.answer({"url": f"{url}{path}", "data": str(settings.data.resolve()), **setup})

        if processes > 1:
            run_processes(settings, listening, processes, ready, runs_jobs=runs_jobs)
        else:
            from server.app import create_app

            run(create_app(settings, runs_jobs=runs_jobs), listening, ready)
    _leave()


def _first_secret(database: "Database", settings: "Settings") -> str:
    """Make the secret that creates the first admin, where people sign in and nobody can yet."""
    from server.services import accounts, invitations

    if settings.no_login:
        return ""
    with database.writing() as session:
        return invitations.setup_secret(session) if accounts.needs_setup(session) else ""


def _who_acts(settings: "Settings", setup_url: str | None) -> str:
    if settings.no_login:
        return (
            "Nobody signs in: whoever opens it here acts as the local lead, and can switch to "
            "Annotator A or B."
        )
    if setup_url:
        return f"Nobody has an account yet. Create the first admin, once, within a day: {setup_url}"
    return "People sign in with their accounts."


def worker(
    console: Console,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads (FAULTBOOK_JOB_WORKERS).")
    ] = None,
) -> None:
    """Perform background jobs until SIGTERM or SIGINT."""
    from server import tasks
    from server.jobs import Jobs
    from server.logs import configure_logging

    settings = console.settings
    configure_logging(json_lines=settings.log_json, level=settings.log_level)
    # The handler runs wherever the main thread is, which may hold any lock: it takes none.
    asked_to_end: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: asked_to_end.append(number))
    with opened(console) as database:
        jobs = Jobs.beside(settings.database_url, settings.jobs_path)
        tasks.attach(jobs, database, settings)
        console.say("Waiting for jobs. Stop with Ctrl+C.")
        console.answer({"worker": "ready", "data": str(settings.data.resolve())})
        with (
            tasks.looked_after(jobs, database),
            tasks.live_traces_assembled(jobs, database, settings),
            tasks.webhooks_sent(database, settings),
        ):
            jobs.run_until(lambda: bool(asked_to_end), workers or settings.job_workers)
    _leave()


def _leave() -> None:
    """End at once where a thread still works on a run, which somebody else will begin again.

    Python would take itself down around that thread, which may then hold what others wait for.
    """
    if threading.active_count() > 1:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
