"""What every way to sign in shares: which ways there are, and the cookie of a session."""

from fastapi import Request, Response

from server.errors import Forbidden, NotFound
from server.oidc.provider import Provider
from server.routes.principal import SESSION_COOKIE
from server.routes.screen import show_page
from server.services.accounts import SignedIn
from server.views.account import InvitationView, SignInView, WaysIn
from server.views.shell import bare_shell

ID_TOKEN_COOKIE = "faultbook_id_token"  # noqa: S105  # the name of a cookie
"""Kept by the browser for signing out at the provider; it is sent to /sign-out alone."""


def ways_in(request: Request) -> WaysIn:
    """Return how people may sign in."""
    settings, provider = request.app.state.settings, request.app.state.oidc
    return WaysIn(
        password=settings.password_sign_in,
        provider="" if provider is None else provider.name,
    )


def provider_in_use(request: Request) -> Provider:
    """Return the provider that people sign in with.

    Raises:
        NotFound: There is none.
    """
    provider: Provider | None = request.app.state.oidc
    if provider is None:
        raise NotFound("On this server people sign in with a password.")
    return provider


def provider_asked(request: Request) -> None:
    """Have the provider say what it is, before a session holds the database.

    Raises:
        ProviderAway: It can't be reached.
    """
    provider: Provider | None = request.app.state.oidc
    if provider is not None:
        provider.metadata()


def check_passwords(request: Request) -> None:
    """Raise where passwords are switched off.

    Raises:
        Forbidden: They are.
    """
    ways = ways_in(request)
    if not ways.password:
        raise Forbidden(f"Passwords are switched off on this server: sign in with {ways.provider}.")


def show_bare(
    request: Request, template: str, view: SignInView | InvitationView, *, status: int = 200
) -> Response:
    """Show a page to somebody who is not signed in."""
    return show_page(request, template, view, bare_shell("account"), status=status)


def with_session(request: Request, response: Response, opened: SignedIn) -> Response:
    """Give the browser a session."""
    response.set_cookie(
        SESSION_COOKIE,
        opened.secret,
        expires=opened.expires_at,
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )
    return response


def is_secure(request: Request) -> bool:
    """Whether people reach this server by https, so that its cookies go by nothing else."""
    public: str = request.app.state.settings.public_url
    return request.url.scheme == "https" or public.startswith("https:")
