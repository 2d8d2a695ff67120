"""Accounts at OpenID Connect providers, and attempts to sign in with one."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from server.models.base import Row, UtcDateTime, table_args


class Identity(Row, table=True):
    """Who a user is at a provider. Issuer and subject name somebody; an address never does."""

    __table_args__ = table_args(sa.UniqueConstraint("issuer", "subject"))

    user_id: int = Field(foreign_key="user.id", index=True)
    issuer: str
    subject: str
    email: str = ""
    """As the provider told it last, to be shown."""
    made_admin: bool = False
    """Whether a claim made the user an admin, who then stays one only as long as it says so."""
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SignInAttempt(Row, table=True):
    """Somebody was sent to the provider; taken away by the first answer to it."""

    __table_args__ = table_args(sa.UniqueConstraint("state_hash"))

    state_hash: str
    browser_hash: str
    """Of the secret in the cookie of the browser that may bring the answer."""
    issuer: str
    nonce: str
    verifier: str
    redirect_uri: str
    next_path: str = "/"
    user_id: int | None = Field(default=None, foreign_key="user.id")
    """Whose account the identity is to be linked to; None where somebody signs in."""
    invitation_hash: str = ""
    """Of the one-time link that they follow."""
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
