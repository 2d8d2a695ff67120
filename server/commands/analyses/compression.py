"""`analyze compression`: how much wrong answers say for their length, beside right ones."""

from typing import TYPE_CHECKING, Annotated

import typer

from server.commands.analyses.input_table import Field
from server.commands.analyses.lens_options import (
    Asked,
    AxisOption,
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

if TYPE_CHECKING:
    import pandas as pd

    from server.views.lenses.base import LensAnswer, Question

_OUTCOMES = ("correct", "incorrect", "invalid", "truncated", "unknown")
_FIELDS = (
    Field("text", "what the model wrote", may_be_empty=True),
    Field(
        "outcome",
        f"one of {', '.join(_OUTCOMES)}",
        may_be_empty=True,
        choices={outcome: outcome for outcome in _OUTCOMES},
    ),
    Field("tokens", "a number above 0", may_be_empty=True, is_required=False, is_weight=True),
    Field("task", "the task", may_be_empty=True, is_required=False),
    Field("group", "the group of the trace", may_be_empty=True, is_required=False),
    Field("item", "what it is a run of", may_be_empty=True, is_required=False),
    Field("model", "the model", may_be_empty=True, is_required=False),
)


def compression(
    console: Console,
    project: ProjectOption = None,
    table: InputOption = None,
    column_map: MapOption = None,
    measure: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Over tokens: compressed_bytes, compression_ratio or residual_redundancy.",
        ),
    ] = "",
    filters: FiltersOption = "{}",
    group_by: GroupByOption = "",
    facet_by: FacetByOption = "",
    split_by: SplitByOption = "",
    axis: AxisOption = "",
    format_names: FormatOption = None,
    output_dir: OutputOption = None,
) -> None:
    """Tell loops, overthinking and underthinking from healthy runs."""
    _check(measure)
    known = [field.name for field in _FIELDS]
    along = (Field(axis, "a difficulty", may_be_empty=True),) if axis not in ("", *known) else ()
    ask(
        console,
        "compression",
        Asked(
            project,
            table,
            column_map,
            filters,
            output_dir,
            format_names,
            group_by=group_by,
            facet_by=facet_by,
            split_by=split_by,
            axis=axis,
        ),
        fields=(*_FIELDS, *along),
        of_table=_of_table,
        options={"measure": measure},
    )


def _check(measure: str) -> None:
    known = ("compressed_bytes", "compression_ratio", "residual_redundancy")
    if measure not in ("", *known):
        raise typer.BadParameter(f"--measure {measure}: expected one of {', '.join(known)}.")


def _of_table(frame: "pd.DataFrame", question: "Question") -> "LensAnswer":
    from server.views.lenses.compression import answer_table

    return answer_table(frame, question)
