"""Accounts and who their holders are at a provider: signing in, linking, taking apart."""

from sqlmodel import Session

from server.errors import Conflict, Forbidden, NotFound
from server.models.base import stored_id, utc_now
from server.models.identity import Identity
from server.models.user import Invitation, InvitationKind, User
from server.oidc.persons import Person
from server.oidc.refusals import Refused
from server.oidc_settings import OidcSettings
from server.queries import identities as queries
from server.queries import users
from server.services import accounts, invitations


def sign_in(
    session: Session, person: Person, settings: OidcSettings, invitation: Invitation | None = None
) -> User:
    """Return the account of a person whom the provider proved; made or linked where that may be.

    Raises:
        Refused: They have no account and may not get one like this, or it is disabled.
    """
    identity = session.exec(queries.known_as(person.issuer, person.subject)).first()
    if identity is None:
        user = _by_address(session, person, settings) or _new(session, person, settings, invitation)
        identity = link(session, user, person)
    user = session.get_one(User, identity.user_id)
    if user.disabled_at is not None:
        raise Refused("This account is disabled. Ask an admin of this server.")
    _follow_claim(session, user, identity, person, settings)
    identity.email, identity.last_used_at = person.email, utc_now()
    session.add(identity)
    if invitation is not None:
        invitations.use(session, invitation, user)
    return user


def link(session: Session, user: User, person: Person) -> Identity:
    """Let a person sign in to an account from now on.

    Raises:
        Conflict: They are linked to another account, or the account to another person there.
    """
    known = session.exec(queries.known_as(person.issuer, person.subject)).first()
    if known is not None and known.user_id != user.id:
        raise Conflict("You are linked to another account of this server already.")
    if known is not None:
        return known
    theirs = session.exec(queries.of_user(stored_id(user)))
    if any(one.issuer == person.issuer for one in theirs):
        raise Conflict("This account is linked to somebody else there already: unlink that first.")
    identity = Identity(
        user_id=stored_id(user), issuer=person.issuer, subject=person.subject, email=person.email
    )
    session.add(identity)
    session.flush()
    return identity


def unlink(session: Session, user: User, identity_id: int, *, has_password_sign_in: bool) -> None:
    """Let a provider no longer sign a user in.

    Raises:
        NotFound: They have no such identity.
        Conflict: They could not sign in any more.
    """
    theirs = list(session.exec(queries.of_user(stored_id(user))))
    found = next((one for one in theirs if one.id == identity_id), None)
    if found is None:
        raise NotFound("This link is gone already.")
    if len(theirs) == 1 and not (user.password_hash and has_password_sign_in):
        raise Conflict("You could not sign in any more: this is the only way you have.")
    if found.made_admin:
        user.is_admin = False
        session.add(user)
    session.delete(found)


def _by_address(session: Session, person: Person, settings: OidcSettings) -> User | None:
    """Return the account that may be linked by its verified address.

    Raises:
        Refused: There is one, and only its holder may link it.
    """
    user = session.exec(users.by_email(person.email)).first() if person.email else None
    if user is None:
        return None
    theirs = session.exec(queries.of_user(stored_id(user)))
    is_taken = any(one.issuer == person.issuer for one in theirs)
    if settings.oidc_link_verified_email and person.is_email_verified and not is_taken:
        return user
    raise Refused(
        f"{person.email} has an account here that is not linked to {settings.oidc_name} as you "
        "are known there. Sign in as before and link it on your account page, or ask an admin."
    )


def _new(
    session: Session, person: Person, settings: OidcSettings, invitation: Invitation | None
) -> User:
    is_first = _is_setup(session, invitation)
    if invitation is None and not settings.oidc_create_accounts:
        raise Refused(
            f"{settings.oidc_name} knows you, but you have no account here. Ask a lead or an "
            "admin for a link to join by."
        )
    if not person.email or (invitation is None and not person.is_email_verified):
        raise Refused(
            f"{settings.oidc_name} vouches for no address of yours, and an account needs one."
        )
    return accounts.add_without_password(
        session, name=person.name, email=person.email, is_admin=is_first
    )


def _is_setup(session: Session, invitation: Invitation | None) -> bool:
    if invitation is None or invitation.kind is not InvitationKind.SETUP:
        return False
    if not accounts.needs_setup(session):
        raise NotFound("This server has accounts already: sign in, or ask an admin for a link.")
    return True


def _follow_claim(
    session: Session, user: User, identity: Identity, person: Person, settings: OidcSettings
) -> None:
    """Let the claim make an admin, and take away what it gave; what people gave stays."""
    if not settings.oidc_admin_claim:
        return
    if person.is_admin and not user.is_admin:
        user.is_admin = identity.made_admin = True
    elif identity.made_admin and not person.is_admin:
        user.is_admin = identity.made_admin = False
    session.add(user)


def joinable(invitation: Invitation) -> Invitation:
    """Return a one-time link that may be followed by way of a provider.

    Raises:
        Forbidden: It is for choosing a password, or signs in by itself.
    """
    if invitation.kind not in (InvitationKind.SETUP, InvitationKind.JOIN):
        raise Forbidden("This link is for one account, whatever a provider says: open it itself.")
    return invitation
