"""`retention`: delete old traces that nobody worked on, by the rule of each project."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands.console import Console, opened

if TYPE_CHECKING:
    from server.db import Database
    from server.models.project import Project


def retention(
    console: Console,
    project: Annotated[
        str, typer.Option("--project", "-p", help="Only this project; else all that have a rule.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go; delete nothing.")
    ] = False,
) -> None:
    """Delete old traces that nobody worked on. By the rules that leads have set."""
    from sqlmodel import Session

    from server.queries import retention as queries
    from server.services import projects

    def chosen(session: Session) -> list["Project"]:
        found = list(session.exec(queries.with_rule()).all())
        if not project:
            return found
        only = projects.find(session, projects.slug_of(project))
        return [each for each in found if each.id == only.id]

    with opened(console) as database:
        with database.reading() as session:
            ruled = chosen(session)
        told = [_apply(console, database, each, dry_run=dry_run) for each in ruled]
    if not told:
        console.say("No open project has a retention rule: Settings, Retention sets one.")
    console.answer({"dry_run": dry_run, "projects": told})


def _apply(
    console: Console, database: "Database", project: "Project", *, dry_run: bool
) -> dict[str, Any]:
    from server.models.base import stored_id
    from server.models.retention import retention_rule
    from server.models.run import AnalysisRun, RunKind
    from server.services import retention as service
    from server.services import runs
    from server.views.retention import expiring

    rule = retention_rule(project.settings)
    if rule is None:
        return {}
    with database.reading() as session:
        now = expiring(session, stored_id(project), rule)
    told: dict[str, Any] = {
        "project": project.slug,
        "days": rule.days,
        "live_only": rule.live_only,
        "older": now.older,
        "pinned": now.pinned,
    }
    if dry_run:
        console.say(
            f"{project.slug}: {now.going:,} traces would go; {now.pinned:,} of the {now.older:,} "
            f"that came in more than {rule.days} days ago stay."
        )
        return {**told, "would_delete": now.going}
    with database.writing() as session:
        run_id = stored_id(service.prepare(session, project))
    runs.perform(database, console.settings, {RunKind.RETENTION: service.perform}, run_id)
    with database.reading() as session:
        run = session.get_one(AnalysisRun, run_id)
    console.say(f"{project.slug}: {run.result.get('deleted', 0):,} traces deleted. {run.error}")
    return {**told, "deleted": run.result.get("deleted", 0), "error": run.error}
