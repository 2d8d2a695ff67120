"""Signing in and out, one-time links, and one's own account."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from server.db import SessionDep
from server.errors import FaultbookError, SignedOut
from server.models.user import User
from server.routes.navigation import go_to, own_path
from server.routes.principal import SESSION_COOKIE, PrincipalDep
from server.routes.rate_limits import RateLimits, rate_limits
from server.routes.screen import show_page
from server.services import accounts, invitations, tokens
from server.services.accounts import SignedIn
from server.services.tokens import Scope
from server.views.account import InvitationView, SignInView, account_page, invitation_page
from server.views.shell import bare_shell, shell

router = APIRouter(tags=["account"])
Limits = Annotated[RateLimits, Depends(rate_limits)]


def account_holder(who: PrincipalDep) -> User:
    """The signed-in user, in a browser: tokens may not touch accounts."""
    if who.user is None or who.token is not None:
        raise SignedOut("Sign in with your password to do this.")
    return who.user


AccountHolder = Annotated[User, Depends(account_holder)]


@router.get("/sign-in")
def show_sign_in(request: Request, next: str = "/") -> Response:  # the URL's word
    """The form to sign in with."""
    return _bare(request, "account/sign_in.html", SignInView(next=own_path(next) or "/"))


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
    limits.try_sign_in(request, email)
    agent = request.headers.get("user-agent", "")
    target = own_path(next) or "/"
    try:
        opened = accounts.sign_in(session, email, password, user_agent=agent)
    except SignedOut as error:
        view = SignInView(next=target, email=email, error=error.message)
        return _bare(request, "account/sign_in.html", view, status=error.status)
    return _with_session(request, go_to(request, target), opened)


@router.post("/sign-out")
def sign_out(request: Request, session: SessionDep) -> Response:
    """End this browser's session."""
    accounts.sign_out(session, request.cookies.get(SESSION_COOKIE, ""))
    response = go_to(request, "/sign-in")
    response.delete_cookie(SESSION_COOKIE)
    return response


@router.get("/invitations/{secret}")
def show_invitation(request: Request, session: SessionDep, limits: Limits, secret: str) -> Response:
    """What a one-time link offers."""
    user = accounts.signed_in(session, request.cookies.get(SESSION_COOKIE, ""))
    try:
        view = invitation_page(session, invitations.invitation(session, secret), secret, user)
    except FaultbookError:
        limits.wrong_token(request)
        raise
    return _bare(request, "account/invitation.html", view)


@router.post("/invitations/{secret}")
def accept_invitation(
    request: Request,
    session: SessionDep,
    limits: Limits,
    secret: str,
    password: Annotated[str, Form()],
    name: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
) -> Response:
    """Use a one-time link, and sign in."""
    try:
        user = invitations.accept(session, secret, name=name, email=email, password=password)
    except FaultbookError:
        limits.wrong_token(request)
        raise
    opened = accounts.open_session(session, user, user_agent=request.headers.get("user-agent", ""))
    return _with_session(request, go_to(request, "/", message=f"Welcome, {user.name}"), opened)


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
    return _account(request, session, user)


@router.post("/account/password")
def change_password(
    request: Request,
    session: SessionDep,
    user: AccountHolder,
    current: Annotated[str, Form()],
    new: Annotated[str, Form()],
) -> Response:
    """Choose a new password; every other session ends."""
    accounts.change_password(session, user, current=current, new=new)
    agent = request.headers.get("user-agent", "")
    opened = accounts.open_session(session, user, user_agent=agent)
    return _with_session(request, go_to(request, "/account", message="Password changed"), opened)


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
    return _account(request, session, user, new_secret=secret)


@router.post("/account/tokens/{token_id}/revoke")
def revoke_token(
    request: Request, session: SessionDep, user: AccountHolder, token_id: int
) -> Response:
    """End a token."""
    tokens.revoke_token(session, user, token_id)
    return go_to(request, "/account", message="The token no longer works")


def _account(
    request: Request, session: SessionDep, user: User, *, new_secret: str = ""
) -> Response:
    current = accounts.hashed(request.cookies.get(SESSION_COOKIE, ""))
    view = account_page(session, user, current_hash=current, new_secret=new_secret)
    frame = shell(session, None, "account", user)
    headers = {"Cache-Control": "no-store"} if new_secret else {}
    return show_page(request, "account/show.html", view, frame, headers=headers)


def _bare(
    request: Request, template: str, view: SignInView | InvitationView, *, status: int = 200
) -> Response:
    return show_page(request, template, view, bare_shell("account"), status=status)


def _with_session(request: Request, response: Response, opened: SignedIn) -> Response:
    response.set_cookie(
        SESSION_COOKIE,
        opened.secret,
        expires=opened.expires_at,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response
