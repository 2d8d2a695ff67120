"""What a server can say of its work at this moment, without a name or a word of any project."""

import shutil
from collections import defaultdict
from datetime import timedelta

from sqlmodel import Session

from server import __version__
from server.db import is_sqlite
from server.metrics import Measure
from server.models.base import utc_now
from server.queries import measures as queries
from server.settings import Settings

_LATELY = timedelta(hours=1)
_SILENT = timedelta(minutes=1)
_COUNTED = (
    ("traces", "Traces in the database."),
    ("notes", "Notes in the database."),
    ("labels", "Labels in the database."),
    ("events", "Number of the last event: how many decisions there were."),
    ("leases", "Traces that somebody is reading."),
    ("live_traces_waiting", "Traces with live spans that are not put together yet."),
    ("webhook_deliveries_waiting", "Messages to webhooks that are not delivered yet."),
)


def measures(session: Session, settings: Settings) -> tuple[Measure, ...]:
    """Ask the database and the disk."""
    counts = session.execute(queries.rows(utc_now())).one()
    kind = "sqlite" if is_sqlite(settings.database_url) else "postgresql"
    return (
        Measure("info", "Version.", {(__version__, kind): 1}, ("version", "database")),
        *(
            Measure(name, about, {(): value})
            for (name, about), value in zip(_COUNTED, counts, strict=True)
        ),
        *_runs(session),
        Measure(
            "data_directory_free_bytes",
            "Free bytes where the data directory lies.",
            {(): shutil.disk_usage(settings.data).free},
        ),
    )


def _runs(session: Session) -> tuple[Measure, ...]:
    now = utc_now()
    states = session.execute(queries.runs_by_state()).all()
    waiting = session.execute(queries.waiting_since()).scalar_one()
    took: defaultdict[str, list[float]] = defaultdict(list)
    for kind, started, finished in session.execute(queries.ended_since(now - _LATELY)):
        took[kind].append((finished - started).total_seconds())
    return (
        Measure(
            "runs",
            "Background jobs by kind and state.",
            {(kind, status.value): count for kind, status, count in states},
            ("kind", "state"),
        ),
        Measure(
            "oldest_waiting_run_seconds",
            "How long the job that waits longest has waited; 0 where none does.",
            {(): 0.0 if waiting is None else max(0.0, (now - waiting).total_seconds())},
        ),
        Measure(
            "silent_runs",
            "Jobs under way whose worker gave no sign for a minute.",
            {(): session.execute(queries.silent_runs(now - _SILENT)).scalar_one()},
        ),
        Measure(
            "longest_run_seconds",
            "Longest job that ended within the hour, by kind.",
            {(kind,): max(seconds) for kind, seconds in took.items()},
            ("kind",),
        ),
    )
