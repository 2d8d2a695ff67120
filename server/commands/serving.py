"""`demo`, `serve` and `worker`: the processes that stay."""

import signal
import threading
from typing import Annotated

import typer

from server.commands.console import Console, opened

HostOption = Annotated[str | None, typer.Option(help="Address to listen on (FAULTBOOK_HOST).")]
PortOption = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one (FAULTBOOK_PORT).")
]
NoJobsOption = Annotated[
    bool, typer.Option("--no-jobs", help="Leave background jobs to `faultbook worker`.")
]


def demo(console: Console, host: HostOption = None, port: PortOption = None) -> None:
    """Load the bundled demo project once, serve it and print the URL."""
    from server.services import demo as demo_service

    with opened(console) as database, console.progress("Loading the demo") as progress:
        loaded = demo_service.load(database, console.settings, progress)
    if loaded:
        console.say(f"The demo project «{demo_service.NAME}» is loaded.")
    _serve(console, host, port, path=f"/projects/{demo_service.SLUG}")


def serve(
    console: Console,
    host: HostOption = None,
    port: PortOption = None,
    no_login: Annotated[
        bool, typer.Option("--no-login", help="Nobody logs in: all act as the local lead.")
    ] = True,
    no_jobs: NoJobsOption = False,
) -> None:
    """Serve the screens on this machine until SIGTERM or SIGINT."""
    _serve(console, host, port, runs_jobs=not no_jobs)


def _serve(
    console: Console, host: str | None, port: int | None, *, path: str = "", runs_jobs: bool = True
) -> None:
    from server.serve import bind, run

    settings = console.settings
    listening = bind(host or settings.host, settings.port if port is None else port)
    with listening:
        from server.app import create_app

        with opened(console):
            pass
        app = create_app(settings, runs_jobs=runs_jobs)

        def ready(url: str) -> None:
            console.say(
                f"Faultbook answers on {url}{path}\n"
                "Nobody logs in: whoever opens it here acts as the local lead, and can switch to "
                "Annotator A or B.\n"
                f"Data: {settings.data.resolve()}. Stop with Ctrl+C."
            )
            console.answer({"url": f"{url}{path}", "data": str(settings.data.resolve())})

        run(app, listening, ready)


def worker(
    console: Console,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads (FAULTBOOK_JOB_WORKERS).")
    ] = None,
) -> None:
    """Perform background jobs in this process until SIGTERM or SIGINT."""
    from server import tasks
    from server.jobs import Jobs
    from server.logs import configure_logging

    settings = console.settings
    configure_logging(json_lines=settings.log_json)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with opened(console) as database:
        jobs = Jobs.on_disk(settings.jobs_path)
        tasks.attach(jobs, database, settings)
        console.say("Waiting for jobs. Stop with Ctrl+C.")
        console.answer({"worker": "ready", "data": str(settings.data.resolve())})
        with tasks.looked_after(jobs, database):
            jobs.run_until(stopped, workers or settings.job_workers)
