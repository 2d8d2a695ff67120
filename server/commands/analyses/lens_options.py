"""What the commands of all lenses take, and how one of them asks a project or a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands.analyses.answer import give, give_each
from server.commands.analyses.input_table import Field, read_table, renamed
from server.commands.analyses.population import analysed_project, either
from server.commands.console import Console
from server.commands.executor_option import where
from server.executors.choosing import offered

if TYPE_CHECKING:
    import pandas as pd

    from server.views.lenses.base import LensAnswer, Question
    from server.views.lenses.population import LensPopulation

GroupByOption = Annotated[
    str,
    typer.Option(metavar="FIELD", help="Groups in one chart: model, task, params.NAME, a tag …"),
]
FacetByOption = Annotated[
    str, typer.Option(metavar="FIELD", help="A chart for each model, task, params.NAME …")
]
SplitByOption = Annotated[
    str, typer.Option(metavar="FIELD", help="Files of their own for each model, task …")
]
AxisOption = Annotated[str, typer.Option(metavar="DIM", help="The dimension along the chart.")]
ViewOption = Annotated[str, typer.Option(metavar="NAME", help="One of the project's views.")]


@dataclass(frozen=True)
class Asked:
    """What a command of a lens was given; empty where it has no such option."""

    project: str | None
    table: Path | None
    column_map: list[str] | None
    filters: str
    output_dir: Path | None
    formats: list[str] | None
    group_by: str = ""
    facet_by: str = ""
    split_by: str = ""
    axis: str = ""
    view: str = ""
    executor: str | None = None
    """Where heavy parts are computed; None as the setting says."""
    workers: int = 1


OfTable = Callable[["pd.DataFrame", "Question"], "LensAnswer"]
"""`answer_frame` of a lens without a project: columns as `fields` names them."""
OfProject = Callable[["LensPopulation", "Question"], "LensAnswer"]
"""`answer` of a lens."""


def ask(
    console: Console,
    lens: str,
    asked: Asked,
    *,
    fields: tuple[Field, ...],
    of_table: OfTable,
    of_project: OfProject | None = None,
    options: Mapping[str, str] | None = None,
) -> "dict[str, LensAnswer]":
    """Answer, write the files, tell people and machines; returns the answers by part.

    Args:
        console: Where people and machines read.
        lens: Its name.
        asked: The shared options.
        fields: The columns of a table that the lens reads.
        of_table: Answers about a table.
        of_project: Answers about a project, where the known lens does not do.
        options: The lens's own options; empty ones are left out.
    """
    either(asked.project, asked.table, only_project=asked.filters != "{}")
    own = {name: value for name, value in (options or {}).items() if value}
    with offered(where(console, asked.executor), asked.workers):
        if asked.table is None:
            answers = _of_project(console, lens, asked, own, of_project)
        else:
            answers = _of_table(lens, asked, own, fields, of_table)
    if asked.split_by:
        give_each(console, answers, asked.split_by, asked.output_dir, asked.formats or [])
    else:
        give(console, answers[""], asked.output_dir, asked.formats or [])
    return answers


def _question(lens: str, asked: Asked, own: Mapping[str, str]) -> "Question":
    from server.views.lenses.base import Question

    return Question(
        lens,
        group_by=asked.group_by,
        facet_by=asked.facet_by,
        axis=asked.axis,
        view=asked.view,
        options=own,
    )


def _of_project(
    console: Console,
    lens: str,
    asked: Asked,
    own: Mapping[str, str],
    of_project: OfProject | None,
) -> "dict[str, LensAnswer]":
    from server.views.lenses.answering import answers_of

    with analysed_project(console, asked.project or "", asked.filters) as (session, member, wanted):
        question = replace(
            _question(lens, asked, own),
            filters=wanted,
            split_by=asked.split_by,
            base=f"/projects/{member.project.slug}",
        )
        return answers_of(session, member, question, of_project)


def _of_table(
    lens: str,
    asked: Asked,
    own: Mapping[str, str],
    fields: tuple[Field, ...],
    of_table: OfTable,
) -> "dict[str, LensAnswer]":
    named = {"group": asked.group_by, "facet": asked.facet_by, "split": asked.split_by}
    extra = tuple(
        Field(column, "text", may_be_empty=True)
        for column in dict.fromkeys(named.values())
        if column and column not in {field.name for field in fields}
    )
    path = asked.table or Path()
    frame = read_table(path, (*fields, *extra), renamed(asked.column_map or [], fields))
    for column, source in named.items():
        if source:
            frame[column] = frame[source]
    for column in ("group", "facet"):
        if column not in frame:
            frame[column] = ""
    question = replace(_question(lens, asked, own), options={**own, "input": str(path)})
    if not asked.split_by:
        return {"": of_table(frame, question)}
    split = replace(question, split_by=asked.split_by)
    return {
        str(value): of_table(part.reset_index(drop=True), replace(split, part=str(value)))
        for value, part in frame.groupby("split", sort=True)
        if str(value)
    }
