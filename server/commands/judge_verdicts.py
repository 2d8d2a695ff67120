"""`import-judge`: a judge's verdicts brought back, to be compared with people's."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands.console import Console, opened
from server.commands.projects import ProjectOption

if TYPE_CHECKING:
    from server.services.judge_verdicts import Asked, Kept

_REFUSED_SHOWN = 20


def import_judge(
    console: Console,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="CSV, JSON lines, Parquet, an Inspect log, promptfoo results, or scores.",
        ),
    ],
    project: ProjectOption,
    judge: Annotated[str, typer.Option(help="The judge's name, where the file has none.")] = "",
    judge_version: Annotated[str, typer.Option(help="Its version.")] = "",
    mode: Annotated[
        str, typer.Option(help="The failure mode they are about, or «trace» for the whole trace.")
    ] = "",
    score: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Take only scores of this name.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Numbers from here on pass; else only 1 and 0 are read.")
    ] = None,
    higher_is_worse: Annotated[
        bool, typer.Option("--higher-is-worse", help="1, true and high numbers mean that it fails.")
    ] = False,
    prompt: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The judge's prompt; its hash is kept."),
    ] = None,
) -> None:
    """Bring back a judge's verdicts. Pass or fail of traces or of one failure mode."""
    from server.importers.judges.said import Rules
    from server.services.judge_verdicts import Asked

    asked = Asked(
        judge=judge,
        version=judge_version,
        mode=mode,
        scores=tuple(score or ()),
        prompt_hash=hashlib.sha256(prompt.read_bytes()).hexdigest() if prompt else "",
        rules=Rules(threshold, higher_is_worse),
    )
    _keep(console, project, file, asked)


def _keep(console: Console, project: str, file: Path, asked: "Asked") -> None:
    from server.importers.base import Source
    from server.importers.judges.reading import read_judge_verdicts
    from server.services import imports, judge_verdicts, projects

    bounds = imports.options_from(console.settings, format_name="", mapping={}, dimensions=())
    with opened(console) as database, database.writing() as session:
        member = projects.local_member(session, projects.find(session, projects.slug_of(project)))
        found = read_judge_verdicts(Source(file), bounds)
        kept = judge_verdicts.keep(session, member, found, asked, file=file.name)
        told = kept.as_json()
    _tell(console, kept)
    console.answer(told)
    if kept.refused and not (kept.created or kept.changed or kept.unchanged):
        raise typer.Exit(1)


def _tell(console: Console, kept: "Kept") -> None:
    console.say(kept.sentence())
    for one in kept.refused[:_REFUSED_SHOWN]:
        where = f"line {one.line:,}" + (f", {one.field}" if one.field else "")
        console.say(f"Refused, {where}: {one.reason}.")
    if len(kept.refused) > _REFUSED_SHOWN:
        console.say(f"{len(kept.refused) - _REFUSED_SHOWN:,} more refused: --json lists all.")
