"""Statements over users, their sessions and tokens, and one-time links."""

from datetime import datetime
from functools import cache, lru_cache

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from server.models.project import Annotator, Project
from server.models.user import ApiToken, Invitation, InvitationKind, User, UserSession


def by_email(email: str) -> SelectOfScalar[User]:
    """The user with this address; addresses are stored in lower case."""
    return select(User).where(User.email == email.strip().lower())


def everybody() -> SelectOfScalar[User]:
    """All users, by name."""
    return select(User).order_by(col(User.name), col(User.id))


def count() -> SelectOfScalar[int]:
    """How many users there are."""
    return select(sa.func.count(col(User.id)))


def live_session(token_hash: str, now: datetime) -> SelectOfScalar[UserSession]:
    """The session of a cookie, unless it expired or was revoked, or its user is disabled."""
    return (
        select(UserSession)
        .join(User, col(User.id) == col(UserSession.user_id))
        .where(
            UserSession.token_hash == token_hash,
            UserSession.expires_at > now,
            col(UserSession.revoked_at).is_(None),
            col(User.disabled_at).is_(None),
        )
    )


@cache
def signed_in() -> SelectOfScalar[User]:
    """Whose live session `secret_hash` is `now`; made once, for every page asks."""
    return (
        select(User)
        .join(UserSession, col(UserSession.user_id) == col(User.id))
        .where(
            col(UserSession.token_hash) == sa.bindparam("secret_hash"),
            col(UserSession.expires_at) > sa.bindparam("now"),
            col(UserSession.revoked_at).is_(None),
            col(User.disabled_at).is_(None),
        )
    )


def live_sessions_of(user_id: int, now: datetime) -> SelectOfScalar[UserSession]:
    """Where a user is signed in, the latest first."""
    return (
        select(UserSession)
        .where(
            UserSession.user_id == user_id,
            UserSession.expires_at > now,
            col(UserSession.revoked_at).is_(None),
        )
        .order_by(col(UserSession.id).desc())
    )


@cache
def live_token() -> Select[ApiToken, User]:
    """The API token behind `secret_hash` with its user, unless it ended before `now`.

    Tokens end by their date, by being revoked, and with their user. Every request of a script
    asks, so the statement is made once.
    """
    return (
        select(ApiToken, User)
        .join(User, col(User.id) == col(ApiToken.user_id))
        .where(
            col(ApiToken.token_hash) == sa.bindparam("secret_hash"),
            sa.or_(
                col(ApiToken.expires_at).is_(None), col(ApiToken.expires_at) > sa.bindparam("now")
            ),
            col(ApiToken.revoked_at).is_(None),
            col(User.disabled_at).is_(None),
        )
    )


def tokens_of(user_id: int) -> SelectOfScalar[ApiToken]:
    """The tokens a user made and did not revoke."""
    return (
        select(ApiToken)
        .where(ApiToken.user_id == user_id, col(ApiToken.revoked_at).is_(None))
        .order_by(col(ApiToken.id).desc())
    )


def open_invitation(token_hash: str, now: datetime) -> SelectOfScalar[Invitation]:
    """The one-time link of a token, if it can still be used; held, so that nobody else does."""
    return (
        select(Invitation)
        .where(
            Invitation.token_hash == token_hash,
            Invitation.expires_at > now,
            col(Invitation.accepted_at).is_(None),
            col(Invitation.revoked_at).is_(None),
        )
        .with_for_update()
    )


def open_invitations(
    kind: InvitationKind, now: datetime, *, project_id: int | None = None
) -> SelectOfScalar[Invitation]:
    """One-time links of a kind that can still be used."""
    statement = select(Invitation).where(
        Invitation.kind == kind,
        Invitation.expires_at > now,
        col(Invitation.accepted_at).is_(None),
        col(Invitation.revoked_at).is_(None),
    )
    if project_id is not None:
        statement = statement.where(Invitation.project_id == project_id)
    return statement.order_by(col(Invitation.id).desc())


def membership(project_id: int, user_id: int) -> SelectOfScalar[Annotator]:
    """How a user takes part in a project."""
    return select(Annotator).where(Annotator.project_id == project_id, Annotator.user_id == user_id)


@cache
def taking_part() -> Select[Project, Annotator]:
    """The project called `slug` with the part that the user `user_id` takes in it; made once."""
    return (
        select(Project, Annotator)
        .join(Annotator, col(Annotator.project_id) == col(Project.id))
        .where(
            col(Project.slug) == sa.bindparam("slug"),
            col(Annotator.user_id) == sa.bindparam("user_id"),
        )
    )


def projects_of(user: User) -> SelectOfScalar[Project]:
    """Open projects a user takes part in, by name."""
    return _projects_of(user.id)


@lru_cache(maxsize=256)
def _projects_of(user_id: int | None) -> SelectOfScalar[Project]:
    mine = select(Annotator.project_id).where(Annotator.user_id == user_id)
    return (
        select(Project)
        .where(col(Project.archived_at).is_(None), col(Project.id).in_(mine))
        .order_by(col(Project.name))
    )


def participations() -> Select[int | None, str]:
    """User and name of each open project they take part in, by name."""
    return (
        select(col(Annotator.user_id), Project.name)
        .join(Project, col(Project.id) == col(Annotator.project_id))
        .where(col(Annotator.user_id).is_not(None), col(Project.archived_at).is_(None))
        .order_by(col(Project.name))
    )


def archived_projects_of(user: User) -> SelectOfScalar[Project]:
    """Projects a user takes part in that were put away, by name."""
    mine = select(Annotator.project_id).where(Annotator.user_id == user.id)
    return (
        select(Project)
        .where(col(Project.archived_at).is_not(None), col(Project.id).in_(mine))
        .order_by(col(Project.name))
    )


def members(project_id: int) -> Select[Annotator, User]:
    """Who takes part in a project, with their accounts, by name."""
    return (
        select(Annotator, User)
        .join(User, col(User.id) == col(Annotator.user_id))
        .where(Annotator.project_id == project_id, col(User.disabled_at).is_(None))
        .order_by(col(User.name), col(User.id))
    )
