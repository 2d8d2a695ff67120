"""`analyze judge`: how far a judge can be trusted, and the prevalence its verdicts correct to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    from analysis.judge_report import Method
    from server.views.answers import Answer

_VALUES = {
    **dict.fromkeys(("pass", "passed", "1", "true"), "pass"),
    **dict.fromkeys(("fail", "failed", "0", "false"), "fail"),
}
_PARTS = {
    **{name: name for name in ("train", "dev", "test")},
    **dict.fromkeys(("validation", "val"), "dev"),
    **dict.fromkeys(("unlabelled", "unlabeled", ""), ""),
}


def judge(
    console: Console,
    project: ProjectOption = None,
    table: InputOption = None,
    column_map: MapOption = None,
    name: Annotated[str, typer.Option("--judge", help="The judge's name, of a project.")] = "",
    judge_version: Annotated[
        str | None, typer.Option(help="Its version; unless said, the latest.")
    ] = None,
    mode: Annotated[
        str | None, typer.Option(help="The failure mode it judges; unless said, the only one.")
    ] = None,
    part: Annotated[
        str, typer.Option("--split", metavar="PART", help="Measure on train, dev, test or all.")
    ] = "",
    method: Annotated[
        str, typer.Option(help="ppi++ or rogan-gladen, whatever fits the labelled traces.")
    ] = "",
    filters: FiltersOption = "{}",
    format_names: FormatOption = None,
    output_dir: OutputOption = None,
) -> None:
    """Measure a judge against people. TPR, TNR, and the corrected share of passes."""
    either(project, table, only_project=filters != "{}")
    if table is None and column_map:
        raise typer.BadParameter("--map goes with --input.")
    if table is not None and (name or judge_version is not None or mode is not None):
        raise typer.BadParameter("--judge, --judge-version and --mode go with --project.")
    if part and part not in ("train", "dev", "test", "all"):
        raise typer.BadParameter(f"--split {part}: expected train, dev, test or all.")
    by = _method(method)
    if table is not None:
        answer = _of_table(table, column_map or [], part, by)
    else:
        named = (name, judge_version, mode)
        answer = _of_project(console, project or "", filters, named, part, by)
    console.table(("rate", "share", "95 %", "traces"), _rows(answer))
    give(console, answer, output_dir, format_names or [])
    if answer.results["unlabelled"] and answer.results["corrected"] is None:
        raise typer.Exit(1)


def _method(written: str) -> "Method | None":
    from analysis.judge_report import Method

    if not written:
        return None
    if written not in list(Method):
        raise typer.BadParameter(f"--method {written}: expected {' or '.join(Method)}.")
    return Method(written)


def _rows(answer: "Answer") -> list[tuple[str, str, str, str]]:
    found = answer.results
    rates = (
        ("TPR", found["tpr"], found["intervals"]["tpr"], found["passes"]),
        ("TNR", found["tnr"], found["intervals"]["tnr"], found["fails"]),
        ("corrected share of passes", found["corrected"], found["corrected_interval"], None),
        ("corrected prevalence", found["prevalence"], found["prevalence_interval"], None),
    )
    return [
        (
            about,
            "–" if value is None else f"{value:.3f}",
            "" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}",
            f"{found['unlabelled'] if n is None else n:,}",
        )
        for about, value, interval, n in rates
    ]


def _of_table(table: Path, pairs: list[str], part: str, by: "Method | None") -> "Answer":
    from server.commands.analyses.input_table import Field, read_table, renamed
    from server.views import judge_answer

    value = "pass or fail, or 1 or 0 with 1 = pass"
    fields = (
        Field("trace_id", "the id of a trace", may_be_empty=True, is_required=False),
        Field("human", f"{value}, or nothing", may_be_empty=True, choices=_VALUES),
        Field("judge", value, choices=_VALUES),
        Field(
            "split",
            "train, dev or test, or nothing",
            may_be_empty=True,
            is_required=False,
            choices=_PARTS,
        ),
    )
    frame = read_table(table, fields, renamed(pairs, fields))
    return judge_answer.of_table(frame, part, by, {"input": str(table)})


def _of_project(
    console: Console,
    project: str,
    filters: str,
    named: tuple[str, str | None, str | None],
    part: str,
    by: "Method | None",
) -> "Answer":
    from server.views.judge_page import judge_answer_of, judge_named

    with analysed_project(console, project, filters) as (session, member, wanted):
        judge_id = judge_named(session, member, *named)
        return judge_answer_of(session, member, judge_id, wanted, part, by)
