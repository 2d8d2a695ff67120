"""`analyze agreement`: how far people agree, of a project or of a table of ratings."""

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
    import pandas as pd

    from server.views.answers import Answer

_LEVELS = ("nominal", "interval")
_VERSIONS = ("all", "current")


def agreement(
    console: Console,
    project: ProjectOption = None,
    table: InputOption = None,
    column_map: MapOption = None,
    level: Annotated[
        str, typer.Option(help="nominal, or interval for values of a table that are numbers.")
    ] = "nominal",
    versions: Annotated[
        str, typer.Option(help="all labels of a project, or those of the current definitions.")
    ] = "all",
    filters: FiltersOption = "{}",
    format_names: FormatOption = None,
    output_dir: OutputOption = None,
) -> None:
    """Estimate how far people agree. Percent, Cohen, Fleiss, Krippendorff, AC1, PABAK."""
    either(project, table, only_project=filters != "{}")
    _check(table, column_map, level, versions)
    if table is not None:
        answer = _of_table(table, column_map or [], level)
    else:
        answer = _of_project(console, project or "", filters, versions)
    heads = ("question", "n", "percent", "cohen", "fleiss", "alpha", "ac1", "pabak", "reading")
    console.table(heads, _rows(answer))
    give(console, answer, output_dir, format_names or [])


def _check(table: Path | None, column_map: list[str] | None, level: str, versions: str) -> None:
    if level not in _LEVELS:
        raise typer.BadParameter(f"--level {level}: expected one of {', '.join(_LEVELS)}.")
    if versions not in _VERSIONS:
        raise typer.BadParameter(f"--versions {versions}: expected one of {', '.join(_VERSIONS)}.")
    if table is None and (column_map or level != "nominal"):
        raise typer.BadParameter("--map and --level go with --input.")
    if table is not None and versions != "all":
        raise typer.BadParameter("--versions goes with --project: a table has no definitions.")


def _rows(answer: "Answer") -> list[tuple[object, ...]]:
    kinds = ("percent", "cohen", "fleiss", "alpha", "ac1", "pabak")
    return [
        (name, found["n"], *(_told(found, kind) for kind in kinds), found["reading"])
        for name, found in answer.results.items()
    ]


def _told(found: dict[str, Any], kind: str) -> str:
    if found[kind] is None:
        return "–"
    low, high = found["intervals"][kind]
    return f"{found[kind]:.2f} ({low:.2f} to {high:.2f})"


def _of_table(table: Path, pairs: list[str], level: str) -> "Answer":
    from server.commands.analyses.input_table import Field, read_table, renamed
    from server.errors import Invalid
    from server.views import agreement_answer

    fields = (
        Field("item", "the id of what was rated"),
        Field("annotator", "who rated it"),
        Field("value", "what they said, or nothing", may_be_empty=True),
        Field("mode", "the name of a mode", is_required=False),
    )
    mapping = renamed(pairs, fields)
    frame = read_table(table, fields, mapping)
    if "value" not in frame:
        raise Invalid(f"{table.name} has no rating.")
    _refuse_repeated(table, frame, mapping)
    try:
        return agreement_answer.of_table(
            frame.rename(columns={"item": "trace_id"}),
            {"input": str(table), "level": level},
            is_interval=level == "interval",
        )
    except ValueError as error:
        raise Invalid(f"{table.name}: {error}") from error


def _refuse_repeated(table: Path, frame: "pd.DataFrame", mapping: dict[str, str]) -> None:
    """Refuse a second rating of an item by the same annotator, by line and field."""
    from server.commands.analyses.input_table import LINES, UnfitTable

    keys = [name for name in ("item", "annotator", "mode") if name in frame]
    rated = frame[frame["value"] != ""]
    twice = rated[rated.duplicated(keys)]
    if twice.empty:
        return
    place, row = twice.index[0], twice.iloc[0]
    same = (rated[keys] == row[keys]).all(axis=1)
    lines = frame.attrs[LINES]
    raise UnfitTable(
        f"{table.name}: line {lines[place]:,}, {mapping.get('annotator', 'annotator')}: "
        f"{row['annotator']} rates {row['item']} for a second time (first in line "
        f"{lines[same.idxmax()]:,}); keep one rating of each annotator"
        + (f" and {len(twice) - 1:,} more such rows." if len(twice) > 1 else ".")
    )


def _of_project(console: Console, project: str, filters: str, versions: str) -> "Answer":
    from server.views.agreement_answer import agreement_answer
    from server.views.agreement_questions import Versions

    with analysed_project(console, project, filters) as (session, member, wanted):
        return agreement_answer(session, member, wanted, Versions(versions))
