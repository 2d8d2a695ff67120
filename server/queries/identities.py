"""Statements over accounts at providers, and attempts to sign in."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.models.identity import Identity, SignInAttempt


def known_as(issuer: str, subject: str) -> SelectOfScalar[Identity]:
    """The identity of somebody at a provider."""
    return select(Identity).where(Identity.issuer == issuer, Identity.subject == subject)


def of_user(user_id: int) -> SelectOfScalar[Identity]:
    """A user's identities, the oldest first."""
    return select(Identity).where(Identity.user_id == user_id).order_by(col(Identity.id))


def attempt(state_hash: str) -> SelectOfScalar[SignInAttempt]:
    """The attempt with this state, for one taker only."""
    return select(SignInAttempt).where(SignInAttempt.state_hash == state_hash).with_for_update()


def ended(now: datetime) -> sa.Delete:
    """Forget attempts that took too long."""
    return sa.delete(SignInAttempt).where(col(SignInAttempt.expires_at) <= now)
