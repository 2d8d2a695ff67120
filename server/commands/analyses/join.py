"""`analyze join`: which failure modes go with which signals, of a project or of a wide table."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands.analyses.input_table import Field, columns_of
from server.commands.analyses.lens_options import Asked, FacetByOption, SplitByOption, ask
from server.commands.analyses.population import (
    FiltersOption,
    FormatOption,
    InputOption,
    OutputOption,
    ProjectOption,
)
from server.commands.console import Console

if TYPE_CHECKING:
    import pandas as pd

    from server.views.lenses.base import LensAnswer, Question

_VALUES = {
    **dict.fromkeys(("present", "true", "1", "1.0", "yes"), "1"),
    **dict.fromkeys(("absent", "false", "0", "0.0", "no"), "0"),
}
_IDS = ("id", "trace", "trace_id", "external_id", "item", "item_id")
_TASK = "task"


def join(
    console: Console,
    project: ProjectOption = None,
    table: InputOption = None,
    mode: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="With --input: a mode, 1, 0 or empty; repeat it."),
    ] = None,
    signal: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="With --input: a signal; else all other columns."),
    ] = None,
    strata: Annotated[
        str,
        typer.Option(
            metavar="FIELD", help="Compare within task, model …; none; tasks if left out."
        ),
    ] = "",
    filters: FiltersOption = "{}",
    facet_by: FacetByOption = "",
    split_by: SplitByOption = "",
    format_names: FormatOption = None,
    output_dir: OutputOption = None,
) -> None:
    """Compare every failure mode with every signal. Effects with intervals, q over all of them."""
    if table is None and (mode or signal):
        raise typer.BadParameter("--mode and --signal go with --input.")
    if table is not None and not mode:
        raise typer.BadParameter("--input needs --mode COLUMN, as often as there are modes.")
    modes = tuple(mode or ())
    signals, within = _columns(table, modes, signal or (), strata, (facet_by, split_by))
    value = "1, 0 or nothing"
    fields = (
        *(Field(name, value, may_be_empty=True, choices=_VALUES) for name in modes),
        *(Field(name, "a value", may_be_empty=True, may_be_truth=True) for name in signals),
        *((Field(within, "text", may_be_empty=True),) if within else ()),
    )
    asked = Asked(project, table, None, filters, output_dir, format_names, "", facet_by, split_by)
    of_table = partial(_of_table, modes=modes, signals=signals, strata=within)
    ask(console, "join", asked, fields=fields, of_table=of_table, options={"strata": strata})


def _columns(
    table: Path | None,
    modes: Sequence[str],
    signals: Sequence[str],
    strata: str,
    parts: tuple[str, str],
) -> tuple[tuple[str, ...], str]:
    """Return the signals of a table and what it is compared within."""
    if table is None:
        return (), ""
    there = columns_of(table)
    within = {"": _TASK if _TASK in there else "", "none": ""}.get(strata, strata)
    taken = {*modes, *parts, within, *_IDS}
    return tuple(signals or (name for name in there if name not in taken)), within


def _of_table(
    frame: "pd.DataFrame",
    question: "Question",
    *,
    modes: Sequence[str],
    signals: Sequence[str],
    strata: str,
) -> "LensAnswer":
    from analysis.join.associations import Thresholds
    from server.views.lenses.join import answer_frame

    return answer_frame(frame, question, Thresholds(), modes, signals, strata)
