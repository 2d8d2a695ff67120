"""Checking an ID token: signature, issuer, audience, nonce, times."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.oidc.provider import Provider
from server.oidc.refusals import Refused

_SIGNATURES = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
)
"""Those made with a key that only the provider has: never `none`, never a shared secret (HS…)."""
_LONGEST = 64 * 1024
_LONGEST_SUBJECT = 255
_TIMES = ("iat", "nbf")
_WRONG = {
    "iss": "names another issuer",
    "aud": "is for another application than this one",
    "azp": "was given to another application than this one",
    "nonce": "answers another sign-in than yours",
    "at_hash": "does not belong to the rest of the answer",
}


@dataclass(frozen=True)
class Expected:
    """What the token has to belong to."""

    nonce: str
    access_token: str | None = None


def verified(provider: Provider, token: str, expected: Expected) -> Mapping[str, Any]:
    """Return the claims of an ID token that proves who somebody is.

    Raises:
        Refused: It does not; the sentence says why.
        ProviderAway: The keys to check it with can't be had.
    """
    from authlib.oidc.core import CodeIDToken
    from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError

    header, claims = _signed(provider, token)
    settings = provider.settings
    options = {
        "iss": {"essential": True, "value": settings.oidc_issuer},
        "aud": {"essential": True, "value": settings.oidc_client_id},
    }
    params = {
        "nonce": expected.nonce,
        "client_id": settings.oidc_client_id,
        "access_token": expected.access_token,
    }
    checked = CodeIDToken(claims, header, options, params)
    try:
        checked.validate(int(time.time()), settings.oidc_clock_skew_s)
    except ExpiredTokenError as error:
        raise _late(provider, "has expired") from error
    except MissingClaimError as error:
        raise _unproven(provider, f"lacks «{error.claim}»") from error
    except InvalidClaimError as error:
        if error.claim in _TIMES:
            raise _late(provider, "is from the future") from error
        raise _unproven(provider, _WRONG.get(str(error.claim), "does not fit")) from error
    except JoseError as error:
        raise _unproven(provider, "does not fit") from error
    if not 0 < len(claims["sub"]) <= _LONGEST_SUBJECT:
        raise _unproven(provider, "names nobody")
    return claims


def _signed(provider: Provider, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    from joserfc import jws, jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    if not token or len(token) > _LONGEST:
        raise _unproven(provider, "is missing or far too long")
    allowed = sorted(_SIGNATURES & {*provider.metadata().algorithms})
    try:
        header = jws.extract_compact(token.encode()).headers()
        if header.get("alg") not in allowed:
            raise _unproven(provider, "is signed in a way that proves nothing")
        keys = provider.keys(header.get("kid"))
        found = jwt.decode(token, KeySet.import_key_set(_usable(keys)), allowed)  # type: ignore[arg-type]  # JSON from outside
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise _unproven(provider, "is not signed by its key") from error
    return found.header, found.claims


def _usable(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Leave keys for encryption and shared secrets out."""
    some = [k for k in keys["keys"] if k.get("use", "sig") == "sig" and k.get("kty") != "oct"]
    return {"keys": some}


def _unproven(provider: Provider, why: str) -> Refused:
    return Refused(
        f"What {provider.name} sent {why}, so it does not prove who you are. Nobody was signed in; "
        "begin again, and tell an admin if it stays so."
    )


def _late(provider: Provider, why: str) -> Refused:
    return Refused(
        f"What {provider.name} sent {why}. Begin again; if it stays so, the clock of this server "
        f"or of {provider.name} is off by more than {provider.settings.oidc_clock_skew_s} seconds, "
        "and an admin has to set it."
    )
