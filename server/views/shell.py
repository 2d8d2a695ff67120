"""What surrounds every page: project, rail, who acts, what undo would take back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlmodel import Session

from server import __version__
from server.models.base import stored_id
from server.models.project import Member, Project
from server.models.user import User
from server.queries import events, projects, users
from server.views.facts import Facts


@dataclass(frozen=True)
class ShellProject:
    slug: str
    name: str
    read_only: bool
    is_archived: bool


@dataclass(frozen=True)
class ShellMember:
    id: int
    name: str
    role: str
    can_lead: bool
    can_annotate: bool


@dataclass(frozen=True)
class ShellAccount:
    name: str
    is_admin: bool


@dataclass(frozen=True)
class Shell:
    """The frame of a page; `counts` holds a number per section, None where none is shown."""

    project: ShellProject | None
    projects: tuple[ShellProject, ...]
    section: str
    counts: Mapping[str, int | None]
    member: ShellMember | None
    members: tuple[ShellMember, ...]
    """Whom somebody may act as; empty where people sign in."""
    account: ShellAccount | None
    undo_label: str | None
    redo_label: str | None
    version: str = __version__


def bare_shell(section: str) -> Shell:
    """The frame of a page for nobody in particular: signing in, or an error before that."""
    return Shell(None, (), section, {}, None, (), None, None, None)


def shell(
    session: Session,
    member: Member | None,
    section: str,
    user: User | None = None,
    facts: Facts | None = None,
    *,
    is_part: bool = False,
) -> Shell:
    """Build the frame of a page for a member of a project, or of a page outside projects.

    Args:
        session: An open session.
        member: Who acts in which project; None outside projects.
        section: The part of the rail that the page belongs to.
        user: Who is signed in; None on a server where nobody signs in.
        facts: What the rail's numbers are taken from; parts of a page do without them.
        is_part: Whether parts of a page are sent, which name no other projects and people.
    """
    frame = replace(
        bare_shell(section),
        projects=() if is_part else _projects(session, user),
        account=None if user is None else ShellAccount(user.name, user.is_admin),
    )
    if member is None:
        return frame
    of_member = {"project_id": member.project_id, "actor_id": member.id}
    undoable, redoable = session.execute(events.undo_and_redo(), of_member).one()
    # What stands last in an archived project is its archiving, which can be taken back.
    may_undo = member.project.is_open or member.project.is_archived
    return replace(
        frame,
        project=_project(member.project),
        counts=_counts(facts) if facts else {},
        member=_member(member),
        members=() if user or is_part else _local_people(session, member.project),
        undo_label=undoable if may_undo else None,
        redo_label=redoable if member.project.is_open else None,
    )


def _projects(session: Session, user: User | None) -> tuple[ShellProject, ...]:
    mine = projects.open_projects() if user is None else users.projects_of(user)
    return tuple(_project(found) for found in session.exec(mine))


def _local_people(session: Session, project: Project) -> tuple[ShellMember, ...]:
    return tuple(
        _member(Member(project=project, annotator=person))
        for person in session.exec(projects.local_people(stored_id(project)))
    )


def _counts(facts: Facts) -> dict[str, int | None]:
    return {
        "overview": None,
        "read": facts.unread,
        "traces": facts.trace_count,
        "groups": facts.ungrouped_notes if facts.member.role.can_lead else None,
        "modes": facts.mode_count,
        "labels": facts.traces_to_label,
        "agreement": None,
        "imports": None,
        "exports": None,
        "settings": None,
    }


def _project(project: Project) -> ShellProject:
    return ShellProject(
        slug=project.slug,
        name=project.name,
        read_only=project.read_only,
        is_archived=project.is_archived,
    )


def _member(member: Member) -> ShellMember:
    return ShellMember(
        id=stored_id(member.annotator),
        name=member.annotator.name,
        role=member.role,
        can_lead=member.may_lead,
        can_annotate=member.may_annotate,
    )
