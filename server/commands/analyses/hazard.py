"""`analyze hazard`: when traces end and by what."""

import math
from collections.abc import Hashable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands.analyses.input_table import Field
from server.commands.analyses.lens_options import (
    Asked,
    FacetByOption,
    GroupByOption,
    SplitByOption,
    ask,
)
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
    from server.views.lenses.population import LensPopulation

_HEADS = {"standard_error": "s.e.", "at_risk": "at risk"}
_FIELDS = (
    Field("time", "when it ended, a number from 0 on", may_be_empty=True, is_quantity=True),
    Field("cause", "how it ended, or nothing", may_be_empty=True),
    Field("group", "the group of the trace", may_be_empty=True, is_required=False),
    Field(
        "cap",
        "the cap on its time, a number",
        may_be_empty=True,
        is_required=False,
        is_quantity=True,
    ),
)


TimeOption = Annotated[
    str, typer.Option(metavar="NAME", help="completion_tokens, steps or duration_s.")
]
CauseOption = Annotated[
    str, typer.Option(metavar="NAME", help="outcome, or mode: when judged traces first failed.")
]
CensoredOption = Annotated[
    str, typer.Option(metavar="VALUE", help="The cause that means that nothing happened.")
]
AtOption = Annotated[str, typer.Option(metavar="T,T,…", help="Times at which numbers are told.")]
PositionsOption = Annotated[
    str, typer.Option(metavar="N,N,…", help="Further positions to look for walls at.")
]
BinOption = Annotated[
    str, typer.Option("--bin", metavar="WIDTH", help="Width of a bin of the hazard.")
]
LoopOption = Annotated[bool, typer.Option("--loop", help="Tell loops apart, from their onset on.")]
VarianceOption = Annotated[str, typer.Option(metavar="NAME", help="aalen or delta.")]
ScaleOption = Annotated[str, typer.Option(metavar="NAME", help="Axis of charts: log, linear.")]

_DIGITS: dict[Hashable, int] = {"low": 4, "high": 4, "q": 4, "p": 7}
_MOST_DIGITS = 8
"""Digits that statistics are published with."""


def hazard(
    console: Console,
    project: ProjectOption = None,
    table: InputOption = None,
    column_map: MapOption = None,
    time: TimeOption = "",
    cause: CauseOption = "",
    censored: CensoredOption = "",
    at: AtOption = "",
    positions: PositionsOption = "",
    bin_width: BinOption = "",
    loop: LoopOption = False,
    variance: VarianceOption = "",
    scale: ScaleOption = "",
    filters: FiltersOption = "{}",
    group_by: GroupByOption = "",
    facet_by: FacetByOption = "",
    split_by: SplitByOption = "",
    format_names: FormatOption = None,
    executor: ExecutorOption = None,
    workers: WorkersOption = 1,
    output_dir: OutputOption = None,
) -> None:
    """Show which share of traces each cause ends by when. Tells how failures come over time."""
    if table is None and censored:
        raise typer.BadParameter("--censored goes with --input: outcomes say what is cut off.")
    if table is not None and (cause or loop):
        raise typer.BadParameter("--cause and --loop go with --project.")
    own = {"time": time, "cause": cause, "censored": censored, "at": at, "positions": positions}
    own |= {"bin": bin_width, "loop": "yes" if loop else "", "variance": variance, "scale": scale}
    asked = Asked(project, table, column_map, filters, output_dir, format_names)
    ask(
        console,
        "hazard",
        replace(
            asked,
            group_by=group_by,
            facet_by=facet_by,
            split_by=split_by,
            executor=executor,
            workers=workers,
        ),
        fields=_FIELDS,
        of_table=partial(_of_table, console),
        of_project=partial(_of_project, console),
        options=own,
    )


def _of_table(console: Console, frame: "pd.DataFrame", question: "Question") -> "LensAnswer":
    from analysis.hazard.verdicts import Thresholds
    from server.views.lenses import hazard

    return _shown(console, hazard.answer_frame(frame, question, Thresholds()))


def _of_project(
    console: Console, population: "LensPopulation", question: "Question"
) -> "LensAnswer":
    from server.views.lenses import hazard

    return _shown(console, hazard.answer(population, question))


def _shown(console: Console, answer: "LensAnswer") -> "LensAnswer":
    """Show people the numbers at the times they named, and the tests between groups."""
    for figure in answer.figures:
        if figure.name in ("curves", "groups") and len(figure.table):
            shown = figure.table.drop(columns=["traces"], errors="ignore")
            heads = [_HEADS.get(name, name) for name in shown.columns]
            told = _share if figure.name == "curves" else _told
            columns = [
                [told(_DIGITS.get(name, _MOST_DIGITS), value) for value in own]
                for name, own in shown.items()
            ]
            console.table(heads, zip(*columns, strict=True))
    return answer


def _share(digits: int, value: object) -> str:
    is_share = isinstance(value, float) and value < 1
    return f"{value:.4f}" if is_share else _told(digits, value)


def _told(digits: int, value: object) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:,.{digits}g}"
    return str(value)
