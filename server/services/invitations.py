"""One-time links: the first admin, joining a project, choosing a new password.

A server sends no mail: who makes a link hands it over. Its secret is stored only as a hash.
"""

import secrets
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from server.errors import Forbidden, NotFound
from server.models.base import stored_id, utc_now
from server.models.project import Project, Role
from server.models.user import Invitation, InvitationKind, User
from server.queries import users as queries
from server.services import accounts

LINK_LIFE = {
    InvitationKind.SETUP: timedelta(days=1),
    InvitationKind.JOIN: timedelta(days=14),
    InvitationKind.RESET: timedelta(days=1),
    InvitationKind.SIGN_IN: timedelta(hours=1),
}


def setup_secret(session: Session) -> str:
    """Make the one-time secret that creates the first admin; earlier ones stop working."""
    for earlier in session.exec(queries.open_invitations(InvitationKind.SETUP, utc_now())):
        earlier.revoked_at = utc_now()
        session.add(earlier)
    return _link(session, InvitationKind.SETUP)


def invite(session: Session, by: User, project: Project, role: Role, *, email: str = "") -> str:
    """Make the secret of a link with which somebody joins a project."""
    return _link(
        session,
        InvitationKind.JOIN,
        created_by=stored_id(by),
        project_id=stored_id(project),
        role=role,
        email=email.strip().lower(),
    )


def reset_secret(session: Session, by: User, user: User) -> str:
    """Make the secret of a link with which a user chooses a new password.

    Raises:
        Forbidden: Only admins may.
    """
    if not by.is_admin:
        raise Forbidden("Only an admin may make a reset link.")
    return password_secret(session, user, by=by)


def password_secret(session: Session, user: User, *, by: User | None = None) -> str:
    """Make such a secret for whoever runs the server itself, or on behalf of an admin."""
    return _link(
        session,
        InvitationKind.RESET,
        created_by=None if by is None else stored_id(by),
        user_id=stored_id(user),
        email=user.email,
    )


def sign_in_secret(session: Session, user: User) -> str:
    """Make the secret of a link that signs a user in once, for whoever runs the server itself.

    Raises:
        Forbidden: The account is disabled.
    """
    if user.disabled_at is not None:
        raise Forbidden(f"The account of {user.email} is disabled.")
    return _link(session, InvitationKind.SIGN_IN, user_id=stored_id(user), email=user.email)


def _link(session: Session, kind: InvitationKind, **fields: Any) -> str:
    secret = secrets.token_urlsafe(32)
    expires_at = utc_now() + LINK_LIFE[kind]
    session.add(
        Invitation(kind=kind, token_hash=accounts.hashed(secret), expires_at=expires_at, **fields)
    )
    session.flush()
    return secret


def invitation(session: Session, secret: str) -> Invitation:
    """Return the one-time link of a secret.

    Raises:
        NotFound: It was used, revoked, has expired, or never existed; or it makes the first
            admin of a server that has accounts by now.
    """
    found = session.exec(queries.open_invitation(accounts.hashed(secret), utc_now())).first()
    if found is None:
        raise NotFound("This link was used already or has expired. Ask for a new one.")
    if found.kind is InvitationKind.SETUP and not accounts.needs_setup(session):
        raise NotFound("This server has accounts already: sign in, or ask an admin for a link.")
    return found


def project_of(session: Session, link: Invitation) -> Project | None:
    """Return the project that a link leads to, if to any."""
    return None if link.project_id is None else session.get_one(Project, link.project_id)


def accept(session: Session, secret: str, *, name: str, email: str, password: str) -> User:
    """Use a link: become admin, make an account and join, choose a new password, or sign in.

    Raises:
        NotFound: The link can't be used any more.
        Forbidden: It signs in to an account that is disabled by now.
        Invalid: The name, address or password does not do, or the address has an account.
    """
    link = invitation(session, secret)
    if link.kind is InvitationKind.SIGN_IN:
        user = session.get_one(User, link.user_id)
        if user.disabled_at is not None:
            raise Forbidden("This account is disabled. Ask an admin of this server.")
    elif link.kind is InvitationKind.RESET:
        user = session.get_one(User, link.user_id)
        user.password_hash = accounts.hashed_password(password)
        accounts.revoke_everywhere(session, user)
    else:
        user = accounts.new_user(session, name=name, email=email, password=password)
        user.is_admin = link.kind is InvitationKind.SETUP
    session.add(user)
    session.flush()
    use(session, link, user)
    return user


def join(session: Session, secret: str, user: User) -> Project:
    """Use a link to a project with the account one has.

    Raises:
        NotFound: The link can't be used any more, or is no link to a project.
    """
    link = invitation(session, secret)
    if link.kind is not InvitationKind.JOIN or link.project_id is None:
        raise NotFound("This link leads to no project.")
    use(session, link, user)
    return session.get_one(Project, link.project_id)


def use(session: Session, link: Invitation, user: User) -> None:
    """Mark a link as used by somebody, who joins the project it leads to."""
    link.accepted_by, link.accepted_at = stored_id(user), utc_now()
    session.add(link)
    if link.project_id is not None:
        accounts.take_part(session, link.project_id, user, link.role)


def revoke(session: Session, project: Project, invitation_id: int) -> None:
    """Let a link to a project no longer work.

    Raises:
        NotFound: The project has no such open link.
    """
    link = session.get(Invitation, invitation_id)
    if link is None or link.project_id != project.id or link.accepted_at or link.revoked_at:
        raise NotFound("This link was used or revoked already.")
    link.revoked_at = utc_now()
    session.add(link)
