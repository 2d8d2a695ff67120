"""`project …`: archiving a project, bringing it back, deleting it, copying its codebook."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.commands.console import Console, opened
from server.commands.projects import ProjectOption

if TYPE_CHECKING:
    from sqlmodel import Session

    from server.models.project import Member, Project


def archive(console: Console, project: ProjectOption) -> None:
    """Archive a project. Read-only and out of every list, until it is brought back."""
    from server.services import lifecycle

    slug = _decide(console, project, lifecycle.put_away)
    console.say(f"«{slug}» is archived. To bring it back: faultbook project unarchive -p {slug}")
    console.answer({"project": slug, "archived": True})


def unarchive(console: Console, project: ProjectOption) -> None:
    """Bring an archived project back."""
    from server.services import lifecycle

    slug = _decide(console, project, lifecycle.bring_back)
    console.say(f"«{slug}» is back.")
    console.answer({"project": slug, "archived": False})


def delete(
    console: Console,
    project: ProjectOption,
    confirm: Annotated[
        str, typer.Option(metavar="SLUG", help="The project's address again, to be sure.")
    ],
) -> None:
    """Delete an archived project with everything in it. Nothing takes this back."""
    from server.services import lifecycle

    def remove(session: "Session", member: "Member") -> None:
        lifecycle.delete(session, console.settings, member, confirmed=confirm)

    slug = _decide(console, project, remove)
    console.say(f"«{slug}» is deleted.")
    console.answer({"project": slug, "deleted": True})


def copy_codebook(
    console: Console,
    project: ProjectOption,
    name: Annotated[str, typer.Option(help="Name of the new project.")],
) -> None:
    """Begin a new project with the failure modes of this one. It has none of its traces."""
    from server.services import lifecycle, projects

    with opened(console) as database, database.writing() as session:
        member = projects.local_member(session, _find(session, project))
        slug = lifecycle.begin_with_codebook(session, member, name).slug
    console.say(f"«{slug}» begins with the codebook of «{projects.slug_of(project)}».")
    console.answer({"project": slug})


def _decide(console: Console, project: str, decide: "Callable[[Session, Member], Any]") -> str:
    from server.services import projects

    with opened(console) as database, database.writing() as session:
        found = _find(session, project)
        slug = found.slug
        decide(session, projects.local_member(session, found))
    return slug


def _find(session: "Session", project: str) -> "Project":
    from server.services import projects

    return projects.find(session, projects.slug_of(project))
