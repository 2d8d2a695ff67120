"""What performs each kind of run."""

from server.db import Database
from server.jobs import Jobs
from server.services import runs
from server.services.runs import Handler
from server.settings import Settings

HANDLERS: dict[str, Handler] = {}
"""Kind of run to the service function that performs it."""


def attach(jobs: Jobs, database: Database, settings: Settings) -> None:
    """Let the queue perform runs on this database."""
    jobs.performed_by(lambda run_id: runs.perform(database, settings, HANDLERS, run_id))
