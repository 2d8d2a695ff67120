"""Pages about accounts: signing in, one-time links, one's own account, all users."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from server.models.base import stored_id, utc_now
from server.models.project import Project, Role
from server.models.user import Invitation, InvitationKind, User
from server.queries import identities, projects, users

SCOPES = {
    "read": "read traces, notes, labels and results it may see",
    "annotate": "write notes, verdicts and labels as you",
    "lead": "import, change the codebook, make batches, as you",
    "ingest": "send traces in, and nothing else",
}


@dataclass(frozen=True)
class WaysIn:
    """How people may sign in."""

    password: bool = True
    provider: str = ""
    """What the provider is called; empty where there is none."""


@dataclass(frozen=True)
class SignInView:
    next: str
    email: str = ""
    error: str = ""
    ways: WaysIn = WaysIn()
    is_signed_out: bool = False
    """Whether they come from signing out here, and may want to at the provider, too."""


@dataclass(frozen=True)
class InvitationView:
    """A one-time link, and whether its reader is signed in already."""

    secret: str
    kind: InvitationKind
    email: str
    project: str
    role: Role | None
    signed_in_as: str
    ways: WaysIn


@dataclass(frozen=True)
class SessionRow:
    id: int
    user_agent: str
    since: datetime
    is_current: bool


@dataclass(frozen=True)
class TokenRow:
    id: int
    name: str
    scopes: tuple[str, ...]
    since: datetime


@dataclass(frozen=True)
class ScopeChoice:
    name: str
    meaning: str


@dataclass(frozen=True)
class IdentityRow:
    """Who somebody is at a provider."""

    id: int
    email: str
    issuer: str
    since: datetime


@dataclass(frozen=True)
class AccountView:
    name: str
    email: str
    is_admin: bool
    has_password: bool
    ways: WaysIn
    identities: tuple[IdentityRow, ...]
    can_link: bool
    link_url: str
    """Where to go on at the provider to link one's account there; shown once."""
    sessions: tuple[SessionRow, ...]
    tokens: tuple[TokenRow, ...]
    scopes: tuple[ScopeChoice, ...]
    new_secret: str
    """The secret of a token made just now; shown once."""


def invitation_page(
    session: Session, invitation: Invitation, secret: str, user: User | None, ways: WaysIn
) -> InvitationView:
    """Build the page of a one-time link."""
    project = session.get(Project, invitation.project_id) if invitation.project_id else None
    return InvitationView(
        secret=secret,
        kind=invitation.kind,
        email=invitation.email,
        project=project.name if project else "",
        role=invitation.role if project else None,
        signed_in_as=user.name if user else "",
        ways=ways,
    )


def account_page(
    session: Session,
    user: User,
    *,
    current_hash: str,
    ways: WaysIn,
    new_secret: str = "",
    link_url: str = "",
) -> AccountView:
    """Build the page of one's own account."""
    user_id = stored_id(user)
    known = session.exec(identities.of_user(user_id)).all()
    return AccountView(
        name=user.name,
        email=user.email,
        is_admin=user.is_admin,
        has_password=user.password_hash is not None,
        ways=ways,
        identities=tuple(
            IdentityRow(stored_id(one), one.email or one.subject, one.issuer, one.created_at)
            for one in known
        ),
        can_link=bool(ways.provider) and not known,
        link_url=link_url,
        sessions=tuple(
            SessionRow(
                id=stored_id(found),
                user_agent=found.user_agent,
                since=found.created_at,
                is_current=found.token_hash == current_hash,
            )
            for found in session.exec(users.live_sessions_of(user_id, utc_now()))
        ),
        tokens=tuple(
            TokenRow(stored_id(found), found.name, tuple(found.scopes), found.created_at)
            for found in session.exec(users.tokens_of(user_id))
        ),
        scopes=tuple(ScopeChoice(name, meaning) for name, meaning in SCOPES.items()),
        new_secret=new_secret,
    )


@dataclass(frozen=True)
class UserRow:
    id: int
    name: str
    email: str
    is_admin: bool
    is_disabled: bool
    projects: tuple[str, ...]


@dataclass(frozen=True)
class ProjectChoice:
    slug: str
    name: str
    takes_part: bool


@dataclass(frozen=True)
class AdminView:
    users: tuple[UserRow, ...]
    projects: tuple[ProjectChoice, ...]
    new_link: str
    """A reset link made just now; shown once."""
    new_link_for: str


def admin_page(
    session: Session, admin: User, *, new_link: str = "", new_link_for: str = ""
) -> AdminView:
    """Build the page of all users and projects."""
    mine = {project.slug for project in session.exec(users.projects_of(admin))}
    joined: dict[int | None, list[str]] = defaultdict(list)
    for user_id, project_name in session.exec(users.participations()):
        joined[user_id].append(project_name)
    return AdminView(
        users=tuple(
            UserRow(
                stored_id(user),
                user.name,
                user.email,
                user.is_admin,
                user.disabled_at is not None,
                tuple(joined[user.id]),
            )
            for user in session.exec(users.everybody())
        ),
        projects=tuple(
            ProjectChoice(project.slug, project.name, project.slug in mine)
            for project in session.exec(projects.open_projects())
        ),
        new_link=new_link,
        new_link_for=new_link_for,
    )


@dataclass(frozen=True)
class MemberRow:
    id: int
    name: str
    email: str
    role: Role
    is_self: bool


@dataclass(frozen=True)
class OpenInvitation:
    id: int
    email: str
    role: Role
    expires_at: datetime


@dataclass(frozen=True)
class MembersView:
    members: tuple[MemberRow, ...]
    invitations: tuple[OpenInvitation, ...]
    roles: tuple[Role, ...]
    new_link: str


def members_page(
    session: Session, project: Project, user: User | None, *, new_link: str = ""
) -> MembersView:
    """Build the page of who takes part in a project."""
    project_id = stored_id(project)
    rows = session.exec(users.members(project_id)).all()
    open_links = users.open_invitations(InvitationKind.JOIN, utc_now(), project_id=project_id)
    return MembersView(
        members=tuple(
            MemberRow(stored_id(person), account.name, account.email, person.role, account == user)
            for person, account in rows
        ),
        invitations=tuple(
            OpenInvitation(stored_id(link), link.email, link.role, link.expires_at)
            for link in session.exec(open_links)
        ),
        roles=tuple(Role),
        new_link=new_link,
    )
