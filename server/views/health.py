"""Whether the server can do its work: what whoever watches over it asks."""

from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from server import schema
from server.db import Database
from server.jobs import Jobs

_log = structlog.get_logger()


@dataclass(frozen=True)
class Readiness:
    """What each part says for itself: "ok" or what is wrong with it."""

    database: str
    schema: str
    jobs: str

    @property
    def is_ready(self) -> bool:
        return {self.database, self.schema, self.jobs} == {"ok"}


def readiness(database: Database, jobs: Jobs) -> Readiness:
    """Ask the database, the revision it is at, and the job queue."""
    queue = "ok" if jobs.is_reachable() else "cannot be reached"
    try:
        revision = schema.current_revision(database)
    except SQLAlchemyError as error:
        _log.error("the database does not answer", error=str(error))
        return Readiness("does not answer", "unknown", queue)
    is_head = revision == schema.head_revision()
    return Readiness("ok", "ok" if is_head else "not at the revision of this version", queue)
