"""`analyze fft`: how the problem is represented to the model that reads it."""

from dataclasses import replace
from functools import partial
from pathlib import Path
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

    from server.prompts.supplied import PromptReader
    from server.views.lenses.base import LensAnswer, Question

_FIELDS = (
    Field("prompt", "what the model was asked", may_be_empty=True, is_required=False),
    Field("text", "what the model was asked", may_be_empty=True, is_required=False),
    Field("group", "the group of the prompt", may_be_empty=True, is_required=False),
)


def fft(
    console: Console,
    project: ProjectOption = None,
    table: InputOption = None,
    column_map: MapOption = None,
    tokenizer: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A tokenizer.json of the model; else bytes."),
    ] = None,
    chat_template: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Its chat template: Jinja, or tokenizer_config.json."),
    ] = None,
    baseline: Annotated[
        str,
        typer.Option(metavar="FILTERS", help="What groups are held against: filters or a group."),
    ] = "",
    series: Annotated[str, typer.Option(metavar="NAME", help="byte_length, log_rank or id.")] = "",
    filters: FiltersOption = "{}",
    group_by: GroupByOption = "",
    facet_by: FacetByOption = "",
    split_by: SplitByOption = "",
    format_names: FormatOption = None,
    executor: ExecutorOption = None,
    workers: WorkersOption = 1,
    output_dir: OutputOption = None,
) -> None:
    """Show the spectra of prompts as tokens. Says what differs from a baseline."""
    from server.prompts.supplied import reader_of_files

    reader = reader_of_files(tokenizer, chat_template)
    has_files = tokenizer is not None or chat_template is not None
    asked = Asked(project, table, column_map, filters, output_dir, format_names)
    asked = replace(asked, group_by=group_by, facet_by=facet_by, split_by=split_by)
    ask(
        console,
        "fft",
        replace(asked, executor=executor, workers=workers),
        fields=_FIELDS,
        of_table=partial(_of_table, reader),
        of_project=_of_project(reader) if has_files else None,
        options={"baseline": baseline, "series": series},
    )


def _of_table(reader: "PromptReader", frame: "pd.DataFrame", question: "Question") -> "LensAnswer":
    from analysis.spectrum_comparison import Thresholds
    from server.views.lenses import fft

    return fft.answer_frame(reader, frame, question, Thresholds())


def _of_project(reader: "PromptReader") -> "partial[LensAnswer]":
    from server.views.lenses import fft

    return partial(fft.answer_with, reader)
