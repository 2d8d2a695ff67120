"""`analyze uncertainty`: do failures lock in early, or doubt throughout?"""

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands.analyses.answer import give
from server.commands.analyses.input_table import Field, read_table, renamed
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
    MapOption,
    OutputOption,
    ProjectOption,
)
from server.commands.console import Console
from server.commands.executor_option import ExecutorOption, WorkersOption, where
from server.executors.choosing import offered

if TYPE_CHECKING:
    import pandas as pd

    from server.views.lenses.base import LensAnswer, Question
    from server.views.lenses.population import LensPopulation

_CORRECT = {
    **dict.fromkeys(("1", "1.0", "true", "yes", "correct", "pass", "passed"), "1"),
    **dict.fromkeys(("0", "0.0", "false", "no", "incorrect", "fail", "failed"), "0"),
}
_NUMBERS = (
    *("generated_len", "prefinal_len", "preboxed_generated_len", "hit_max_tokens", "degenerate"),
    *("top_k", "nucleus_q", "near_tie_delta"),
)
_TEXTS = ("item", "model", "answer", "stratum")
_PUBLISHED = {"item": ("question_id", "problem_id"), "answer": ("predicted", "prediction")}
"""What published tables call a column."""


TablesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--input",
        metavar="TABLE",
        help="A CSV, XLSX, JSONL or Parquet file instead; several are configurations.",
    ),
]
PublishedOption = Annotated[
    bool,
    typer.Option("--as-published", "--exact", help="Only the published analysis, to its digits."),
]
RunsOption = Annotated[
    bool, typer.Option(help="Only several runs of the same items: agreement and triage.")
]
DrawsOption = Annotated[
    int, typer.Option(min=100, max=100_000, help="Bootstrap draws; published are 10,000.")
]
StrataOption = Annotated[
    str, typer.Option(metavar="FIELD", help="A field whose values are levels of difficulty.")
]
AllTokensOption = Annotated[
    bool, typer.Option(help="Features of the whole trace, the answer included.")
]


def uncertainty(
    console: Console,
    project: ProjectOption = None,
    tables: TablesOption = None,
    column_map: MapOption = None,
    as_published: PublishedOption = False,
    self_consistency: RunsOption = False,
    draws: DrawsOption = 10_000,
    strata: StrataOption = "",
    all_tokens: AllTokensOption = False,
    filters: FiltersOption = "{}",
    group_by: GroupByOption = "",
    facet_by: FacetByOption = "",
    split_by: SplitByOption = "",
    format_names: FormatOption = None,
    executor: ExecutorOption = None,
    workers: WorkersOption = 1,
    output_dir: OutputOption = None,
) -> None:
    """Tell committed from persistent failure. By the uncertainty of the first tokens."""
    if as_published and self_consistency:
        raise typer.BadParameter("Give either --as-published or --self-consistency.")
    options = {
        "rule": "published" if as_published else "self_consistency" if self_consistency else "",
        "tokens": "all" if all_tokens else "",
        "draws": str(draws),
        "levels": strata,
    }
    several = tables or []
    table, pairs = several[0] if several else None, column_map
    if table is not None and len(several) == 1:
        pairs = _mapped(column_map or [], table, strata)
    asked = Asked(project, table, pairs, filters, output_dir, format_names)
    asked = replace(asked, group_by=group_by, facet_by=facet_by, split_by=split_by)
    asked = replace(asked, executor=executor, workers=workers)
    if len(several) > 1:
        with offered(where(console, executor), workers):
            _configurations(console, asked, several, options, strata)
        return
    fields = _fields(table, column_map or [], strata) if table is not None else ()
    ask(
        console,
        "uncertainty",
        asked,
        fields=fields,
        of_table=lambda frame, question: _shown(console, _of_table(frame, question)),
        of_project=partial(_of_project, console),
        options=options,
    )


