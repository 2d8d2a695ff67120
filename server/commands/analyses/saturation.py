"""`analyze saturation`: how many failure modes are still unseen, and whether to read on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands.analyses.answer import give, give_each
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


def saturation(
    console: Console,
    project: ProjectOption = None,
    table: InputOption = None,
    column_map: MapOption = None,
    traces: Annotated[
        int | None,
        typer.Option(min=1, help="Traces reviewed, where the table holds mode and count."),
    ] = None,
    split_by: Annotated[
        str, typer.Option(metavar="FIELD", help="One analysis for each model, task, params.NAME …")
    ] = "",
    filters: FiltersOption = "{}",
    format_names: FormatOption = None,
    output_dir: OutputOption = None,
) -> None:
    """Estimate how many failure modes are unseen. From random traces in review order."""
    either(project, table, only_project=filters != "{}")
    if table is None and (traces is not None or column_map):
        raise typer.BadParameter("--traces and --map go with --input.")
    if split_by:
        if table is not None:
            raise typer.BadParameter("--split-by goes with --project.")
        parts = _of_parts(console, project or "", filters, split_by)
        give_each(console, parts, split_by, output_dir, format_names or [])
        return
    if table is not None:
        answer = _of_table(table, column_map or [], traces)
    else:
        answer = _of_project(console, project or "", filters)
    console.table(("to stop", "needed", "found", ""), _rows(answer))
    give(console, answer, output_dir, format_names or [])


def _rows(answer: "Answer") -> list[tuple[str, str, str, str]]:
    return [
        (one.about, one.needed, one.found, "" if one.is_met else "not met")
        for one in answer.shown["conditions"]
    ]


def _of_table(table: Path, pairs: list[str], traces: int | None) -> "Answer":
    from server.commands.analyses.input_table import Field, read_table, renamed
    from server.errors import Invalid
    from server.views import saturation_answer

    mode = Field("mode", "the name of a mode, or nothing", may_be_empty=traces is None)
    other = (
        Field("trace", "the id of a trace")
        if traces is None
        else Field("count", "in how many traces, as a whole number", is_whole_number=True)
    )
    fields = (other, mode)
    frame = read_table(table, fields, renamed(pairs, fields))
    parameters: dict[str, Any] = {"input": str(table)}
    if traces is None:
        return saturation_answer.of_table(frame.rename(columns={"trace": "trace_id"}), parameters)
    try:
        return saturation_answer.of_counts(frame, traces, {**parameters, "traces": traces})
    except ValueError as error:
        raise Invalid(f"{table.name}: {error}") from error


def _of_project(console: Console, project: str, filters: str) -> "Answer":
    from server.views.saturation_page import saturation_answer_of

    with analysed_project(console, project, filters) as (session, member, wanted):
        return saturation_answer_of(session, member, wanted)


def _of_parts(console: Console, project: str, filters: str, split_by: str) -> "dict[str, Answer]":
    from server.views.saturation_page import saturation_by

    with analysed_project(console, project, filters) as (session, member, wanted):
        return saturation_by(session, member, wanted, split_by)
