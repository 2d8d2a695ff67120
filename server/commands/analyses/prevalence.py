"""`analyze prevalence`: how common each failure mode is, in which group, and what changed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.percentages import percent, percents
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

_VALUES = {
    **dict.fromkeys(("present", "true", "1", "yes"), "present"),
    **dict.fromkeys(("absent", "false", "0", "no"), "absent"),
}


def prevalence(
    console: Console,
    project: ProjectOption = None,
    table: InputOption = None,
    column_map: MapOption = None,
    group_by: Annotated[
        str, typer.Option(metavar="FIELD", help="model, task, strategy, params.NAME; or a column.")
    ] = "",
    before: Annotated[str, typer.Option(help="Version (or group) to compare with.")] = "",
    after: Annotated[str, typer.Option(help="Version (or group) that is compared.")] = "",
    filters: FiltersOption = "{}",
    format_names: FormatOption = None,
    output_dir: OutputOption = None,
) -> None:
    """Estimate how frequent each failure mode is. From traces drawn by chance."""
    either(project, table, only_project=filters != "{}")
    if table is None and column_map:
        raise typer.BadParameter("--map goes with --input.")
    if table is not None:
        answer = _of_table(table, column_map or [], group_by, before, after)
    else:
        answer = _of_project(console, project or "", filters, group_by, before, after)
    console.table(("mode", "group", "present", "of", "share", "95 %"), _rows(answer))
    give(console, answer, output_dir, format_names or [])


def _rows(answer: "Answer") -> list[tuple[object, ...]]:
    return [
        (
            row["mode"],
            row["group"],
            row["present"],
            row["n"],
            "–" if row["prevalence"] is None else percent(row["prevalence"], 1),
            "" if row["low"] is None else percents(row["low"], row["high"], 1),
        )
        for row in answer.results["rows"]
    ]


def _of_table(table: Path, pairs: list[str], group_by: str, before: str, after: str) -> "Answer":
    from server.commands.analyses.input_table import Field, read_table, renamed
    from server.views import prevalence_answer

    fields = (
        Field("trace", "the id of a trace"),
        Field("mode", "the name of a mode"),
        Field("value", "present or absent", choices=_VALUES),
        Field("annotator", "a name", may_be_empty=True, is_required=False),
        Field("weight", "a number above 0", is_required=False, is_weight=True),
        Field("group", "what the trace is grouped by", may_be_empty=True, is_required=False),
        Field("item", "what the trace is a run of", may_be_empty=True, is_required=False),
    )
    if group_by:
        pairs = [*pairs, f"group={group_by}"]
    frame = read_table(table, fields, renamed(pairs, fields))
    parameters = {"input": str(table), "group_by": group_by or None}
    return prevalence_answer.of_table(
        frame.rename(columns={"trace": "trace_id"}), before, after, parameters
    )


def _of_project(
    console: Console, project: str, filters: str, group_by: str, before: str, after: str
) -> "Answer":
    from server.views.prevalence_page import prevalence_answer

    with analysed_project(console, project, filters) as (session, member, wanted):
        return prevalence_answer(session, member, wanted, by=group_by, before=before, after=after)
