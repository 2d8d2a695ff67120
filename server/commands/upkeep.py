"""`migrate`, `doctor`, `backup` and `restore`: looking after an installation."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from server.commands.console import Console, opened

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False)]


def migrate(
    console: Console,
    to: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Also move everything into this empty database, SQLite or PostgreSQL.",
        ),
    ] = "",
    verify: Annotated[
        bool, typer.Option(help="Compare everything at the end, before it counts.")
    ] = True,
) -> None:
    """Bring the database to the schema of this version. A SQLite file is copied first."""
    from server import schema

    if to:
        _move(console, to, verify=verify)
        return
    with opened(console, migrating=True) as database:
        revision = schema.current_revision(database)
    console.say(f"The database is at revision {revision}.")
    console.answer({"revision": revision})


def _move(console: Console, to: str, *, verify: bool) -> None:
    from server.services import database_moves

    started = time.monotonic()
    with opened(console) as database, console.progress("Looking at both") as progress:
        moved = database_moves.move(database, to, progress, verify=verify)
    seconds, rows = time.monotonic() - started, sum(moved.rows.values())
    console.say(f"{rows:,} rows of {moved.projects} projects are in {moved.target}.")
    if verify:
        console.say("Both hold the same: row counts agree, and the archives of each project.")
    if moved.rewritten_numbers:
        console.say(
            f"{moved.rewritten_numbers:,} rows hold numbers that PostgreSQL writes in full, such "
            "as 1e22; their values are equal."
        )
    console.say(
        "Name it in FAULTBOOK_DATABASE from now on, with the same --data. The database that it was "
        "moved from is as it was."
    )
    console.answer({**asdict(moved), "rows": rows, "tables": moved.rows, "seconds": seconds})


def doctor(
    console: Console,
    fix: Annotated[
        bool, typer.Option("--fix", help="Put in order what is safe to put in order.")
    ] = False,
    warm: Annotated[
        bool, typer.Option("--warm", help="Also load the embedding model, and ask it once.")
    ] = False,
) -> None:
    """Look for the usual troubles. Says what to do about each."""
    from server.services import doctor as service

    with console.busy("Looking"):
        found = list(service.examine(console.settings, fix=fix, warm=warm))
    console.table(("check", "state", "finding"), ((c.name, c.state, c.finding) for c in found))
    for check in found:
        if check.remedy:
            console.say(f"{check.name}: {check.remedy}")
    checks = [asdict(check) for check in found]
    troubles = [check.name for check in found if check.state is service.State.TROUBLE]
    if troubles:
        console.fail(f"Needs attention: {', '.join(troubles)}.", checks=checks)
    console.answer({"checks": checks})


def backup(
    console: Console,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="File to write, or a folder of backups.")
    ],
    keep: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="In a folder: keep the latest N backups."),
    ] = None,
) -> None:
    """Copy database and files into one zip file. Others may write meanwhile."""
    from server.services import backups

    if keep is not None and file.is_file():
        raise typer.BadParameter("--keep is for a folder of backups.")
    is_folder = keep is not None or file.is_dir()
    started = time.monotonic()
    with opened(console) as database, console.progress("Copying") as progress:
        if is_folder:
            made = backups.backup_into(database, console.settings, file, progress, keep)
        else:
            made = backups.backup(database, console.settings, file, progress)
    console.say(
        f"{made.file} holds {made.rows:,} rows and {made.files:,} files, in {made.bytes:,} bytes."
    )
    for name in made.missing:
        console.say(f"Not in it, since it was gone before: {name}")
    for old in made.removed:
        console.say(f"Removed: {old}")
    console.answer({**asdict(made), "seconds": time.monotonic() - started})


def restore(
    console: Console,
    file: FileArgument,
    check: Annotated[
        bool, typer.Option("--check", help="Only look whether it could be restored.")
    ] = False,
) -> None:
    """Put a backup into an empty data directory and database."""
    from server.services import restores

    with console.progress("Reading") as progress:
        if check:
            found = restores.check(file, progress)
        else:
            found = restores.restore(console.settings, file, progress)
    held = f"{found.rows:,} rows and {found.files:,} files"
    if check:
        console.say(f"{file} is whole: {held}.")
    else:
        console.say(f"{found.target} and {console.settings.data} hold {held}.")
    if not found.is_checked:
        console.say("It was made before backups had checksums: damage to its files was not seen.")
    console.answer({**asdict(found), "data": str(console.settings.data.resolve())})
