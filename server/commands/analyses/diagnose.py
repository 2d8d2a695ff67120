"""`analyze diagnose`: four lenses on a population beside a baseline."""

from typing import TYPE_CHECKING, Annotated

import typer

from server.commands.analyses.answer import give
from server.commands.analyses.lens_options import AxisOption, ViewOption
from server.commands.analyses.population import (
    FiltersOption,
    FormatOption,
    OutputOption,
    analysed_project,
)
from server.commands.console import Console
from server.commands.projects import ProjectOption

if TYPE_CHECKING:
    from server.views.lenses.base import LensAnswer


def diagnose(
    console: Console,
    project: ProjectOption,
    filters: FiltersOption = "{}",
    baseline: Annotated[
        str,
        typer.Option(
            metavar="FILTERS", help="Filters as JSON; other:KEY; none. Else what fits the filters."
        ),
    ] = "",
    axis: AxisOption = "",
    view: ViewOption = "",
    format_names: FormatOption = None,
    output_dir: OutputOption = None,
) -> None:
    """Put four lenses on traces and on a baseline. Weighs what they point at together."""
    from server.views.lenses.answering import answer_of
    from server.views.lenses.base import Question
    from server.views.lenses.diagnose_baseline import AGAINST, BASELINE

    named = AGAINST if baseline.lstrip().startswith("{") else BASELINE
    with analysed_project(console, project, filters) as (session, member, wanted):
        question = Question(
            "diagnose",
            wanted,
            axis=axis,
            view=view,
            options={named: baseline} if baseline else {},
            base=f"/projects/{member.project.slug}",
        )
        answer = answer_of(session, member, question)
    _tell(console, answer)
    give(console, answer, output_dir, format_names or [])


def _tell(console: Console, answer: "LensAnswer") -> None:
    """Show people each hypothesis with what speaks for it and against it."""
    rows = [
        [one["hypothesis"], one["standing"], *_condition(condition)]
        for one in answer.results.get("hypotheses", ())
        for condition in one["conditions"]
    ]
    if rows:
        heads = ["hypothesis", "standing", "lens", "condition", "state", "baseline"]
        console.table(heads, rows)
    for warning in answer.told.warnings:
        console.say(f"Mind: {warning}")


def _condition(row: dict[str, str]) -> list[str]:
    return [row["lens"], row["condition"], row["state"], row["in_baseline"]]
