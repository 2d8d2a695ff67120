"""What the database says against itself, and against the files beside it."""

import time
from collections.abc import Iterator

import sqlalchemy as sa
from sqlmodel import Session, col, select

from server.models.event import Event, EventRow
from server.models.journal import JOURNALED, Change, name_of
from server.models.note import Note
from server.services import backup_files
from server.services.checks.findings import Check, trouble, warning, well
from server.settings import Settings

_COMPARED = ("note", "failure_mode", "verdict", "gold_label")
"""Tables that decisions alone write, each row by itself."""
_SHOWN = 3
_SETTLED_S = 24 * 3600
"""An import writes files before the rows that name them: younger ones may be about to be named."""
_FROM_A_BACKUP = "Take them from the latest backup: each lies in its zip file under this name."


def examine(session: Session, settings: Settings) -> Iterator[Check]:
    """Look at a database of this version's schema."""
    yield events_agree(session)
    yield from files_agree(session, settings)


def events_agree(session: Session) -> Check:
    """Whether the log of decisions ends with the rows that the tables hold."""
    name, told = "event log", list(_disagreeing(session))
    if not told:
        count = session.execute(sa.select(sa.func.count()).select_from(Event)).scalar_one()
        return well(name, f"its {count:,} events agree with the tables")
    shown = "; ".join(told[:_SHOWN])
    more = f" and {len(told) - _SHOWN:,} more" if len(told) > _SHOWN else ""
    return trouble(
        name,
        f"the tables were changed beside it: {shown}{more}",
        "Find out who wrote to the database; the latest backup without this is the one to trust.",
    )


def _disagreeing(session: Session) -> Iterator[str]:
    for table in _COMPARED:
        model, logged = JOURNALED[table], _logged(session, table)
        keys = [getattr(model, key) for key in model.journal_key]
        stored = {",".join(map(str, row)) for row in session.execute(sa.select(*keys))}
        for key in sorted(logged.keys() - stored):
            yield f"{table} {key} is gone"
        for key in sorted(stored - logged.keys()):
            yield f"{table} {key} was made by no decision"
        if table == "note":
            for number, text in session.execute(sa.select(col(Note.id), col(Note.text))):
                if logged.get(str(number), {"text": text})["text"] != text:
                    yield f"note {number} reads otherwise"


def _logged(session: Session, table: str) -> dict[str, dict[str, object]]:
    """Return the rows of a table that the log leaves standing, by key."""
    touching = select(EventRow.event_id).where(EventRow.table_name == table, EventRow.changed)
    statement = select(Event.payload).where(col(Event.id).in_(touching)).order_by(col(Event.id))
    standing: dict[str, dict[str, object]] = {}
    for payload in session.exec(statement.execution_options(yield_per=500)):
        for logged in payload.get("changes", ()):
            change = Change(**logged)
            if change.table != table:
                continue
            key = name_of(table, change.after or change.before or {}).key
            if change.after is None:
                standing.pop(key, None)
            else:
                standing[key] = change.after
    return standing


def files_agree(session: Session, settings: Settings) -> Iterator[Check]:
    """Whether files that rows name are there, and whether rows name the files that are there."""
    rows = session.execute(sa.text(backup_files.REFERRED))
    named = {str(row[0]) for row in rows}
    missing = sorted(backup_files.missing(named, settings.data))
    attached = [file for file in missing if file.startswith("attachments/")]
    others = [file for file in missing if not file.startswith("attachments/")]
    if attached:
        told = f"{len(attached):,} attached files are gone: {', '.join(attached[:_SHOWN])}"
        yield trouble("attached files", told, _FROM_A_BACKUP)
    else:
        yield well("attached files", "all that steps carry are there")
    if others:
        yield warning(
            "uploads and results",
            f"{len(others):,} files are gone: {', '.join(others[:_SHOWN])}",
            f"Uploads cannot be read again without them; groups and answers are computed anew. "
            f"{_FROM_A_BACKUP}",
        )
    yield _orphans(settings, named)


def _orphans(settings: Settings, named: set[str]) -> Check:
    settled = time.time() - _SETTLED_S
    found = [
        path
        for path in settings.attachments.glob("*")
        if path.relative_to(settings.data).as_posix() not in named
        and path.stat().st_mtime < settled
    ]
    if not found:
        return well("orphan files", "none")
    total = sum(path.stat().st_size for path in found)
    return warning(
        "orphan files",
        f"no step carries {len(found):,} files of {total:,} bytes any more",
        f"They do no harm; remove them from {settings.attachments} if the room is needed.",
    )
