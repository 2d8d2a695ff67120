"""The authorization code flow: sending somebody to the provider, and reading what it sends back."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.errors import FaultbookError
from server.oidc.id_tokens import Expected, verified
from server.oidc.provider import Metadata, Provider
from server.oidc.refusals import ProviderAway, Refused

_DENIED = {
    "access_denied": "{name} did not let you in.",
    "login_required": "{name} asks you to sign in there first. Try again.",
    "temporarily_unavailable": "{name} can't sign anybody in just now. Try again in a while.",
    "server_error": "{name} had an error of its own. Try again in a while.",
}
_TOKEN_ERRORS = {
    "invalid_grant": "{name} no longer knows this sign-in: it was used already, or took too long. "
    "Begin again.",
    "invalid_client": "{name} refuses this server itself: an admin has to check "
    "FAULTBOOK_OIDC_CLIENT_ID and its secret.",
    "unauthorized_client": "{name} does not allow this server to sign people in like this: an "
    "admin has to allow the authorization code flow there.",
}
_CODE = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True)
class Secrets:
    """What one attempt to sign in is recognised by; none of it is ever used twice."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class SignedClaims:
    """What the provider proved of somebody."""

    claims: Mapping[str, Any]
    id_token: str


def fresh_secrets() -> Secrets:
    """Draw the secrets of an attempt."""
    state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
    return Secrets(state, nonce, verifier)


def authorization_url(provider: Provider, drawn: Secrets, redirect_uri: str) -> str:
    """Return where somebody signs in at the provider.

    Raises:
        ProviderAway: It can't be reached.
    """
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    url: str = prepare_grant_uri(
        provider.metadata().authorization_endpoint,
        client_id=provider.settings.oidc_client_id,
        response_type="code",
        redirect_uri=redirect_uri,
        scope=provider.settings.oidc_scopes,
        state=drawn.state,
        nonce=drawn.nonce,
        code_challenge=create_s256_code_challenge(drawn.verifier),
        code_challenge_method="S256",
    )
    return url


def claims_of(
    provider: Provider, answer: Mapping[str, str], nonce: str, verifier: str, redirect_uri: str
) -> SignedClaims:
    """Return what the provider proves of whoever it sent back with `answer`.

    Args:
        provider: The provider.
        answer: The query it sent them back with; its `state` was checked already.
        nonce: What was asked to stand in the ID token.
        verifier: Proves that the code was asked for here (PKCE).
        redirect_uri: Where they were to be sent back to.

    Raises:
        Refused: The provider said no, or what it sent proves nothing.
        ProviderAway: It can't be reached.
    """
    metadata = provider.metadata()
    _check_sender(provider, metadata, answer)
    if problem := answer.get("error", ""):
        raise _denied(provider, problem)
    if not answer.get("code"):
        raise Refused(f"{provider.name} sent you back without a word. Begin again.")
    tokens = _tokens(provider, metadata, answer["code"], verifier, redirect_uri)
    id_token, access_token = str(tokens.get("id_token") or ""), tokens.get("access_token")
    expected = Expected(nonce, access_token if isinstance(access_token, str) else None)
    claims = verified(provider, id_token, expected)
    return SignedClaims(_with_more(provider, metadata, claims, expected.access_token), id_token)


def sign_out_url(provider: Provider, id_token: str, back_to: str) -> str:
    """Return where somebody signs out at the provider, too; empty where it has no such place."""
    from authlib.common.urls import add_params_to_uri

    try:
        address = provider.metadata().end_session_endpoint
    except FaultbookError:
        return ""  # it is away: being signed out here has to do
    if not address:
        return ""
    told = {"client_id": provider.settings.oidc_client_id, "post_logout_redirect_uri": back_to}
    if id_token:
        told["id_token_hint"] = id_token
    url: str = add_params_to_uri(address, list(told.items()))
    return url


def _check_sender(provider: Provider, metadata: Metadata, answer: Mapping[str, str]) -> None:
    """Refuse the answer of another provider (mix-up, RFC 9207)."""
    told = answer.get("iss")
    if told is None and not metadata.names_itself:
        return
    if told != metadata.issuer:
        raise Refused(
            f"This answer is not from {provider.name}. Nobody was signed in; begin again."
        )


def _denied(provider: Provider, problem: str) -> Refused:
    code = problem if _CODE.fullmatch(problem) else "unknown"
    told = _DENIED.get(code, "{name} did not sign you in ({code}).")
    return Refused(told.format(name=provider.name, code=code))


def _tokens(
    provider: Provider, metadata: Metadata, code: str, verifier: str, redirect_uri: str
) -> dict[str, Any]:
    from authlib.oauth2.auth import ClientAuth
    from authlib.oauth2.rfc6749.parameters import prepare_token_request

    body = prepare_token_request(
        "authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=verifier
    )
    secret = _secret(provider)
    basic = "client_secret_basic" in metadata.client_authentication
    method = ("client_secret_basic" if basic else "client_secret_post") if secret else "none"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    client = ClientAuth(provider.settings.oidc_client_id, secret, method)
    address, headers, body = client.prepare("POST", metadata.token_endpoint, headers, body)
    answer = provider.asked("POST", address, body, headers)
    found = provider.read(answer)
    if answer.status != 200:
        told = _TOKEN_ERRORS.get(str(found.get("error")))
        if told is None:
            raise provider.odd(f"answers {answer.status} when asked who you are")
        raise Refused(told.format(name=provider.name))
    return found


def _secret(provider: Provider) -> str:
    try:
        return provider.settings.oidc_secret
    except OSError as error:
        raise ProviderAway(
            "The file with this server's secret for signing in can't be read: an admin has to look "
            "after FAULTBOOK_OIDC_CLIENT_SECRET_FILE."
        ) from error


def _with_more(
    provider: Provider, metadata: Metadata, claims: Mapping[str, Any], access_token: str | None
) -> Mapping[str, Any]:
    """Add what the ID token leaves to the provider's userinfo."""
    settings = provider.settings
    wanted = ["email", settings.oidc_admit_claim, settings.oidc_admin_claim]
    is_enough = all(name.partition(".")[0] in claims or name in claims for name in wanted if name)
    if is_enough or not metadata.userinfo_endpoint or not access_token:
        return claims
    headers = {"Authorization": f"Bearer {access_token}"}
    more = provider.fetched("GET", metadata.userinfo_endpoint, headers=headers)
    if more.get("sub") != claims["sub"]:
        raise Refused(f"{provider.name} tells of somebody else than who signed in. Begin again.")
    if "email" in claims:  # whether one address is verified says nothing of another
        more.pop("email_verified", None)
    return {**more, **claims}
