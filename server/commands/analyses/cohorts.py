"""`analyze cohorts`: which tasks models fail together, of a project or of a table."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands.analyses.answer import file_name
from server.commands.analyses.lens_options import Asked, SplitByOption, ask
from server.commands.analyses.population import (
    FiltersOption,
    FormatOption,
    InputOption,
    MapOption,
    OutputOption,
    ProjectOption,
)
from server.commands.console import Console
from server.commands.executor_option import ExecutorOption, WorkersOption

if TYPE_CHECKING:
    import pandas as pd

    from server.views.lenses.base import LensAnswer, Question

KOption = Annotated[
    int | None, typer.Option("--k", min=2, max=50, help="Cohorts; else chosen by their stability.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="Makes all draws reproducible.")]
RoughOption = Annotated[bool, typer.Option("--rough", help="Fewer draws: faster, less sure.")]
BudgetOption = Annotated[
    str,
    typer.Option(metavar="N,N…", help="Choose as few tasks as 25,50 that rank models alike, too."),
]


def cohorts(
    console: Console,
    project: ProjectOption = None,
    table: InputOption = None,
    column_map: MapOption = None,
    k: KOption = None,
    seed: SeedOption = 0,
    rough: RoughOption = False,
    budget: BudgetOption = "",
    filters: FiltersOption = "{}",
    split_by: SplitByOption = "",
    format_names: FormatOption = None,
    executor: ExecutorOption = None,
    workers: WorkersOption = 1,
    output_dir: OutputOption = None,
) -> None:
    """Group tasks by which models fail them. Says whether that is more than difficulty."""
    from server.commands.analyses.cohort_tables import fields_of

    options = {
        "k": str(k) if k is not None else "",
        "seed": str(seed) if seed else "",
        "effort": "rough" if rough else "",
        "budget": budget,
    }
    asked = Asked(project, table, column_map, filters, output_dir, format_names, split_by=split_by)
    asked = replace(asked, executor=executor, workers=workers)
    fields = fields_of(table, column_map or []) if table is not None else ()
    answers = ask(console, "cohorts", asked, fields=fields, of_table=_of_table, options=options)
    if output_dir is not None:
        for part, answer in answers.items():
            _write_sets(console, output_dir, part, answer)


def _of_table(frame: "pd.DataFrame", question: "Question") -> "LensAnswer":
    from server.commands.analyses.cohort_tables import runs_of_table
    from server.views.lenses.cohorts import answer_runs

    return answer_runs(*runs_of_table(frame), question)


def _write_sets(console: Console, folder: Path, part: str, answer: "LensAnswer") -> None:
    """Write the chosen tasks of each budget with their weights, beside the answer."""
    import pandas as pd

    from server.exporters.csv_table import cell

    for chosen in (answer.results["sampling"] or {}).get("sets", ()):
        named = f"{part}-{chosen['budget']}" if part else str(chosen["budget"])
        name = file_name("cohorts-tasks", named)
        tasks = pd.DataFrame(chosen["tasks"])
        path = folder / f"{name}.csv"
        tasks.assign(item=tasks["item"].map(cell)).to_csv(path, index=False)
        console.say(f"{path} is written.")
