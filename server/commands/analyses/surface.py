"""`analyze surface`: accuracy over two dimensions, and where it breaks down."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands.analyses.input_table import Field
from server.commands.analyses.lens_options import (
    Asked,
    AxisOption,
    FacetByOption,
    GroupByOption,
    SplitByOption,
    ViewOption,
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

_OUTCOMES = {
    **{name: name for name in ("correct", "incorrect", "invalid", "truncated", "unknown")},
    **dict.fromkeys(("1", "true", "yes", "pass", "passed"), "correct"),
    **dict.fromkeys(("0", "false", "no", "fail", "failed"), "incorrect"),
    "": "unknown",
}
_FIELDS = (
    Field(
        "outcome",
        "correct, incorrect, invalid, truncated, unknown (or 1 and 0)",
        may_be_empty=True,
        choices=_OUTCOMES,
    ),
    Field("x", "a value of the dimension", may_be_empty=True),
    Field("y", "a value of the dimension", may_be_empty=True),
    Field("guess_rate", "a number from 0 to below 1", may_be_empty=True, is_required=False),
)
_NO_DIMENSIONS = frozenset(
    {"trace", "trace_id", "external_id", "item", "item_id", "id", "text", "prompt", "answer"}
)


UpOption = Annotated[str, typer.Option("--y", metavar="DIM", help="The dimension up, with --axis.")]
StyleOption = Annotated[str, typer.Option(metavar="NAME", help="heatmap or 3d.")]
ModeOption = Annotated[
    str, typer.Option(metavar="NAME", help="Truncated answers: failed, or answered (left out).")
]
BinsOption = Annotated[
    int | None, typer.Option(min=2, max=24, help="Ranges of a dimension with many values.")
]
PanelsOption = Annotated[
    int | None, typer.Option(min=1, max=200, help="Models (or groups) drawn at most.")
]
GuessOption = Annotated[
    float | None, typer.Option(min=0, max=0.99, help="Of traces that tell none.")
]
OverlayOption = Annotated[
    str, typer.Option(metavar="FILTERS", help="Traces laid on it; production ones by default.")
]


def surface(
    console: Console,
    project: ProjectOption = None,
    table: InputOption = None,
    column_map: MapOption = None,
    view: ViewOption = "",
    axis: AxisOption = "",
    up: UpOption = "",
    style: StyleOption = "",
    mode: ModeOption = "",
    bins: BinsOption = None,
    panels: PanelsOption = None,
    guess_rate: GuessOption = None,
    overlay: OverlayOption = "",
    filters: FiltersOption = "{}",
    group_by: GroupByOption = "",
    facet_by: FacetByOption = "",
    split_by: SplitByOption = "",
    format_names: FormatOption = None,
    output_dir: OutputOption = None,
) -> None:
    """Estimate accuracy over two dimensions. Safe and failing zones, cliffs, slopes."""
    _check(style, ("heatmap", "3d"), "--style")
    _check(mode, ("failed", "answered"), "--mode")
    if up and not axis:
        raise typer.BadParameter("--y goes with --axis: name both dimensions.")
    asked = Asked(project, table, column_map, filters, output_dir, format_names)
    asked = replace(asked, group_by=group_by, facet_by=facet_by, split_by=split_by)
    asked = replace(asked, axis=axis, view=view)
    numbers = {"bins": bins, "panels": panels, "guess_rate": guess_rate}
    options = {
        **{"y": up, "style": style, "mode": mode, "overlay": overlay},
        **{name: f"{value:g}" for name, value in numbers.items() if value is not None},
    }
    names = _Named(())
    if table is not None:
        asked, names = _of_columns(table, asked, up, overlay)
    elif column_map:
        raise typer.BadParameter("--map goes with --input.")
    ask(console, "surface", asked, fields=_FIELDS, of_table=names, options=options)


class _Named:
    """Answers about a table whose dimensions have these names."""

    def __init__(self, axes: tuple[str, ...]) -> None:
        self.axes = axes

    def __call__(self, frame: "pd.DataFrame", question: "Question") -> "LensAnswer":
        from analysis.surface.accuracy import Thresholds
        from server.views.lenses.surface import answer_frame

        frame.attrs["axes"] = self.axes
        return answer_frame(frame, question, Thresholds())


def _of_columns(table: Path, asked: Asked, up: str, overlay: str) -> tuple[Asked, _Named]:
    """Say which columns of a table are its dimensions."""
    if asked.view or overlay:
        raise typer.BadParameter("--view and --overlay go with --project.")
    pairs = list(asked.column_map or [])
    taken = {asked.group_by, asked.facet_by, asked.split_by} - {""}
    pairs += _dimensions(table, pairs, [asked.axis, up], taken)
    sides = sorted(pair for pair in pairs if pair.partition("=")[0] in ("x", "y"))
    names = _Named(tuple(pair.partition("=")[2] for pair in sides))
    return replace(asked, column_map=pairs), names


def _check(value: str, known: tuple[str, ...], option: str) -> None:
    if value and value not in known:
        raise typer.BadParameter(f"{option} {value}: expected {' or '.join(known)}.")


def _dimensions(table: Path, pairs: list[str], named: list[str], taken: set[str]) -> list[str]:
    """Say which columns x and y are: those that are named, else the first two that may be."""
    from server.errors import Invalid
    from server.importers.base import ImportOptions, Source
    from server.importers.files import records

    mapped = dict(pair.partition("=")[::2] for pair in pairs)
    for side, column in zip("xy", named, strict=True):
        if column:
            mapped.setdefault(side, column)
    look = records.sample(Source(table), ImportOptions())
    first = next((one for one in look.records if isinstance(one, dict)), {})
    columns = list(look.columns or first)
    used = {mapped.get(name, name) for name in ("outcome", "guess_rate")} | taken
    used |= {mapped[side] for side in "xy" if side in mapped}
    free = [name for name in columns if name not in used]
    plain = [name for name in free if name.lower() not in _NO_DIMENSIONS]
    found = iter(plain if len(plain) > 1 else free)
    chosen = {side: mapped.get(side) or next(found, "") for side in "xy"}
    if not all(chosen.values()):
        raise Invalid(
            f"{table.name} needs two columns besides the outcome; it has "
            f"{', '.join(columns) or 'none'}. Name them with --map x=COLUMN --map y=COLUMN."
        )
    return [
        f"{side}={column}" for side, column in chosen.items() if f"{side}={column}" not in pairs
    ]
