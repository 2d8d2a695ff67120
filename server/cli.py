"""The command `faultbook`: its subcommands and the options that all of them take."""

from typing import Annotated

import typer

from server import __version__
from server.commands import (
    corrections,
    exporting,
    importing,
    judge_labels,
    judge_verdicts,
    label_imports,
    lifecycle,
    outcome_rules,
    probes,
    projects,
    reporting,
    retention,
    serving,
    signals,
    splits,
    surface_views,
    upkeep,
    users,
)
from server.commands.analyses import (
    agreement,
    cluster,
    cohorts,
    compression,
    diagnose,
    fft,
    fingerprint,
    hazard,
    join,
    judge,
    prevalence,
    saturation,
    surface,
    uncertainty,
)
from server.commands.console import DatabaseOption, DataOption, GlobalOptions, JsonOption, command

app = typer.Typer(
    help="Find out how an LLM system fails: read traces, write notes, group them into failure "
    "modes, label, export.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"faultbook {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    data: DataOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version."
        ),
    ] = False,
) -> None:
    """Take the options that may stand before the subcommand as well as behind it."""
    context.obj = GlobalOptions(data=data, database=database, as_json=as_json)


command(app, "demo")(serving.demo)
command(app, "serve")(serving.serve)
command(app, "worker")(serving.worker)
command(app, "import")(importing.import_files)
command(app, "export")(exporting.export)
command(app, "report")(reporting.report)
command(app, "import-labels")(label_imports.import_labels)
command(app, "signals")(signals.signals)
command(app, "retention")(retention.retention)
command(app, "splits")(splits.splits)
project_app = typer.Typer(
    help="Archive, bring back, delete or copy a project.", no_args_is_help=True
)
app.add_typer(project_app, name="project")
command(project_app, "archive")(lifecycle.archive)
command(project_app, "unarchive")(lifecycle.unarchive)
command(project_app, "delete")(lifecycle.delete)
command(project_app, "copy-codebook")(lifecycle.copy_codebook)
user_app = typer.Typer(help="Accounts and API tokens.", no_args_is_help=True)
app.add_typer(user_app, name="user")
command(user_app, "add")(users.add)
command(user_app, "list")(users.show)
command(user_app, "reset")(users.reset)
command(user_app, "sign-in-link")(users.sign_in_link)
command(user_app, "token")(users.token)
analyze_app = typer.Typer(
    help="Analyse a project, or a table without any project.", no_args_is_help=True
)
app.add_typer(analyze_app, name="analyze")
command(analyze_app, "agreement")(agreement.agreement)
command(analyze_app, "cluster")(cluster.cluster)
command(analyze_app, "cohorts")(cohorts.cohorts)
command(analyze_app, "compression")(compression.compression)
command(analyze_app, "diagnose")(diagnose.diagnose)
command(analyze_app, "fft")(fft.fft)
command(analyze_app, "fingerprint")(fingerprint.fingerprint)
command(analyze_app, "spiderweb")(fingerprint.fingerprint)
command(analyze_app, "hazard")(hazard.hazard)
command(analyze_app, "join")(join.join)
command(analyze_app, "judge")(judge.judge)
command(analyze_app, "prevalence")(prevalence.prevalence)
command(analyze_app, "saturation")(saturation.saturation)
command(analyze_app, "surface")(surface.surface)
command(analyze_app, "uncertainty")(uncertainty.uncertainty)
views_app = typer.Typer(
    help="Views: the two dimensions over which surfaces are drawn.", no_args_is_help=True
)
app.add_typer(views_app, name="views")
command(views_app, "list")(surface_views.show)
command(views_app, "import")(surface_views.bring_in)
command(views_app, "export")(surface_views.write_out)
command(app, "evals")(projects.evals)
command(app, "tasks")(projects.tasks)
command(app, "outcome-rules")(outcome_rules.outcome_rules)
command(app, "outcomes")(corrections.outcomes)
command(app, "import-judge")(judge_verdicts.import_judge)
command(app, "judge-labels")(judge_labels.judge_labels)
command(app, "probe")(probes.probe)
command(app, "migrate")(upkeep.migrate)
command(app, "doctor")(upkeep.doctor)
command(app, "backup")(upkeep.backup)
command(app, "restore")(upkeep.restore)
