"""Looking after an installation: is everything as it should be, and what to do where it is not."""

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from server import schema
from server.db import Database, is_sqlite
from server.services.checks import content, disk, postgres, sqlite_file, surroundings, work
from server.services.checks.findings import Check, State, trouble, warning, well
from server.settings import Settings

__all__ = ["Check", "State", "examine"]


def examine(settings: Settings, *, fix: bool = False, warm: bool = False) -> Iterator[Check]:
    """Look at everything, and tell of each thing as it is found.

    Nothing is changed, migrated or made, except where `fix` is asked for: what is safe to put in
    order is. What rests on something that is in trouble is left out.
    """
    directory = disk.directory(settings.data)
    yield directory
    if settings.data.is_dir():
        yield from _beside(settings, fix=fix)
    yield from _database(settings, fix=fix)
    yield from surroundings.examine(settings, warm=warm)
    if (cluster := work.executor(settings)) is not None:
        yield cluster


def _beside(settings: Settings, *, fix: bool) -> Iterator[Check]:
    database = _sqlite_path(settings)
    size = database.stat().st_size if database is not None and database.is_file() else 0
    yield disk.room(settings.data, size)
    yield disk.permissions(settings.data, fix=fix)
    yield disk.leftovers(settings.data, fix=fix)
    yield disk.filesystem(settings)


def _sqlite_path(settings: Settings) -> Path | None:
    url = settings.database_url
    return Path(sa.make_url(url).database or "") if is_sqlite(url) else None


def _database(settings: Settings, *, fix: bool) -> Iterator[Check]:
    path = _sqlite_path(settings)
    if path is not None:
        yield sqlite_file.library()
        if not path.parent.is_dir():
            return
        found = list(sqlite_file.examine(path, fix=fix))
        yield from found
        if any(check.state is State.TROUBLE for check in found):
            return
    yield from _opened(settings, fix=fix)


def _opened(settings: Settings, *, fix: bool) -> Iterator[Check]:
    database: Database | None = None
    try:
        database = Database.from_url(settings.database_url)
        revision = _revision(database)
        if not database.takes_turns:
            with database.engine.connect() as connection:
                yield from postgres.examine(connection)
        yield revision
        if revision.state is State.OK:
            yield from work.examine(database, settings, fix=fix)
            with database.reading() as session:
                yield from content.examine(session, settings)
    except sa.exc.DBAPIError as error:
        yield trouble(
            "database",
            f"it cannot be used: {str(error.orig).strip()}",
            "Check FAULTBOOK_DATABASE, that the database runs, and that this machine may reach it.",
        )
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ModuleNotFoundError) as error:
        yield trouble("database", f"{error}", "Check FAULTBOOK_DATABASE and the extra it needs.")
    finally:
        if database is not None:
            database.dispose()


def _revision(database: Database) -> Check:
    name = "database revision"
    current, head = schema.current_revision(database), schema.head_revision()
    told = f"{current or 'none'}, this version works with {head}"
    if current == head:
        return well(name, told)
    if not schema.is_known(current):
        return trouble(
            name,
            f"{told}: a newer Faultbook wrote it",
            "Install that newer version, or restore a backup made before it: docs/upgrading.md.",
        )
    if database.takes_turns:
        remedy = "It is copied and migrated at the next start, or now by: faultbook migrate"
        return warning(name, f"{told}: an older one wrote it", remedy)
    return trouble(
        name,
        f"{told}: no process starts on it",
        "Stop every Faultbook process, make a backup, then: faultbook migrate",
    )
