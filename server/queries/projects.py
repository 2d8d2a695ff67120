"""Statements over projects and their annotators."""

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.models.event import Event
from server.models.project import LOCAL_PEOPLE, Annotator, AnnotatorKind, Project


def by_slug(slug: str) -> SelectOfScalar[Project]:
    """The project behind a URL or `--project`."""
    return select(Project).where(Project.slug == slug)


def every() -> SelectOfScalar[Project]:
    """All projects, archived ones too."""
    return select(Project).order_by(col(Project.id))


def open_projects() -> SelectOfScalar[Project]:
    """Every project that is not archived, by name."""
    return select(Project).where(col(Project.archived_at).is_(None)).order_by(col(Project.name))


def archived_projects() -> SelectOfScalar[Project]:
    """Every project that was put away, by name."""
    return select(Project).where(col(Project.archived_at).is_not(None)).order_by(col(Project.name))


def annotators(project_id: int) -> SelectOfScalar[Annotator]:
    """Everybody who judges in a project, people first."""
    return (
        select(Annotator)
        .where(Annotator.project_id == project_id)
        .order_by(col(Annotator.kind), col(Annotator.id))
    )


def taking_part() -> sa.ColumnElement[bool]:
    """Whether an annotator is to be listed.

    The local people who never decided anything are not, once people with accounts are there.
    """
    account, decided = aliased(Annotator), aliased(Event)
    others = sa.exists().where(
        col(account.project_id) == col(Annotator.project_id), col(account.user_id).is_not(None)
    )
    acted = sa.exists().where(
        col(decided.project_id) == col(Annotator.project_id),
        col(decided.actor_id) == col(Annotator.id),
    )
    is_local = sa.and_(
        col(Annotator.user_id).is_(None),
        col(Annotator.kind) == AnnotatorKind.HUMAN,
        col(Annotator.name).in_(LOCAL_PEOPLE),
    )
    return sa.not_(sa.and_(is_local, others, sa.not_(acted)))


def without_account(project_id: int, name: str, version: str = "") -> SelectOfScalar[Annotator]:
    """Whoever judges under a name and version without an account: a machine, or a person."""
    return select(Annotator).where(
        Annotator.project_id == project_id,
        Annotator.name == name,
        Annotator.version == version,
        col(Annotator.user_id).is_(None),
    )


def people(project_id: int) -> SelectOfScalar[Annotator]:
    """The human annotators of a project."""
    return annotators(project_id).where(Annotator.kind == AnnotatorKind.HUMAN)


def local_people(project_id: int) -> SelectOfScalar[Annotator]:
    """Whom somebody at a server without login can act as."""
    return people(project_id).where(
        col(Annotator.user_id).is_(None), col(Annotator.name).in_(LOCAL_PEOPLE)
    )
