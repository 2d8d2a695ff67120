"""Signing in and out, one-time links, and one's own account."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from server.db import SessionDep
from server.errors import FaultbookError, SignedOut
from server.models.user import InvitationKind, User
from server.routes.navigation import go_to, own_path
from server.routes.principal import SESSION_COOKIE, PrincipalDep
from server.routes.rate_limits import RateLimits, rate_limits
from server.routes.screen import show_page
from server.routes.signing_in import check_passwords, show_bare, ways_in, with_session
from server.services import accounts, invitations, tokens
from server.services.tokens import Scope
from server.views.account import SignInView, account_page, invitation_page
from server.views.shell import shell

router = APIRouter(tags=["account"])
Limits = Annotated[RateLimits, Depends(rate_limits)]


def account_holder(who: PrincipalDep) -> User:
    """The signed-in user, in a browser: tokens may not touch accounts."""
    if who.user is None or who.token is not None:
        raise SignedOut("Sign in with your password to do this.")
    return who.user


AccountHolder = Annotated[User, Depends(account_holder)]


@router.get("/sign-in")
def show_sign_in(
    request: Request,
    next: str = "/",  # the URL's word
    signed_out: bool = False,
) -> Response:
    """The form to sign in with."""
    view = SignInView(own_path(next) or "/", ways=ways_in(request), is_signed_out=signed_out)
    return show_bare(request, "account/sign_in.html", view)


@router.post("/sign-in")
def sign_in(
    request: Request,
    session: SessionDep,
    limits: Limits,
    email: Annotated[str, Form()],
    password: Annotated[str, Form()],
    next: Annotated[str, Form()] = "/",  # the URL's word
) -> Response:
    """Open a session under a new secret, or say that address and password don't fit."""
    check_passwords(request)
    limits.try_sign_in(request, email)
    agent = request.headers.get("user-agent", "")
    target = own_path(next) or "/"
    try:
        opened = accounts.sign_in(session, email, password, user_agent=agent)
    except SignedOut as error:
        view = SignInView(target, email, error.message, ways_in(request))
        return show_bare(request, "account/sign_in.html", view, status=error.status)
    return with_session(request, go_to(request, target), opened)


@router.post("/sign-out")
def sign_out(request: Request, session: SessionDep) -> Response:
    """End this browser's session."""
    accounts.sign_out(session, request.cookies.get(SESSION_COOKIE, ""))
    response = go_to(request, f"/sign-in{'?signed_out=true' if ways_in(request).provider else ''}")
    response.delete_cookie(SESSION_COOKIE)
    return response


@router.get("/invitations/{secret}")
def show_invitation(request: Request, session: SessionDep, limits: Limits, secret: str) -> Response:
    """What a one-time link offers."""
    user = accounts.signed_in(session, request.cookies.get(SESSION_COOKIE, ""))
    try:
        link = invitations.invitation(session, secret)
        view = invitation_page(session, link, secret, user, ways_in(request))
    except FaultbookError:
        limits.wrong_token(request)
        raise
    return show_bare(request, "account/invitation.html", view)


@router.post("/invitations/{secret}")
def accept_invitation(
    request: Request,
    session: SessionDep,
    limits: Limits,
    secret: str,
    password: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
) -> Response:
    """Use a one-time link, and sign in."""
    try:
        link = invitations.invitation(session, secret)
        if link.kind is not InvitationKind.SIGN_IN:
            check_passwords(request)
        user = invitations.accept(session, secret, name=name, email=email, password=password)
    except FaultbookError:
        limits.wrong_token(request)
        raise
    opened = accounts.open_session(session, user, user_agent=request.headers.get("user-agent", ""))
    project = invitations.project_of(session, link)
    path = "/" if project is None else f"/projects/{project.slug}"
    return with_session(request, go_to(request, path, message=f"Welcome, {user.name}"), opened)


@router.post("/invitations/{secret}/join")
def join_project(
    request: Request, session: SessionDep, user: AccountHolder, secret: str
) -> Response:
    """Join a project with the account one has."""
    project = invitations.join(session, secret, user)
    return go_to(request, f"/projects/{project.slug}", message=f"You joined {project.name}")


@router.get("/account")
def show_account(request: Request, session: SessionDep, user: AccountHolder) -> Response:
    """Name, password, sessions and tokens of one's own."""
    return show_own(request, session, user)


@router.post("/account/password")
def change_password(
    request: Request,
    session: SessionDep,
    user: AccountHolder,
    current: Annotated[str, Form()],
    new: Annotated[str, Form()],
) -> Response:
    """Choose a new password; every other session ends."""
    check_passwords(request)
    accounts.change_password(session, user, current=current, new=new)
    agent = request.headers.get("user-agent", "")
    opened = accounts.open_session(session, user, user_agent=agent)
    return with_session(request, go_to(request, "/account", message="Password changed"), opened)


@router.post("/account/sessions/{session_id}/revoke")
def revoke_session(
    request: Request, session: SessionDep, user: AccountHolder, session_id: int
) -> Response:
    """End a session on another device."""
    accounts.revoke_session(session, user, session_id)
    return go_to(request, "/account", message="That session has ended")


@router.post("/account/tokens")
def create_token(
    request: Request,
    session: SessionDep,
    user: AccountHolder,
    name: Annotated[str, Form()],
    scopes: Annotated[list[Scope], Form()] = [],  # noqa: B006  # FastAPI copies it
) -> Response:
    """Make an API token and show its secret, this once."""
    secret = tokens.create_token(session, user, name, scopes)
    return show_own(request, session, user, new_secret=secret)


@router.post("/account/tokens/{token_id}/revoke")
def revoke_token(
    request: Request, session: SessionDep, user: AccountHolder, token_id: int
) -> Response:
    """End a token."""
    tokens.revoke_token(session, user, token_id)
    return go_to(request, "/account", message="The token no longer works")


def show_own(
    request: Request, session: SessionDep, user: User, *, new_secret: str = "", link_url: str = ""
) -> Response:
    """Show somebody their account, with what is shown only now."""
    current = accounts.hashed(request.cookies.get(SESSION_COOKIE, ""))
    view = account_page(
        session,
        user,
        current_hash=current,
        ways=ways_in(request),
        new_secret=new_secret,
        link_url=link_url,
    )
    frame = shell(session, None, "account", user)
    headers = {"Cache-Control": "no-store"} if new_secret or link_url else {}
    return show_page(request, "account/show.html", view, frame, headers=headers)
