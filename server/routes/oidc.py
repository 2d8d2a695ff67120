"""Signing in, linking and signing out with an OpenID Connect provider."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from server.db import Database, SessionDep
from server.errors import FaultbookError
from server.models.base import stored_id
from server.oidc import flow
from server.oidc.provider import Provider
from server.routes.account import AccountHolder, Limits, show_own
from server.routes.navigation import go_to, own_address, own_path
from server.routes.principal import SESSION_COOKIE
from server.routes.signing_in import (
    ID_TOKEN_COOKIE,
    is_secure,
    provider_asked,
    provider_in_use,
    show_bare,
    ways_in,
    with_session,
)
from server.security import is_same_origin
from server.services import identities, oidc_sign_in
from server.services.oidc_sign_in import Browser, Wish
from server.views.account import SignInView

router = APIRouter(tags=["account"])
InUse = Annotated[Provider, Depends(provider_in_use)]
Asked = Annotated[None, Depends(provider_asked)]

_BROWSER_COOKIE = "faultbook_sign_in"
_PATH = "/sign-in/oidc"
_LONGEST_COOKIE = 3_500


@router.get(_PATH)
def go_to_provider(
    request: Request,
    provider: InUse,
    limits: Limits,
    next: str = "/",  # the URL's word
    invitation: str = "",
) -> Response:
    """Send somebody to the provider; its answer counts once, in this browser, for ten minutes."""
    target = own_path(next) or "/"
    limits.begin_with_provider(request)
    wish = Wish(_back_to(request), target, _browser_secret(request), invitation)
    try:
        url = oidc_sign_in.begin(_database(request), provider, wish)
    except FaultbookError as error:
        return _refused(request, error, target)
    return _bound(request, RedirectResponse(url, status_code=303), wish.browser)


@router.get(f"{_PATH}/callback")
def come_back(request: Request, provider: InUse, limits: Limits) -> Response:
    """Take in the provider's answer, and open a session under a new secret."""
    answer = dict(request.query_params)
    try:
        found = oidc_sign_in.finish(_database(request), provider, answer, _browser(request))
    except FaultbookError as error:
        limits.wrong_token(request)
        return _refused(request, error, error.detail.get("next", "/"))
    if found.opened is None:
        return go_to(request, found.next_path, message=f"Linked to {provider.name}")
    response = with_session(request, go_to(request, found.next_path), found.opened)
    return _remembering(request, response, found.id_token)


@router.get("/sign-out/oidc")
def sign_out_there(request: Request, provider: InUse) -> Response:
    """Sign out at the provider, too; other sites can't send anybody here."""
    back = f"{own_address(request)}/sign-in"
    hint = request.cookies.get(ID_TOKEN_COOKIE, "")
    is_own = is_same_origin("POST", request.headers)
    url = flow.sign_out_url(provider, hint, back) if is_own else ""
    response = RedirectResponse(url or "/sign-in", status_code=303)
    response.delete_cookie(ID_TOKEN_COOKIE, path="/sign-out")
    return response


@router.post("/account/identities")
def begin_to_link(
    request: Request, _asked: Asked, session: SessionDep, user: AccountHolder, provider: InUse
) -> Response:
    """Show the way to the provider, on which one's account there is linked to the one here."""
    wish = Wish(_back_to(request), "/account", _browser_secret(request), user_id=stored_id(user))
    url = oidc_sign_in.begin_in(session, provider, wish)
    page = show_own(request, session, user, link_url=url)
    return _bound(request, page, wish.browser)


@router.post("/account/identities/{identity_id}/unlink")
def unlink(
    request: Request, session: SessionDep, user: AccountHolder, identity_id: int
) -> Response:
    """Let a provider no longer sign one in."""
    ways = ways_in(request)
    identities.unlink(session, user, identity_id, has_password_sign_in=ways.password)
    return go_to(request, "/account", message="No longer linked")


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _back_to(request: Request) -> str:
    return f"{own_address(request)}{_PATH}/callback"


def _browser_secret(request: Request) -> str:
    """Return what tells this browser from others; two tabs may sign in beside each other."""
    return request.cookies.get(_BROWSER_COOKIE) or secrets.token_urlsafe(32)


def _browser(request: Request) -> Browser:
    cookies, agent = request.cookies, request.headers.get("user-agent", "")
    return Browser(cookies.get(_BROWSER_COOKIE, ""), cookies.get(SESSION_COOKIE, ""), agent)


def _bound(request: Request, response: Response, browser: str) -> Response:
    response.headers["Cache-Control"] = "no-store"
    life_s = int(oidc_sign_in.ATTEMPT_LIFE.total_seconds())
    response.set_cookie(
        _BROWSER_COOKIE,
        browser,
        max_age=life_s,
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )
    return response


def _remembering(request: Request, response: Response, id_token: str) -> Response:
    """Have the browser keep the ID token for signing out, and forget what bound the attempt."""
    response.delete_cookie(_BROWSER_COOKIE)
    if len(id_token) <= _LONGEST_COOKIE:
        response.set_cookie(
            ID_TOKEN_COOKIE,
            id_token,
            path="/sign-out",
            httponly=True,
            samesite="lax",
            secure=is_secure(request),
        )
    return response


def _refused(request: Request, error: FaultbookError, target: str) -> Response:
    view = SignInView(next=target, error=error.message, ways=ways_in(request))
    response = show_bare(request, "account/sign_in.html", view, status=error.status)
    if "retry_after_s" in error.detail:
        response.headers["Retry-After"] = str(error.detail["retry_after_s"])
    return response
