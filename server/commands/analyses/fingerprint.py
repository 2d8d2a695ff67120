"""`analyze fingerprint`, also `analyze spiderweb`: what kind of model it is."""

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
from server.commands.analyses.outcome_field import OUTCOME_FIELD
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

_STYLES = ("web", "bar")
_FIELDS = (
    OUTCOME_FIELD,
    Field("model", "the model, or what else is one fingerprint", True, is_required=False),
    Field("tokens", "the tokens it took", may_be_empty=True, is_required=False),
    Field("item", "the id of the problem", may_be_empty=True, is_required=False),
    Field("guess_rate", "the chance of a lucky guess", may_be_empty=True, is_required=False),
    Field("difficulty", "how hard it is, as a number", may_be_empty=True, is_required=False),
)


def fingerprint(
    console: Console,
    project: ProjectOption = None,
    table: InputOption = None,
    column_map: MapOption = None,
    style: Annotated[
        str, typer.Option(metavar="web|bar", help="Webs with their twins as bars, or bars alone.")
    ] = "web",
    filters: FiltersOption = "{}",
    group_by: GroupByOption = "",
    facet_by: FacetByOption = "",
    split_by: SplitByOption = "",
    axis: AxisOption = "",
    format_names: FormatOption = None,
    output_dir: OutputOption = None,
) -> None:
    """Show accuracy, truncation and tokens by task. Names the archetype of each model."""
    if style not in _STYLES:
        raise typer.BadParameter(f"--style {style}: expected web or bar.")
    axes = Field(axis or "task", "the axis that the trace lies on")
    ask(
        console,
        "fingerprint",
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
        fields=(axes, *_FIELDS),
        of_table=_of_table,
        options={"style": "" if style == "web" else style},
    )


def _of_table(frame: "pd.DataFrame", question: "Question") -> "LensAnswer":
    from analysis.fingerprint.axes import Thresholds
    from server.views.lenses import fingerprint as lens

    return lens.answer_frame(frame, question, Thresholds())
