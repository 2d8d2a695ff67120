"""`import`: files and folders of traces into a project, or a project from its archive."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from server.commands.archives import archives_among, import_archives
from server.commands.codebooks import codebooks_among, import_codebooks
from server.commands.console import Console, Progress, opened
from server.commands.import_results import tell, together
from server.commands.interrupts import interrupts
from server.commands.left_to_server import leave_to_server
from server.services.import_process import Reader, collect_seldom, reader

if TYPE_CHECKING:
    from server.db import Database
    from server.importers.base import ImportOptions
    from server.importers.recognition import Origin
    from server.importers.redaction import Rule
    from server.services.import_counts import ImportResult


def _each_once(paths: list[Path] | None) -> list[Path]:
    """Leave out what lies in a folder that is named, too, as a shell's `**` does."""
    real = {path: path.resolve() for path in paths or ()}
    inside = {path for path, place in real.items() if {*place.parents} & {*real.values()}}
    return [path for path in real if path not in inside]


FilesArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE…", help="Files or folders.", callback=_each_once),
]
ProjectOption = Annotated[
    str, typer.Option("--project", "-p", help="Name or slug; made if there is none.")
]
FormatOption = Annotated[str, typer.Option("--format", "-f", help="Instead of recognising it.")]
MappingOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="FIELD=PATH", help="Trace field from a path or column."),
]
DimensionOption = Annotated[
    list[str] | None, typer.Option(metavar="PATH", help="Path or column to slice by.")
]
SourceOption = Annotated[
    str,
    typer.Option(metavar="SOURCE", help="They are production, synthetic, benchmark or unknown."),
]
RandomSampleOption = Annotated[
    bool, typer.Option("--random-sample", help="They are a random sample of what they come from.")
]
VersionOption = Annotated[
    str, typer.Option(metavar="VERSION", help="Of the system, where the file does not say.")
]
SourceUrlOption = Annotated[
    str,
    typer.Option(
        metavar="TEMPLATE",
        help="Link of a trace that brings none: https://host/trace/{external_id}",
    ),
]
AsLastTimeOption = Annotated[
    bool,
    typer.Option("--as-last-time", help="Read it as the last file of its shape; --map wins."),
]
ReapplyOption = Annotated[
    int | None,
    typer.Option(
        metavar="IMPORT", help="Read the file of this import again, with the mapping given here."
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Read all, store nothing.")]


def import_files(
    console: Console,
    files: FilesArgument = None,
    project: ProjectOption = "",
    format_name: FormatOption = "",
    mapping: MappingOption = None,
    dimension: DimensionOption = None,
    source: SourceOption = "unknown",
    random_sample: RandomSampleOption = False,
    pipeline_version: VersionOption = "",
    source_url: SourceUrlOption = "",
    as_last_time: AsLastTimeOption = False,
    reapply: ReapplyOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Import traces, a REFI-QDA file, or an archive. The same file again changes nothing."""
    if reapply is not None:
        _check_reapply(project, given=bool(files or format_name or as_last_time or dry_run))
        _reapply(console, project, reapply, mapped(mapping or ()), dimension or ())
        return
    if not files:
        raise typer.BadParameter("Say which files, or --reapply IMPORT for one that is in.")
    with reader() as started:
        if project and not dry_run:
            # Before what is heavy is loaded here: the process that reads loads at the same time.
            started.start_for(files)
        from server.services import import_runs, imports

        options = imports.options_from(
            console.settings,
            format_name=known_format(format_name),
            mapping=mapped(mapping or ()),
            dimensions=dimension or (),
        )
        origin = _origin(source, source_url, pipeline_version, random_sample=random_sample)
        missing = [str(path) for path in files if not path.exists()]
        if missing:
            console.fail(f"There is no {', no '.join(missing)}. Nothing was imported.")
        if _import_apart(console, files, project, dry_run=dry_run):
            return
        if dry_run:
            rules = _redaction_rules(console, project)
            results = [import_runs.dry_run(path, options, rules) for path in files]
        elif not project:
            raise typer.BadParameter("Say which project: --project NAME (or --dry-run for none).")
        else:
            with opened(console) as database:
                chosen = _Choice(options, origin, as_last_time)
                results = _import(console, database, project, files, chosen, started)
        tell(console, results, project="" if dry_run else project)


def _import_apart(console: Console, files: Sequence[Path], project: str, *, dry_run: bool) -> bool:
    """Import files if they are project archives or REFI-QDA; False if none of them is."""
    kinds = ((archives_among, import_archives), (codebooks_among, import_codebooks))
    for among, bring_in in kinds:
        found = among(files)
        if found and len(found) < len(files):
            raise typer.BadParameter(
                "Import project archives, REFI-QDA files and traces one after the other."
            )
        if found:
            bring_in(console, found, project, dry_run=dry_run)
            return True
    return False


def known_format(name: str) -> str:
    """Return the name of a format that is known; empty where none was given."""
    from server.importers.registry import importers

    if name and name not in importers():
        known = ", ".join(importers())
        raise typer.BadParameter(f"There is no format «{name}». Known: {known}.")
    return name


def mapped(given: Iterable[str]) -> dict[str, str]:
    """Read `FIELD=PATH` as often as it was given; also for other commands."""
    from server.errors import Invalid
    from server.importers.base import ImportOptions
    from server.importers.drafts import check_mapping

    pairs = [text.partition("=") for text in given]
    for field, sign, path in pairs:
        if not (field and sign and path):
            raise typer.BadParameter(
                f"--map takes FIELD=PATH, such as model=meta.name, not «{field}{sign}{path}»."
            )
    mapping = {field: path for field, _, path in pairs}
    try:
        check_mapping(ImportOptions(mapping=mapping))
    except Invalid as error:
        raise typer.BadParameter(error.message) from error
    return mapping


def _origin(
    source: str, source_url: str, pipeline_version: str, *, random_sample: bool
) -> "Origin":
    from server.importers.links import template_problem
    from server.importers.recognition import Origin
    from server.models.trace import TraceSource

    if source not in list(TraceSource):
        known = ", ".join(TraceSource)
        raise typer.BadParameter(f"There is no source «{source}». Known: {known}.")
    if problem := template_problem(source_url.strip()):
        raise typer.BadParameter(problem)
    return Origin(TraceSource(source), random_sample, pipeline_version, source_url)


def _import(
    console: Console,
    database: "Database",
    name: str,
    files: Sequence[Path],
    chosen: "_Choice",
    started: Reader,
) -> "list[ImportResult]":
    from server.errors import NotFound
    from server.services import import_runs, imports, projects

    slug = projects.slug_of(name)
    with database.writing() as session:
        try:
            projects.find(session, slug)
        except NotFound:
            if not any(import_runs.can_read(path, chosen.options) for path in files):
                return [import_runs.dry_run(path, chosen.options) for path in files]
            projects.create(session, name)
            console.say(f"There was no project «{name}»: it is made now.")
    results = []
    collect_seldom()
    with interrupts() as interrupted:
        for path in files:
            options = _options_for(console, database, slug, path, chosen)
            try:
                with console.progress(path.name, about=True) as progress:
                    results.append(
                        imports.import_path(
                            database,
                            console.settings,
                            slug,
                            path,
                            options,
                            _until(interrupted, progress),
                            origin=chosen.origin,
                            started=started,
                        )
                    )
            except import_runs.ImportCancelled as cancelled:
                _stopped(console, [*results, cancelled.result])
    database.refresh_statistics()
    if any(result.counts.totals()["read"] for result in results):
        leave_to_server(console, database, slug)
    return results


@dataclass(frozen=True)
class _Choice:
    """How files are to be read, and where their traces come from."""

    options: "ImportOptions"
    origin: "Origin"
    as_last_time: bool


def _options_for(
    console: Console, database: "Database", slug: str, path: Path, chosen: _Choice
) -> "ImportOptions":
    from server.services import import_look, projects

    if not chosen.as_last_time:
        return chosen.options
    with database.reading() as session:
        member = projects.local_member(session, projects.find(session, slug))
        options, last = import_look.as_last_time(session, member, path, chosen.options)
    if last is None:
        console.say(f"{path.name}: nothing like it was read in a way of its own before.")
    else:
        console.say(f"{path.name} is read as last time: as import {last.id}, {last.file_name}.")
    return options


def _check_reapply(project: str, *, given: bool) -> None:
    if given:
        raise typer.BadParameter(
            "--reapply takes its file and format from the import: give only --map and --dimension."
        )
    if not project:
        raise typer.BadParameter("Say which project the import is of: --project NAME.")


def _reapply(
    console: Console,
    name: str,
    import_id: int,
    mapping: dict[str, str],
    dimensions: Sequence[str],
) -> None:
    from server.importers.recognition import Reading
    from server.services import import_runs, projects, rereading

    if "external_id" in mapping:
        raise typer.BadParameter(
            "Trace ids stay when a file is read again, since notes and exports go by them: leave "
            "out --map external_id. Import the file into another project for other ids."
        )
    slug, wanted = projects.slug_of(name), Reading("", mapping, tuple(dimensions))
    with opened(console) as database, interrupts() as interrupted:
        try:
            with console.progress(f"import {import_id}") as progress:
                told = _until(interrupted, progress)
                result = rereading.read_now(
                    database, console.settings, slug, import_id, wanted, told
                )
        except import_runs.ImportCancelled as cancelled:
            _stopped(console, [cancelled.result])
    tell(console, [result], project=name)


def _redaction_rules(console: Console, name: str) -> "Sequence[Rule]":
    """Return the rules of a project that is there; a dry run makes neither it nor a database."""
    from server.errors import NotFound
    from server.importers.redaction import from_settings
    from server.services import projects

    settings = console.settings
    if not name or not (settings.database or (settings.data / "faultbook.sqlite").is_file()):
        return ()
    with opened(console) as database, database.reading() as session:
        try:
            project = projects.find(session, projects.slug_of(name))
        except NotFound:
            return ()
        return from_settings(project.settings)


def _until(interrupted: Callable[[], bool], progress: Progress) -> Progress:
    """Return progress that stops the import after Ctrl+C, where nothing is half done."""
    from server.services.runs import Cancelled

    def told(done: int, total: int | None = None, text: str = "") -> None:
        progress(done, total, text)
        if interrupted():
            raise Cancelled

    return told


def _stopped(console: Console, results: "Sequence[ImportResult]") -> NoReturn:
    """End as Ctrl+C asks for: with what is done, how to go on, and the exit code of shells."""
    answer = together(results)
    sentence = (
        f"Stopped after {answer['read'] + answer['refused']:,} records, which stay. "
        "Give the same command again to go on from there."
    )
    console.stopped(sentence, **answer)
