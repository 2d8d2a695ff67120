"""Files that a program sends: staged and started in one go."""

from collections.abc import Iterable

from sqlmodel import Session

from server.importers.recognition import Origin, Reading
from server.jobs import Jobs
from server.models.base import stored_id
from server.models.project import Member
from server.models.trace import Import
from server.services import uploads
from server.services.uploads import Upload
from server.settings import Settings


def ingest(
    session: Session,
    jobs: Jobs,
    member: Member,
    settings: Settings,
    files: Iterable[Upload],
    reading: Reading,
    origin: Origin,
) -> list[Import]:
    """Queue the import of files that arrived; either all of them, or none.

    Raises:
        UnreadableSource: One of them cannot be read that way.
        Conflict: The project takes no more traces.
    """
    rows = uploads.stage(session, member, settings, files)
    for row in rows:
        uploads.start(session, jobs, member, settings, stored_id(row), reading, origin)
    return rows
