"""`evals` and `tasks`: what a project holds."""

from dataclasses import asdict, astuple
from typing import Annotated

import typer

from server.commands.console import Console, opened

ProjectOption = Annotated[str, typer.Option("--project", "-p", help="The project's name or slug.")]


def evals(
    console: Console,
    project: ProjectOption,
    search: Annotated[str, typer.Option(help="Only models whose name holds this.")] = "",
) -> None:
    """List settings (model, template, sampler) with their traces."""
    from server.services import projects
    from server.views import evals as views

    with opened(console) as database, database.reading() as session:
        rows = views.evals(session, projects.find(session, projects.slug_of(project)), search)
    console.table(("eval", "model", "traces", "correct"), (astuple(row) for row in rows))
    console.answer({"evals": [asdict(row) for row in rows]})


def tasks(console: Console, project: ProjectOption) -> None:
    """List tasks with their items and traces."""
    from server.services import projects
    from server.views import evals as views

    with opened(console) as database, database.reading() as session:
        rows = views.tasks(session, projects.find(session, projects.slug_of(project)))
    console.table(("task", "items", "traces", "correct"), (astuple(row) for row in rows))
    console.answer({"tasks": [asdict(row) for row in rows]})