def _configurations(
    console: Console, asked: Asked, tables: list[Path], options: dict[str, str], strata: str
) -> None:
    """Answer about several tables at once, each a configuration that its file names."""
    import pandas as pd

    from server.views.lenses.base import Question

    if asked.project is not None or asked.filters != "{}":
        raise typer.BadParameter("--project and --filters do not go with --input.")
    if asked.group_by or asked.facet_by or asked.split_by:
        raise typer.BadParameter("Several tables are the groups: leave out the other groupings.")
    if len({path.stem for path in tables}) < len(tables):
        raise typer.BadParameter("Two of the tables have the same name.")
    frames = []
    for path in tables:
        pairs = _mapped(asked.column_map or [], path, strata)
        fields = _fields(path, asked.column_map or [], strata)
        frames.append(read_table(path, fields, renamed(pairs, fields)).assign(group=path.stem))
    frame = pd.concat(frames, ignore_index=True).assign(facet="")
    told = {name: value for name, value in options.items() if value}
    told["input"] = ", ".join(str(path) for path in tables)
    question = Question("uncertainty", group_by="configuration", options=told)
    answer = _shown(console, _of_table(frame, question))
    give(console, answer, asked.output_dir, asked.formats or [])


def _header(path: Path) -> list[str]:
    from server.importers.base import ImportOptions, Source
    from server.importers.files import records

    look = records.sample(Source(path), ImportOptions())
    names = dict.fromkeys(look.columns)
    for record in look.records:
        if isinstance(record, dict):
            names |= dict.fromkeys(map(str, record))
    return list(names)


def _fields(path: Path, pairs: list[str], strata: str) -> tuple[Field, ...]:
    """Return the fields that a table has: what every trace needs, and its features."""
    from analysis.uncertainty.feature_table import is_feature

    mapped = {pair.partition("=")[0].strip() for pair in pairs}
    features = [name for name in (*_header(path), *sorted(mapped)) if is_feature(name)]
    numbers = [
        Field(name, "a number, or nothing", may_be_empty=True, is_required=False, is_number=True)
        for name in dict.fromkeys((*_NUMBERS, *features))
    ]
    texts = [
        Field(name, "text", may_be_empty=True, is_required=name == "stratum" and bool(strata))
        for name in _TEXTS
    ]
    right = Field("correct", "1 or 0", choices=_CORRECT)
    return (right, *numbers, *texts)


def _mapped(pairs: list[str], path: Path, strata: str) -> list[str]:
    """Add where levels stand, and items and answers in a published table."""
    there = set(_header(path))
    named = {pair.partition("=")[0].strip() for pair in pairs}
    found = [*pairs, f"stratum={strata}"] if strata else list(pairs)
    for name, published in _PUBLISHED.items():
        known = [column for column in published if column in there]
        if known and name not in there | named:
            found.append(f"{name}={known[0]}")
    return found


def _of_project(
    console: Console, population: "LensPopulation", question: "Question"
) -> "LensAnswer":
    from server.views.lenses import uncertainty as lens

    return _shown(console, lens.answer(population, question))


def _shown(console: Console, answer: "LensAnswer") -> "LensAnswer":
    """Show people the windows of each configuration, and what to doubt."""
    for figure in answer.figures:
        if figure.name in ("configurations", "windows"):
            shown = figure.table.drop(columns=["traces", "low", "high", "auroc"], errors="ignore")
            console.table(list(shown.columns), shown.map(_told).to_numpy().tolist())
    for row in answer.told.evidence:
        console.say(f"{row.pattern}: {row.text}")
    for warning in answer.told.warnings:
        console.say(f"Note: {warning}")
    return answer


def _told(value: object) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.3f}"
    return "–" if value is None else str(value)


def _of_table(frame: "pd.DataFrame", question: "Question") -> "LensAnswer":
    import pandas as pd

    from analysis.uncertainty.feature_table import is_feature
    from analysis.uncertainty.windows import Thresholds
    from server.views.lenses import uncertainty as lens

    texts = {"correct": pd.to_numeric(frame["correct"])}
    for name in ("item", "model", "answer", "stratum"):
        if name in frame and not (frame[name] != "").any():
            frame = frame.drop(columns=name)
    numbers = [name for name in frame.columns if name in _NUMBERS or is_feature(str(name))]
    read = {name: _numbers(frame[name]) for name in numbers}
    return lens.answer_frame(frame.assign(**texts, **read), question, Thresholds())


def _numbers(column: "pd.Series[str]") -> "pd.Series[float]":
    """Read texts as Python does, to the last bit; nothing is NaN."""
    return column.map(lambda text: float(text) if text else float("nan")).astype(float)
