"""`export`: a project's labels, notes and verdicts as a file, or all of it as an archive."""

from pathlib import Path
from typing import Annotated

import typer

from server.commands.archives import FORMAT, export_archive
from server.commands.console import Console, opened
from server.commands.projects import ProjectOption
from server.exporters.formats import JUDGE_MODEL, OPTIONS, Format

ReasonOption = Annotated[
    str,
    typer.Option(
        metavar="WHY", help="Open the test part, or export modes with few labels; logged."
    ),
]


def export(
    console: Console,
    project: ProjectOption,
    format_name: Annotated[
        str, typer.Option("--format", "-f", help=f"{', '.join(Format)}, archive.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="PATH", help="The file to write.")],
    filters: Annotated[
        str, typer.Option(metavar="JSON", help="Only traces that match, as in the filter bar.")
    ] = "{}",
    labels_by: Annotated[str, typer.Option(metavar="PERSON", help=OPTIONS["labels_by"].text)] = "",
    for_mode: Annotated[
        list[str] | None, typer.Option(metavar="MODE", help=OPTIONS["for_mode"].text)
    ] = None,
    part: Annotated[str, typer.Option(help=OPTIONS["part"].text)] = "",
    unlabelled: Annotated[bool, typer.Option(help=OPTIONS["unlabelled"].text)] = False,
    judge_model: Annotated[
        str, typer.Option(metavar="PROVIDER:MODEL", help=OPTIONS["judge_model"].text)
    ] = JUDGE_MODEL,
    reason: ReasonOption = "",
) -> None:
    """Write labels, notes and verdicts, or a whole archive. As the lead sees them."""
    from server.errors import Invalid
    from server.exporters.choices import Choices
    from server.exporters.registry import exporter_of
    from server.queries.filters import Filters
    from server.services import exports, projects
    from server.services.import_process import collect_seldom

    collect_seldom()
    if format_name.strip().lower() == FORMAT:
        export_archive(console, project, out, filters)
        return
    told = {"labels_by": labels_by, "part": part, "judge_model": judge_model}
    pairs = [*told.items(), *(("for_mode", mode) for mode in for_mode or ())]
    try:
        chosen = exports.format_of(format_name)
        wanted = Filters.parse(filters)
        choices = Choices.from_query([*pairs, ("unlabelled", "1" if unlabelled else "")], wanted)
    except Invalid as error:
        raise typer.BadParameter(error.message) from error
    with opened(console) as database, console.busy(f"Writing {out.name}"):
        slug = projects.slug_of(project)
        written = exports.write(database, slug, chosen, wanted, out, choices, why=reason)
    console.say(f"{written.path} holds {written.holds} in {written.bytes:,} bytes.")
    if written.holds.startswith("0 "):
        console.say(f"Nothing goes in: {exporter_of(chosen).text}")
    answer = {"format": written.format.value, "path": str(written.path)}
    console.answer({**answer, "traces": written.traces, "bytes": written.bytes})
