"""`signals`: what is missing of the signals of a project's traces, computed now."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands.console import Console, opened
from server.commands.executor_option import ExecutorOption, where
from server.commands.importing import FormatOption, MappingOption, known_format, mapped

if TYPE_CHECKING:
    from server.services.runs import RunContext
    from server.services.signal_tables.computing import Computed

_SHOWN = 20

ProjectOption = Annotated[
    str | None, typer.Option("--project", "-p", help="The project's name or slug.")
]
InputOption = Annotated[
    Path | None,
    typer.Option("--input", metavar="TABLE", help="A Parquet file of traces instead."),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Parquet: where its signals go."),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(min=1, max=64, help="Processes of this computer; else as many as pays."),
]


def signals(
    console: Console,
    project: ProjectOption = None,
    table: InputOption = None,
    output: OutputOption = None,
    column_map: MappingOption = None,
    read_as: FormatOption = "",
    executor: ExecutorOption = None,
    workers: WorkersOption = None,
) -> None:
    """Compute the signals of new and of changed traces.

    Only those are read. A command that was stopped goes on where it was. Of a Parquet file the
    signals of all traces are written into another, and no project is touched.
    """
    if (project is None) == (table is None):
        raise typer.BadParameter("Give either --project NAME or --input TABLE.")
    if project is not None:
        if output or column_map or read_as:
            raise typer.BadParameter("--output, --map and --format go with --input.")
        _of_project(console, project, where(console, executor), workers)
        return
    if output is None or table is None:
        raise typer.BadParameter("Say by --output FILE where the signals are to go.")
    _of_table(console, table, output, column_map or [], read_as, where(console, executor), workers)


def _of_project(console: Console, project: str, executor: str, workers: int | None) -> None:
    from server.models.base import stored_id
    from server.models.run import AnalysisRun, RunKind, RunStatus
    from server.services import projects, runs
    from server.services import signals as service
    from server.services.import_process import collect_seldom

    collect_seldom()
    settings = console.settings.model_copy(update={"executor": executor})
    with opened(console) as database:
        with database.writing() as session:
            member = projects.local_member(
                session, projects.find(session, projects.slug_of(project))
            )
            run_id = stored_id(service.prepare(session, member.project_id, member.id))
        with console.progress("signals") as told:
            handlers = {RunKind.SIGNALS.value: _handler(told, workers)}
            runs.perform(database, settings, handlers, run_id)
        with database.reading() as session:
            run = session.get_one(AnalysisRun, run_id)
    if run.status is not RunStatus.DONE:
        console.fail(run.error.splitlines()[-1] if run.error else "Stopped; what is done stays.")
    _tell(console, run.result)


def _of_table(
    console: Console,
    table: Path,
    output: Path,
    column_map: list[str],
    read_as: str,
    executor: str,
    workers: int | None,
) -> None:
    from server.executors.choosing import LOCAL, opened
    from server.importers.base import ImportOptions
    from server.services import signal_measuring
    from server.services.signal_tables import computing
    from server.services.signal_tables.slices import cut

    options = ImportOptions(format=known_format(read_as), mapping=mapped(column_map))
    pays = executor == LOCAL and cut(table).rows >= signal_measuring.PROCESSES_FROM
    count = workers or (signal_measuring.processes() if pays else 1)
    with console.progress("signals") as told, opened(executor, count) as who:
        found = computing.compute(table, output, options, told, who)
    _tell_of_table(console, output, found)


def _tell_of_table(console: Console, output: Path, found: "Computed") -> None:
    for one in found.refused[:_SHOWN]:
        field = f"{one.field}: " if one.field else ""
        console.say(f"Row {one.row:,} was left out: {field}{one.reason}")
    if len(found.refused) > _SHOWN:
        console.say(f"… and {len(found.refused) - _SHOWN:,} more.")
    if found.repeated:
        console.say(f"{found.repeated:,} rows have the trace_id of an earlier one; all are there.")
    if found.gone_on:
        console.say(f"{found.gone_on:,} rows had been measured by a run that was stopped.")
    console.say(f"Wrote the signals of {found.traces:,} traces to {output}.")
    console.answer(
        {
            "output": str(output),
            "traces": found.traces,
            "refused": [asdict(one) for one in found.refused],
            "repeated": found.repeated,
            "gone_on": found.gone_on,
        }
    )


def _handler(
    told: Callable[[int, int | None, str], None], workers: int | None
) -> "Callable[[RunContext], dict[str, Any]]":
    from server.services import signals as service

    def perform(context: "RunContext") -> dict[str, Any]:
        def progress(done: int, total: int | None = None, text: str = "") -> None:
            told(done, total, text)
            context.progress(done, total, text)

        return service.perform(context, told=progress, workers=workers)

    return perform


def _tell(console: Console, result: dict[str, Any]) -> None:
    if "left_to" in result:
        console.say("Another run computes them already; what it misses is looked for after it.")
    else:
        console.say(
            f"Measured {result['measured']:,} of {result['traces']:,} traces; "
            f"{result['changed']:,} values that compare traces with each other changed."
        )
    console.answer(result)
