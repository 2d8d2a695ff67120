"""Making projects and finding who acts in them."""

import re

from sqlmodel import Session

from server.errors import Invalid, NotFound
from server.models.base import stored_id, utc_now
from server.models.batch import Round
from server.models.project import (
    LEAD,
    LOCAL_PEOPLE,
    Annotator,
    AnnotatorKind,
    Member,
    Project,
    Role,
)
from server.models.user import User
from server.queries import projects as queries
from server.queries import users as user_queries
from server.services import accounts

_SLUG = re.compile(r"[\W_]+")
_RESERVED_SLUGS = frozenset({"new"})


def slug_of(name: str) -> str:
    """Return the URL form of a project's name."""
    return _SLUG.sub("-", name.casefold()).strip("-")


def create(
    session: Session, name: str, *, description: str = "", leader: User | None = None
) -> Project:
    """Make a project with its first round, its local people, and a user as its lead.

    Raises:
        Invalid: The name is empty, or a project of that name exists.
    """
    slug = slug_of(name)
    if not slug or slug in _RESERVED_SLUGS:
        raise Invalid(f"«{name}» can't name a project: use at least one letter or digit.")
    if session.exec(queries.by_slug(slug)).first() is not None:
        raise Invalid(f"A project «{slug}» exists already: choose another name.")
    project = Project(name=name.strip(), slug=slug, description=description)
    session.add(project)
    session.flush()
    project_id = stored_id(project)
    session.add(Round(project_id=project_id, number=1, opened_at=utc_now()))
    session.add_all(
        Annotator(project_id=project_id, name=person, role=role)
        for person, role in LOCAL_PEOPLE.items()
    )
    if leader is not None:
        accounts.take_part(session, project_id, leader, Role.LEAD)
    session.flush()
    return project


def find(session: Session, slug: str) -> Project:
    """Return the project called `slug`.

    Raises:
        NotFound: There is none; the sentence lists those that exist.
    """
    project = session.exec(queries.by_slug(slug)).first()
    if project is None:
        known = ", ".join(p.slug for p in session.exec(queries.open_projects())) or "none yet"
        raise NotFound(f"There is no project «{slug}». Projects: {known}.")
    return project


def local_member(session: Session, project: Project, name: str = LEAD) -> Member:
    """Return who acts where nobody logs in: the local person of that name, else the lead."""
    people = {p.name: p for p in session.exec(queries.local_people(stored_id(project)))}
    annotator = people.get(name) or people.get(LEAD)
    if annotator is None:
        raise NotFound(f"Project «{project.slug}» has no local lead.")
    return Member(project=project, annotator=annotator)


def memberships(
    session: Session, user: User | None, *, local_name: str = LEAD, only: int | None = None
) -> list[Member]:
    """Return the open projects somebody takes part in, as a member of each, by name.

    Args:
        session: An open session.
        user: Who; None where nobody signs in.
        local_name: As which local person they act there.
        only: Leave out every project but the one with this id.
    """
    mine = queries.open_projects() if user is None else user_queries.projects_of(user)
    return [
        local_member(session, project, local_name)
        if user is None
        else accounts.member(session, project, user)
        for project in session.exec(mine)
        if only is None or project.id == only
    ]


def annotator(
    session: Session, project: Project, kind: AnnotatorKind, name: str, version: str = ""
) -> Annotator:
    """Return who judged under that name and version before it came here, made if they are new.

    They are a machine, or a person who acts no further: viewers without an account.
    """
    project_id = stored_id(project)
    found = session.exec(queries.without_account(project_id, name, version)).first()
    if found is None:
        found = Annotator(
            project_id=project_id, kind=kind, name=name, version=version, role=Role.VIEWER
        )
        session.add(found)
        session.flush()
    return found


def local_person(session: Session, annotator_id: int) -> Annotator:
    """Return a local person by id.

    Raises:
        NotFound: Nobody local has that id.
    """
    person = session.get(Annotator, annotator_id)
    if person is None or person.name not in LOCAL_PEOPLE or person.user_id is not None:
        raise NotFound(f"There is no local person {annotator_id}.")
    return person
