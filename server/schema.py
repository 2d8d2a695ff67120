"""Bringing a database to the schema of this version, and refusing what cannot be brought."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from server.assets import shipped
from server.db import Database
from server.errors import StartupError


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(shipped("migrations")))
    return config


@cache
def _revisions(_folder: Path) -> ScriptDirectory:
    """Read the migrations once a process: every start and every health check asks for the head."""
    return ScriptDirectory.from_config(_config())


def head_revision() -> str:
    """Return the revision this code works with."""
    head = _revisions(shipped("migrations")).get_current_head()
    if head is None:
        raise StartupError("No migrations are installed: the package is damaged, install it again.")
    return head


def current_revision(database: Database) -> str | None:
    """Return the revision the database is at; None for an empty one."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_known(revision: str | None) -> bool:
    """Whether this version can migrate from a revision, or from nothing."""
    revisions = _revisions(shipped("migrations")).walk_revisions()
    return revision is None or revision in {script.revision for script in revisions}


def _refuse_newer(revision: str | None) -> None:
    if not is_known(revision):
        raise StartupError(
            f"The database is at revision {revision}, which this version of Faultbook does not "
            "know: it was written by a newer one. Nothing was changed. Install that newer version, "
            "or restore a backup made before it."
        )


def _copy_sqlite(path: Path, revision: str) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    copy = path.with_name(f"{path.stem}-before-{revision}-{stamp}{path.suffix}")
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        for half in (copy, copy.with_name(f"{copy.name}-journal")):
            half.unlink(missing_ok=True)
        raise StartupError(
            f"No copy of the database could be made before it is migrated: {error}. Nothing was "
            f"changed. Make room on the disk of {path.parent}: the copy takes "
            f"{path.stat().st_size:,} bytes."
        ) from error
    return copy


def upgrade(database: Database, revision: str = "head") -> Path | None:
    """Migrate up to `revision`; returns the copy made of a SQLite database, if there was any."""
    current = current_revision(database)
    _refuse_newer(current)
    if current == head_revision():
        return None
    copy = None
    file = database.engine.url.database
    if current is not None and database.takes_turns and file:
        copy = _copy_sqlite(Path(file), head_revision())
    _run(database, lambda config: command.upgrade(config, revision))
    if current is not None and not database.takes_turns:
        _look_anew(database)
    return copy


def _look_anew(database: Database) -> None:
    """Let PostgreSQL see at once what it now has; by itself it does once a fifth has changed.

    Until then it reads each row of a table that was written anew, and knows nothing of new columns.
    """
    with database.engine.connect() as connection:
        autocommit = connection.execution_options(isolation_level="AUTOCOMMIT")
        autocommit.exec_driver_sql("VACUUM (ANALYZE)")


def prepare(database: Database) -> Path | None:
    """Make sure the database fits this version, as starting does.

    A SQLite file is copied and migrated; its copy is returned. PostgreSQL may serve several
    processes at once, so there migrating is somebody's own decision.

    Raises:
        StartupError: A PostgreSQL database is at another revision, or any is at a newer one.
    """
    if database.takes_turns:
        copy = upgrade(database)
        database.refresh_statistics()
        return copy
    current, head = current_revision(database), head_revision()
    _refuse_newer(current)
    if current != head:
        raise StartupError(
            f"The database is at revision {current or 'none'}, this version needs {head}. Stop "
            "every Faultbook process on it, back it up, then run: faultbook migrate"
        )
    return None


def downgrade(database: Database, revision: str) -> None:
    """Migrate down to `revision` (`base` empties the database)."""
    _run(database, lambda config: command.downgrade(config, revision))


def check(database: Database) -> None:
    """Raise alembic's CommandError if the models say more than the migrations."""
    _run(database, command.check)


def _pragma(connection: Connection, assignment: str) -> None:
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA {assignment}")
    cursor.close()


def _run(database: Database, action: Callable[[Config], None]) -> None:
    config = _config()
    with database.engine.connect() as connection:
        if database.takes_turns:
            # SQLite rebuilds tables to change them; that must not cascade into their children.
            _pragma(connection, "foreign_keys=OFF")
        try:
            with connection.begin():
                config.attributes["connection"] = connection
                action(config)
        finally:
            if database.takes_turns:
                _pragma(connection, "foreign_keys=ON")
