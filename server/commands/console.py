"""What subcommands share: the global options, and speaking to people and to machines.

People read tables and progress on stderr. With `--json` a machine reads one object on stdout.
"""

import functools
import inspect
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console as RichConsole
from rich.markup import escape
from rich.table import Table

from server.errors import FaultbookError, WrongArgument

if TYPE_CHECKING:
    from server.db import Database
    from server.settings import Settings

_INTERRUPTED = 130
_WIDEST = 1_000
"""Characters of a table's line where no terminal bounds it."""

_CONTROL = {
    **{
        code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"
    },
    # What turns the direction of text around, so that a name reads as another.
    **{code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))},
}


def printable(text: str) -> str:
    """Return text that neither a terminal nor rich takes for an instruction."""
    return escape(text.translate(_CONTROL))


def _screen() -> RichConsole:
    """Return where people read; a pipe or a log has no width, so that names stay whole there."""
    screen = RichConsole(stderr=True, highlight=False)
    if not screen.is_terminal:
        screen.width = _WIDEST
    return screen


Progress = Callable[[int, int | None, str], None]
"""Told how much is done, of how much if that is known, and what is going on."""

DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Directory of all data (FAULTBOOK_DATA)."),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="Database instead of the one in --data."),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout, for machines.")
]


@dataclass
class GlobalOptions:
    """What was given before the subcommand."""

    data: Path | None = None
    database: str | None = None
    as_json: bool = False


