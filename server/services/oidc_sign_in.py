"""Signing in with a provider, in two requests: there, and back with its answer.

Nothing waits for the provider while it holds the database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from server.db import Database
from server.errors import FaultbookError
from server.models.base import stored_id, utc_now
from server.models.identity import SignInAttempt
from server.models.user import User
from server.oidc import flow
from server.oidc.persons import Person, person_of
from server.oidc.provider import Provider
from server.oidc.refusals import Refused
from server.queries import identities as queries
from server.queries import users
from server.services import accounts, identities, invitations
from server.services.accounts import SignedIn

ATTEMPT_LIFE = timedelta(minutes=10)
_LOST = (
    "This sign-in was begun in another browser, more than 10 minutes ago, or is finished already. "
    "Begin again."
)


@dataclass(frozen=True)
class Wish:
    """What somebody wants who is sent to the provider."""

    redirect_uri: str
    next_path: str = "/"
    browser: str = ""
    """The secret of their browser's cookie."""
    invitation: str = ""
    """The secret of the one-time link they follow."""
    user_id: int | None = None
    """The account they want linked; None where they sign in."""


@dataclass(frozen=True)
class Returned:
    """Somebody came back and is who they are."""

    next_path: str
    opened: SignedIn | None
    """The new session; None where an account was linked."""
    id_token: str


@dataclass(frozen=True)
class Browser:
    """What came with the request that brings the provider's answer."""

    secret: str
    session_secret: str
    user_agent: str


def begin(database: Database, provider: Provider, wish: Wish) -> str:
    """Return the address at the provider to go to.

    Raises:
        ProviderAway: It can't be reached.
        NotFound: The one-time link can't be used any more.
        Forbidden: The one-time link is none that a provider can help with.
    """
    provider.metadata()  # asked for, where it is not at hand, before the database is held
    with database.writing() as session:
        return begin_in(session, provider, wish)


def begin_in(session: Session, provider: Provider, wish: Wish) -> str:
    """Do the same in a session that is open; the provider's metadata should be at hand."""
    drawn = flow.fresh_secrets()
    url = flow.authorization_url(provider, drawn, wish.redirect_uri)
    _remember(session, provider, wish, drawn)
    return url


def _remember(session: Session, provider: Provider, wish: Wish, drawn: flow.Secrets) -> None:
    session.execute(queries.ended(utc_now()))
    next_path = wish.next_path
    if wish.invitation:
        link = identities.joinable(invitations.invitation(session, wish.invitation))
        project = invitations.project_of(session, link)
        next_path = next_path if project is None else f"/projects/{project.slug}"
    session.add(
        SignInAttempt(
            state_hash=accounts.hashed(drawn.state),
            browser_hash=accounts.hashed(wish.browser),
            issuer=provider.settings.oidc_issuer,
            nonce=drawn.nonce,
            verifier=drawn.verifier,
            redirect_uri=wish.redirect_uri,
            next_path=next_path,
            user_id=wish.user_id,
            invitation_hash=accounts.hashed(wish.invitation) if wish.invitation else "",
            expires_at=utc_now() + ATTEMPT_LIFE,
        )
    )


def finish(
    database: Database, provider: Provider, answer: Mapping[str, str], browser: Browser
) -> Returned:
    """Take the provider's answer in, once, and sign in or link whoever brought it.

    Raises:
        Refused: The answer belongs to no attempt of this browser, proves nothing, or the person
            may not come in.
        ProviderAway: The provider can't be reached.
        Conflict: The person or the account is linked otherwise.
    """
    attempt = _take(database, provider, answer.get("state", ""), browser.secret)
    try:
        return _finished(database, provider, answer, attempt, browser)
    except FaultbookError as error:
        error.detail["next"] = attempt.next_path  # the next try leads on to the same page
        raise


def _finished(
    database: Database,
    provider: Provider,
    answer: Mapping[str, str],
    attempt: SignInAttempt,
    browser: Browser,
) -> Returned:
    proven = flow.claims_of(provider, answer, attempt.nonce, attempt.verifier, attempt.redirect_uri)
    person = person_of(proven.claims, provider.settings)
    with database.writing() as session:
        if attempt.user_id is not None:
            user = _still_signed_in(session, attempt, browser)
            identities.link(session, user, person)
            return Returned(attempt.next_path, None, "")
        opened = _signed_in(session, provider, person, attempt, browser)
    return Returned(attempt.next_path, opened, proven.id_token)


def _take(database: Database, provider: Provider, state: str, browser: str) -> SignInAttempt:
    """Take an attempt away, so that no second answer to it counts."""
    with database.writing() as session:
        found = session.exec(queries.attempt(accounts.hashed(state))).first() if state else None
        if found is None or not browser or found.browser_hash != accounts.hashed(browser):
            raise Refused(_LOST)
        session.delete(found)
        session.flush()
    if found.expires_at <= utc_now() or found.issuer != provider.settings.oidc_issuer:
        raise Refused(_LOST)
    return found


def _signed_in(
    session: Session, provider: Provider, person: Person, attempt: SignInAttempt, browser: Browser
) -> SignedIn:
    statement = users.open_invitation(attempt.invitation_hash, utc_now())
    invitation = session.exec(statement).first() if attempt.invitation_hash else None
    user = identities.sign_in(session, person, provider.settings, invitation)
    accounts.sign_out(session, browser.session_secret)
    return accounts.open_session(session, user, user_agent=browser.user_agent)


def _still_signed_in(session: Session, attempt: SignInAttempt, browser: Browser) -> User:
    user = accounts.signed_in(session, browser.session_secret)
    if user is None or stored_id(user) != attempt.user_id:
        raise Refused("Somebody else is signed in here by now: sign in, and link again.")
    return user
