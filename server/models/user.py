"""People and how they prove who they are. Only hashes of secrets are stored."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field

from server.models.base import Json, Row, UtcDateTime, enum_type, table_args
from server.models.project import Member, Role


class User(Row, table=True):
    __table_args__ = table_args(sa.UniqueConstraint("email"))

    email: str
    name: str
    password_hash: str | None = None
    is_admin: bool = False
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class UserSession(Row, table=True):
    __table_args__ = table_args(sa.UniqueConstraint("token_hash"))

    user_id: int = Field(foreign_key="user.id", index=True)
    token_hash: str
    expires_at: datetime = Field(sa_type=UtcDateTime)
    last_seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    user_agent: str = ""


class ApiToken(Row, table=True):
    __table_args__ = table_args(sa.UniqueConstraint("token_hash"))

    user_id: int = Field(foreign_key="user.id", index=True)
    project_id: int | None = Field(default=None, foreign_key="project.id")
    name: str
    token_hash: str
    scopes: list[str] = Field(default_factory=list, sa_type=Json)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class InvitationKind(StrEnum):
    """What a one-time link lets its holder do."""

    SETUP = "setup"
    """Become the first admin of a new server."""
    JOIN = "join"
    """Make an account (or use one's own) and join a project."""
    RESET = "reset"
    """Choose a new password."""
    SIGN_IN = "sign_in"
    """Sign in once, made by whoever runs the server: for when the provider is away."""


class Invitation(Row, table=True):
    """A one-time link. Only the hash of its token is stored."""

    __table_args__ = table_args(sa.UniqueConstraint("token_hash"))

    kind: InvitationKind = Field(default=InvitationKind.JOIN, sa_type=enum_type(InvitationKind))
    user_id: int | None = Field(default=None, foreign_key="user.id")
    """Whose password a reset link changes."""
    project_id: int | None = Field(default=None, foreign_key="project.id")
    role: Role = Field(default=Role.ANNOTATOR, sa_type=enum_type(Role))
    email: str = ""
    token_hash: str
    created_by: int | None = Field(default=None, foreign_key="user.id")
    expires_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    accepted_by: int | None = Field(default=None, foreign_key="user.id")
    accepted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Webhook(Row, table=True):
    project_id: int = Field(foreign_key="project.id", index=True)
    url: str
    secret: str
    """Kept as it is: deliveries are signed with it. No page, API or archive gives it out again."""
    events: list[str] = Field(default_factory=list, sa_type=Json)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failures: int = 0
    """Failed tries in a row."""


def can_destroy(member: Member, user: User | None) -> bool:
    """Whether somebody may delete for good: an admin, or the local lead where nobody signs in."""
    return member.role.can_lead if user is None else user.is_admin
