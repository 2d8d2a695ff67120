"""`analyze cluster`: draft groups of notes, or of the texts of a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands.analyses.answer import give
from server.commands.analyses.population import (
    FiltersOption,
    FormatOption,
    InputOption,
    MapOption,
    OutputOption,
    ProjectOption,
    analysed_project,
    either,
)
from server.commands.console import Console

if TYPE_CHECKING:
    from server.views.answers import Answer

_ENGINES = ("tree", "density")


def cluster(
    console: Console,
    project: ProjectOption = None,
    table: InputOption = None,
    column_map: MapOption = None,
    granularity: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="0 for few groups to 1 for many; chosen if left out."),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="tree, or density for some 300 texts and more.")
    ] = "tree",
    ungrouped: Annotated[
        bool, typer.Option("--ungrouped", help="Only notes that stand under no failure mode.")
    ] = False,
    filters: FiltersOption = "{}",
    format_names: FormatOption = None,
    output_dir: OutputOption = None,
) -> None:
    """Group notes that say alike. With key terms and a typical note each; nothing is assigned."""
    either(project, table, only_project=filters != "{}")
    if table is None and column_map:
        raise typer.BadParameter("--map goes with --input.")
    if table is not None and ungrouped:
        raise typer.BadParameter("--ungrouped goes with --project: a table has no failure modes.")
    if engine not in _ENGINES:
        raise typer.BadParameter(f"--engine {engine}: expected one of {', '.join(_ENGINES)}.")
    if table is not None:
        texts, parameters = _of_table(table, column_map or [])
    else:
        texts, parameters = _of_project(console, project or "", filters, ungrouped=ungrouped)
    with console.busy("Reading the texts"):
        answer = _answer(console, texts, parameters, granularity, engine)
    console.table(("group", "size", "cohesion", "key terms", "typical"), _rows(answer))
    give(console, answer, output_dir, format_names or [])


def _rows(answer: "Answer") -> list[tuple[object, ...]]:
    return [
        (
            str(group["group"]),
            group["size"],
            f"{group['cohesion']:.2f}",
            group["label"],
            group["medoid"],
        )
        for group in answer.results["groups"]
    ]


def _answer(
    console: Console,
    texts: list[str],
    parameters: dict[str, Any],
    granularity: float | None,
    engine: str,
) -> "Answer":
    from server.embedder import embedder_in_use
    from server.views import cluster_answer

    return cluster_answer.of_texts(
        texts,
        embedder_in_use(console.settings.embedding_model),
        parameters,
        granularity=granularity,
        by_density=engine == "density",
    )


def _of_table(table: Path, pairs: list[str]) -> tuple[list[str], dict[str, Any]]:
    from server.commands.analyses.input_table import Field, read_table, renamed

    fields = (Field("text", "a text"),)
    frame = read_table(table, fields, renamed(pairs, fields))
    return [str(text) for text in frame["text"]], {"input": str(table)}


def _of_project(
    console: Console, project: str, filters: str, *, ungrouped: bool
) -> tuple[list[str], dict[str, Any]]:
    from server.views.cluster_answer import texts_of
    from server.views.population import Population

    with analysed_project(console, project, filters) as (session, member, wanted):
        texts = texts_of(Population(session, member, wanted), only_ungrouped=ungrouped)
        parameters = {
            "project": member.project.slug,
            "filters": wanted.to_json(),
            "ungrouped": ungrouped,
        }
        return texts, parameters
