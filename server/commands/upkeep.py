"""`migrate`, `doctor`, `backup` and `restore`: looking after an installation."""

from dataclasses import asdict, astuple
from pathlib import Path
from typing import Annotated

import typer

from server.commands.console import Console, opened

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False)]


def migrate(console: Console) -> None:
    """Bring the database to the schema of this version; a SQLite file is copied first."""
    from server import schema

    with opened(console, migrating=True) as database:
        revision = schema.current_revision(database)
    console.say(f"The database is at revision {revision}.")
    console.answer({"revision": revision})


def doctor(console: Console) -> None:
    """Check the installation; queue again what a killed worker left undone."""
    from server.jobs import Jobs
    from server.services import doctor as service

    with opened(console) as database:
        jobs = Jobs.beside(console.settings.database_url, console.settings.jobs_path)
        checks = service.examine(database, console.settings, jobs)
    console.table(("check", "state", "finding"), (astuple(check) for check in checks))
    failed = [check.name for check in checks if check.state is service.State.FAILED]
    found = [asdict(check) for check in checks]
    if failed:
        console.fail(f"Needs attention: {', '.join(failed)}.", checks=found)
    console.answer({"checks": found})


def backup(console: Console, file: FileArgument) -> None:
    """Copy the database and the files beside it into one zip file, while others may write."""
    from server.services import backups

    with opened(console) as database:
        size = backups.backup(database, console.settings, file)
    console.say(f"{file} holds everything, in {size:,} bytes.")
    console.answer({"file": str(file), "bytes": size})


def restore(console: Console, file: FileArgument) -> None:
    """Put a backup into a data directory that holds no database yet."""
    from server.services import backups

    backups.restore(console.settings, file)
    console.say(f"{console.settings.data} holds what {file} held.")
    console.answer({"data": str(console.settings.data.resolve())})
