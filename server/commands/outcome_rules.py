"""`outcome-rules`: what outcomes follow from, and what that changes."""

from typing import Annotated, Any

import typer

from server.commands.console import Console, opened
from server.commands.left_to_server import queue
from server.commands.projects import ProjectOption


def outcome_rules(
    console: Console,
    project: ProjectOption,
    rule: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE", help="SUBJECT TEST [VALUE]: OUTCOME, in order; replaces all rules."
        ),
    ] = None,
    no_rules: Annotated[bool, typer.Option("--no-rules", help="Take all rules out.")] = False,
    rules_win: Annotated[
        bool | None,
        typer.Option(
            "--rules-win/--file-wins",
            help="Whether rules decide where the file says an outcome, too.",
        ),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write what they make of every trace.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count; keep nothing.")] = False,
) -> None:
    """Show or replace outcome rules, and count what they change."""
    from server.importers.outcome_rules import RuleSet, as_json, parse
    from server.services import outcome_rules as service
    from server.services import projects, signals

    if no_rules and rule:
        raise typer.BadParameter("Either --rule or --no-rules.")
    with opened(console) as database, queue(console) as jobs, database.writing() as session:
        member = projects.local_member(session, projects.find(session, projects.slug_of(project)))
        known = service.rules_of(member)
        rules = tuple(parse(text) for text in rule) if rule else () if no_rules else known.rules
        wanted = RuleSet(rules, known.rules_win if rules_win is None else rules_win)
        if apply and not dry_run:
            effect = service.apply(session, member, wanted)
            signals.request(session, jobs, member)
        else:
            effect = service.effect(session, member.project_id, wanted)
            if not dry_run:
                service.change(session, member, wanted)
    _tell(console, wanted.rules, effect.as_json(), applied=apply and not dry_run)
    console.answer(
        {
            "rules": [as_json(rule) for rule in wanted.rules],
            "rules_win": wanted.rules_win,
            "applied": apply and not dry_run,
            **effect.as_json(),
        }
    )


def _tell(console: Console, rules: Any, effect: dict[str, Any], *, applied: bool) -> None:
    decided = zip(rules, effect["decided"], strict=True)
    rows = [(number, rule.written, traces) for number, (rule, traces) in enumerate(decided, 1)]
    console.table(("", "rule", "decides"), rows)
    moves = [(move["from"], move["to"], move["traces"]) for move in effect["moves"]]
    if moves:
        console.table(("from", "to", "traces"), moves)
    done = "changed" if applied else "would change"
    console.say(f"The outcome of {effect['changed']:,} of {effect['traces']:,} traces {done}.")
    if not applied and effect["changed"]:
        console.say("With --apply they do, as one decision that undo takes back.")