@dataclass
class Console:
    """One call of a subcommand: its settings, and where its answer goes."""

    settings: "Settings"
    as_json: bool
    screen: RichConsole = field(default_factory=_screen)

    def say(self, sentence: str) -> None:
        """Tell people something; data inside it is shown as it is."""
        self.screen.print(printable(sentence), soft_wrap=True)

    def answer(self, result: Mapping[str, Any]) -> None:
        """Give machines the result, if they asked for it."""
        if self.as_json:
            sys.stdout.write(json.dumps(result, ensure_ascii=False, default=str) + "\n")
            sys.stdout.flush()

    def table(self, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
        """Show people a table; numbers stand to the right."""
        if self.as_json:
            return
        shown = [[*row] for row in rows]
        table = Table(box=None, pad_edge=False, header_style="bold")
        for position, column in enumerate(columns):
            numeric = all(isinstance(row[position], int | float) for row in shown)
            justify: Literal["right", "left"] = "right" if numeric and shown else "left"
            table.add_column(column, justify=justify, overflow="fold")
        for row in shown:
            table.add_row(*(printable(f"{c:,}" if isinstance(c, int) else str(c)) for c in row))
        self.screen.print(table)

    @contextmanager
    def progress(self, label: str, *, about: bool = False) -> Iterator[Progress]:
        """Show people a bar with rate and time left for as long as the block lasts.

        With `about` the total is told as the estimate that it is.
        """
        import rich.progress as bars

        columns = (
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.TextColumn("{task.fields[count]}"),
            bars.TextColumn("{task.fields[rate]}"),
            bars.TimeRemainingColumn(),
        )
        with bars.Progress(*columns, console=self.screen, transient=True) as shown:
            task = shown.add_task(printable(label), total=None, count="", rate="")
            before: list[tuple[int, float]] = []

            def told(done: int, total: int | None = None, text: str = "") -> None:
                now = time.monotonic()
                if not before or before[0][0] == done:
                    # What was done by somebody else, or an earlier try, took no time of this one.
                    before[:] = [(done, now)]
                first, since = before[0]
                of = "of about" if about else "of"
                rate = (done - first) / (now - since) if now > since else 0.0
                shown.update(
                    task,
                    # As a share: a new total would make the bar forget how fast it was.
                    completed=done / total if total else 0,
                    total=1 if total else None,
                    count=f"{done:,} {of} {total:,}" if total else f"{done:,}",
                    rate=f"{rate:,.0f}/s" if rate else "",
                    description=printable(text or label),
                )

            yield told

    @contextmanager
    def busy(self, what: str) -> Iterator[None]:
        """Show people that something goes on for as long as the block lasts."""
        with self.screen.status(printable(what)):
            yield

    def stopped(self, sentence: str, **detail: Any) -> NoReturn:
        """End as Ctrl+C asks for: with a sentence, and the exit code of shells."""
        self.say(sentence)
        self.answer({"error": sentence, "cancelled": True, **detail})
        raise typer.Exit(_INTERRUPTED)

    def fail(self, sentence: str, **detail: Any) -> NoReturn:
        """End with exit code 1 and a sentence that says what to do."""
        self.screen.print(f"[bold red]Error:[/] {printable(sentence)}", soft_wrap=True)
        self.answer({"error": sentence, **detail})
        raise typer.Exit(1)


def options_of(context: typer.Context) -> GlobalOptions:
    """Return what was given before the subcommand."""
    found = context.obj
    return found if isinstance(found, GlobalOptions) else GlobalOptions()


def _settings(data: Path | None, database: str | None) -> "Settings":
    from pydantic import ValidationError

    from server.settings import Settings

    given: dict[str, Any] = {"data": data, "database": database}
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        found = "; ".join(
            f"FAULTBOOK_{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in error.errors()
        )
        raise typer.BadParameter(f"A setting does not fit: {found}") from error


def _no_database(error: BaseException | None, data: Path) -> str:
    is_file = isinstance(error, sqlite3.Error) and data.is_dir()
    if is_file and not os.access(data, os.W_OK):
        return (
            f"The database cannot be used: {error}. Nothing can be written to {data}: its disk is "
            "read-only, or the folder is somebody else's. Change that, or name another by --data."
        )
    return f"The database cannot be used: {error}. Check the disk and --data, then try again."


@contextmanager
def _sentences(console: Console) -> Iterator[None]:
    """Turn what a person can act on into a sentence and exit code 1."""
    from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

    try:
        yield
    except KeyboardInterrupt:
        console.stopped("Stopped before it was done. The same command can be given again.")
    except WrongArgument as error:
        raise typer.BadParameter(error.message) from error
    except FaultbookError as error:
        console.fail(error.message)
    except OSError as error:
        where = error.filename or "The system"
        console.fail(
            f"{where}: {error.strerror or error}. Check the path, its disk and its rights."
        )
    except ModuleNotFoundError as error:
        if error.name == "psycopg":
            console.fail(
                "PostgreSQL needs a driver that is not installed: install Faultbook with its extra "
                "«postgres», such as pipx install '.[postgres]'."
            )
        console.fail(f"The database cannot be opened: {error}. Check --database and its driver.")
    except (ArgumentError, NoSuchModuleError) as error:
        console.fail(f"The database cannot be opened: {error}. Check --database and its driver.")
    except DBAPIError as error:
        console.fail(_no_database(error.orig, console.settings.data))
    except sqlite3.Error as error:  # of what works below SQLAlchemy: copies, and the job queue
        console.fail(_no_database(error, console.settings.data))


def command(app: typer.Typer, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a subcommand: it takes a Console first, and gets the global options as well."""

    def register(body: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(body)
        def run(
            context: typer.Context,
            data: DataOption,
            database: DatabaseOption,
            as_json: JsonOption,
            **arguments: Any,
        ) -> None:
            before = options_of(context)
            settings = _settings(data or before.data, database or before.database)
            console = Console(settings, as_json=as_json or before.as_json)
            with _sentences(console):
                body(console, **arguments)

        run.__signature__ = _with_global_options(body)  # type: ignore[attr-defined]  # read by typer
        return app.command(name)(run)

    return register


def _with_global_options(body: Callable[..., None]) -> inspect.Signature:
    keyword = inspect.Parameter.KEYWORD_ONLY
    own = [
        parameter.replace(kind=keyword)
        for parameter in list(inspect.signature(body, eval_str=True).parameters.values())[1:]
    ]
    shared = [
        inspect.Parameter("data", keyword, default=None, annotation=DataOption),
        inspect.Parameter("database", keyword, default=None, annotation=DatabaseOption),
        inspect.Parameter("as_json", keyword, default=False, annotation=JsonOption),
    ]
    context = inspect.Parameter("context", keyword, annotation=typer.Context)
    return inspect.Signature([context, *own, *shared])


@contextmanager
def opened(console: Console, *, migrating: bool = False) -> "Iterator[Database]":
    """Open the database at the revision of this version; a copy made before that is told.

    SQLite is migrated whenever needed, PostgreSQL only where that was asked for (`migrating`).
    """
    from server import schema
    from server.db import Database

    console.settings.data.mkdir(0o700, parents=True, exist_ok=True)
    database = Database.from_url(console.settings.database_url)
    try:
        copy = schema.upgrade(database) if migrating else schema.prepare(database)
        if copy is not None:
            console.say(f"The database was migrated; a copy of it as it was: {copy}")
        yield database
    finally:
        database.dispose()
