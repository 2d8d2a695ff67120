"""Who sends a request: a signed-in user, the holder of an API token, or the local person."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from server.db import SessionDep
from server.errors import Forbidden, SignedOut
from server.models.project import Member
from server.models.user import ApiToken, User
from server.request_log import acts_as
from server.routes.acting import acting_name
from server.routes.rate_limits import rate_limits
from server.services import accounts, projects, tokens
from server.services.tokens import Scope

SESSION_COOKIE = "faultbook_session"
_BEARER = "bearer "


@dataclass(frozen=True)
class Principal:
    """Whoever acts; `user` is None on a server where nobody signs in."""

    user: User | None
    token: ApiToken | None = None
    local_name: str = ""

    def may(self, scope: Scope) -> bool:
        """Whether what they showed allows this; a browser session allows all that roles do."""
        return self.token is None or scope.value in self.token.scopes

    def member_in(self, session: SessionDep, slug: str) -> Member:
        """Return them as a member of the project called `slug`.

        Raises:
            NotFound: They are no member, their token is for another project, or there is no such
                project; users can't tell which.
        """
        if self.user is None:
            return projects.local_member(session, projects.find(session, slug), self.local_name)
        member = accounts.member_in(session, slug, self.user)
        if self.token is not None and self.token.project_id not in (None, member.project_id):
            raise accounts.no_membership(slug)
        return member


def principal(request: Request, session: SessionDep) -> Principal:
    """Find out who sends the request.

    Raises:
        SignedOut: Nobody is signed in, or the token or session no longer counts.
        TooMany: This client showed too many tokens that don't count.
    """
    found = _principal(request, session)
    acts_as(request.scope, found.user.id if found.user else None)
    return found


def _principal(request: Request, session: SessionDep) -> Principal:
    header = request.headers.get("authorization", "")
    if header.lower().startswith(_BEARER):
        return _token_holder(request, session, header[len(_BEARER) :].strip())
    if request.app.state.settings.no_login:
        return Principal(user=None, local_name=acting_name(request))
    user = accounts.signed_in(session, request.cookies.get(SESSION_COOKIE, ""))
    if user is None:
        raise SignedOut("Sign in to go on. What you saved is safe.")
    return Principal(user=user)


def _token_holder(request: Request, session: SessionDep, secret: str) -> Principal:
    found = tokens.holder(session, secret)
    if found is None:
        rate_limits(request).wrong_token(request)
        raise SignedOut("This API token is unknown, revoked or expired.")
    token, user = found
    return Principal(user=user, token=token)


PrincipalDep = Annotated[Principal, Depends(principal)]


def maker(who: PrincipalDep) -> Principal:
    """Let through who may make projects.

    Raises:
        Forbidden: Their token lacks the scope, or is for one project.
    """
    if not who.may(Scope.LEAD):
        raise Forbidden("This token may not make projects: its scopes lack «lead».")
    if who.token is not None and who.token.project_id is not None:
        raise Forbidden("This token is for one project: it can't make others.")
    return who


Maker = Annotated[Principal, Depends(maker)]
