"""`report`: the report of the round, as it stands or as it stood at an earlier head."""

from pathlib import Path
from typing import Annotated

import typer

from server.commands.console import Console, opened
from server.commands.projects import ProjectOption


def report(
    console: Console,
    project: ProjectOption,
    at: Annotated[
        str,
        typer.Option(metavar="HEAD", help="The log's head that it rests on; HEAD is the latest."),
    ] = "HEAD",
    format_name: Annotated[
        str,
        typer.Option(
            "--format", "-f", help="md, html or json; unless said, by the ending of --out, else md."
        ),
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="PATH", help="The file to write.")
    ] = None,
) -> None:
    """Write the report of the round. The same head gives the same bytes."""
    from server.services import projects, rewinding
    from server.views.report import report as made
    from server.views.report_files import ReportFormat, file_name, written

    name = format_name.strip().lower() or (out.suffix.lstrip(".").lower() if out else "") or "md"
    if name not in list(ReportFormat):
        told = ", ".join(ReportFormat)
        raise typer.BadParameter(f"A report is written as one of {told}, not «{name}»: --format.")
    kind = ReportFormat(name)
    with opened(console) as database, database.rehearsing() as session:
        found = projects.find(session, projects.slug_of(project))
        member = projects.local_member(session, found)
        head = rewinding.rewind(session, member.project_id, at)
        shown = made(session, member, head)
    path = out or Path(file_name(shown, kind))
    path.write_bytes(written(shown, kind))
    console.say(f"{path} is written. It rests on {head.events:,} events, head {head.digest}.")
    console.answer(
        {"path": str(path), "format": kind.value, "head": head.digest, "report": shown.numbers}
    )
