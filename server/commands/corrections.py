"""`outcomes`: outcomes set by hand, of one trace or of all that filters mean."""

from typing import Annotated, Any

import typer

from analysis.percentages import percents
from server.commands.analyses.population import FiltersOption
from server.commands.console import Console, opened
from server.commands.left_to_server import queue
from server.commands.projects import ProjectOption

_AS_IMPORTED = "as-imported"


def outcomes(
    console: Console,
    project: ProjectOption,
    trace: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Of these traces, by their ids.")
    ] = None,
    filters: FiltersOption = "{}",
    set_to: Annotated[
        str, typer.Option("--set", metavar="OUTCOME", help="What they get; or as-imported.")
    ] = "",
    reason: Annotated[str, typer.Option(help="Why, such as: grader error.")] = "",
    apply: Annotated[
        bool, typer.Option("--apply", help="Write it, as one decision that undo takes back.")
    ] = False,
) -> None:
    """Set outcomes by hand, or count those that are. What the file said stays beside them."""
    from server.queries.filters import Filters
    from server.services import corrections, projects, signals
    from server.services.corrections import Correction
    from server.views.corrections import corrected_counts

    wanted = _outcome(set_to)
    if not set_to and (apply or reason):
        raise typer.BadParameter("--apply and --reason go with --set.")
    named = {"trace": trace} if trace else {}
    among = Filters.parse({**Filters.parse(filters).to_json(), **named})
    with opened(console) as database, queue(console) as jobs, database.writing() as session:
        member = projects.local_member(session, projects.find(session, projects.slug_of(project)))
        if not set_to:
            counts = corrected_counts(session, member, among)
        else:
            act = corrections.correct_all if apply else corrections.effect
            found = act(session, member, among, Correction(wanted, reason))
            if apply:
                signals.request(session, jobs, member)
    if not set_to:
        _tell_counts(console, counts)
        return
    moves = [(before.value, after.value, n) for before, after, n in found.moves]
    console.table(("from", "to", "traces"), moves)
    done = "is set" if apply else "would be set; with --apply it is"
    console.say(f"The outcome of {found.changed:,} of {found.matching:,} traces {done}.")
    told = [{"from": before, "to": after, "traces": n} for before, after, n in moves]
    answer = {"matching": found.matching, "changed": found.changed, "moves": told}
    console.answer({**answer, "applied": apply})


def _outcome(set_to: str) -> Any:
    from server.models.trace import Outcome

    if set_to in ("", _AS_IMPORTED):
        return None
    if set_to not in {*Outcome}:
        known = ", ".join((*Outcome, _AS_IMPORTED))
        raise typer.BadParameter(f"--set {set_to}: expected one of {known}.")
    return Outcome(set_to)


def _tell_counts(console: Console, counts: dict[str, Any]) -> None:
    for key, name in (("by_model", "model"), ("by_task", "task")):
        rows = [
            (part["name"], part["corrected"], part["n"], percents(part["low"], part["high"], 1))
            for part in counts[key]
        ]
        if rows:
            console.table((name, "corrected", "of", "95 %"), rows)
    console.say(f"{counts['corrected']:,} outcomes are set by hand.")
    console.answer(counts)
