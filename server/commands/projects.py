"""`evals` and `tasks`: what a project holds."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands.console import Console, opened

if TYPE_CHECKING:
    from server.views.evals import EvalRow
    from server.views.tasks import TaskRow

ProjectOption = Annotated[str, typer.Option("--project", "-p", help="The project's name or slug.")]


def evals(
    console: Console,
    project: ProjectOption,
    search: Annotated[
        str, typer.Option(metavar="TEXT", help="In id, model, template, sampler, task or tag.")
    ] = "",
) -> None:
    """List settings with how their traces ended. A setting is model, template, sampler."""
    from server.services import projects
    from server.views import evals as views

    with opened(console) as database, database.reading() as session:
        found = projects.find(session, projects.slug_of(project))
        member = projects.local_member(session, found)
        rows = views.evals(session, member, search)
        tags = views.tag_counts(session, member)
    console.table(
        ("eval", "model", "traces", "accuracy", "truncated", "tokens", "limit", "tags"),
        (
            (
                row.eval_id,
                row.model,
                row.ended.traces,
                str(row.ended.accuracy),
                str(row.ended.truncation),
                "–" if row.median_tokens is None else f"{row.median_tokens:,.0f}",
                ", ".join(f"{limit:,}" for limit in row.token_limits) or "–",
                ", ".join(row.tags),
            )
            for row in rows
        ),
    )
    console.answer({"evals": [_flat(row) for row in rows], "tags": tags})


def tasks(console: Console, project: ProjectOption) -> None:
    """List tasks with outcomes, dimensions and views."""
    from server.services import projects
    from server.views import tasks as views

    with opened(console) as database, database.reading() as session:
        found = projects.find(session, projects.slug_of(project))
        rows = views.tasks(session, projects.local_member(session, found))
    console.table(
        ("task", "items", "models", "traces", "accuracy", "truncated", "dimensions", "views"),
        (
            (
                row.task or "–",
                row.items,
                row.models,
                row.ended.traces,
                str(row.ended.accuracy),
                str(row.ended.truncation),
                "; ".join(one.told for one in row.dimensions),
                ", ".join(view.name for view in row.views),
            )
            for row in rows
        ),
    )
    console.answer({"tasks": [_flat(row) for row in rows]})


def _flat(row: "EvalRow | TaskRow") -> dict[str, Any]:
    """A row as JSON, with how its traces ended beside its other fields."""
    told = asdict(row)
    outcomes: dict[str, Any] = told.pop("ended")
    return told | outcomes
