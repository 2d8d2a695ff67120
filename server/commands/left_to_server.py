"""Work that a command leaves to the server that runs, or to the next one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from server.commands.console import Console

if TYPE_CHECKING:
    from server.db import Database
    from server.jobs import Jobs


def leave_to_server(console: Console, database: "Database", slug: str) -> None:
    """Let the server that runs, or the next one, look for near-duplicates and compute signals."""
    from server.services import near_duplicates, projects, signals

    with queue(console) as jobs, database.writing() as session:
        member = projects.local_member(session, projects.find(session, slug))
        near_duplicates.request(session, jobs, member)
        signals.request(session, jobs, member)


@contextmanager
def queue(console: Console) -> Iterator["Jobs"]:
    """The queue of the server that runs, or of the next one, to leave runs to it."""
    from server.jobs import Jobs

    jobs = Jobs.beside(console.settings.database_url, console.settings.jobs_path)
    yield jobs
    jobs.stop()
