"""`judge-labels`: a judge's labels as a machine's, never as a person's."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from server.commands.console import Console, opened
from server.commands.projects import ProjectOption


def judge_labels(
    console: Console,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or JSON lines.")],
    project: ProjectOption,
    judge: Annotated[str, typer.Option(help="The judge's name.")],
    judge_version: Annotated[str, typer.Option(help="Its version.")] = "",
) -> None:
    """Keep a judge's labels as a machine's. With trace_id, mode and value."""
    from server.importers.judge_labels import read_judge_labels
    from server.services import judge_labels as service
    from server.services import projects

    with opened(console) as database, database.writing() as session:
        member = projects.local_member(session, projects.find(session, projects.slug_of(project)))
        given = list(read_judge_labels(file))
        counts = service.keep(session, member, judge, judge_version, given)
    console.say(
        f"{counts.created:,} labels of {judge} created, {counts.changed:,} changed, "
        f"{counts.unchanged:,} unchanged. They count nowhere as a person's."
    )
    console.answer({**asdict(counts), "judge": judge, "version": judge_version})
