"""What attackers try against signing in with a provider, and why it proves nothing."""

import hmac
import json
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlmodel import select

from server.db import Database
from server.models.base import utc_now
from server.models.identity import SignInAttempt
from server.oidc.id_tokens import Expected, verified
from server.oidc.provider import Provider
from server.oidc.refusals import Refused
from server.routes.principal import SESSION_COOKIE
from tests.oidc_provider import CLIENT, SECRET, Claims, OidcProvider, Someone
from tests.server.oidc.walking import (
    BEGIN,
    everybody,
    refusal,
    sign_in,
    way_back,
)


def test_the_way_on_never_leads_elsewhere(visitor: TestClient) -> None:
    for evil in ("//evil.example", "https://evil.example/", "/\\evil.example"):
        back = way_back(visitor, str(httpx2.URL(BEGIN, params={"next": evil})))
        assert visitor.get(back).headers["location"] == "/", evil


def test_an_answer_counts_once(visitor: TestClient, provider: OidcProvider) -> None:
    back = way_back(visitor)
    assert visitor.get(back).status_code == 303
    visitor.cookies.delete(SESSION_COOKIE)
    assert "finished already" in refusal(visitor.get(back))
    assert provider.asked.count("/token") == 1


def test_an_answer_counts_in_the_browser_that_asked(visitor: TestClient) -> None:
    back = way_back(visitor)
    kept = dict(visitor.cookies)
    visitor.cookies.clear()
    assert "another browser" in refusal(visitor.get(back))
    visitor.get(BEGIN)  # somebody else begins, and is handed the first one's answer
    assert "another browser" in refusal(visitor.get(back))
    visitor.cookies.clear()
    visitor.cookies.update(kept)
    assert visitor.get(back).status_code == 303


def test_an_answer_counts_for_ten_minutes(visitor: TestClient, database: Database) -> None:
    back = way_back(visitor)
    with database.writing() as session:
        attempt = session.exec(select(SignInAttempt)).one()
        attempt.expires_at = utc_now() - timedelta(seconds=1)
        session.add(attempt)
    assert "10 minutes ago" in refusal(visitor.get(back))


def test_an_answer_nobody_asked_for_is_refused(visitor: TestClient) -> None:
    for query in ("", "?code=a", "?code=a&state=b", "?state=&code=a", "?error=access_denied"):
        assert "another browser" in refusal(visitor.get(f"{BEGIN}/callback{query}"))


def test_a_code_that_was_used_is_refused(visitor: TestClient, provider: OidcProvider) -> None:
    back = way_back(visitor)
    provider.codes.clear()  # somebody else took it to the provider
    assert "no longer knows this sign-in" in refusal(visitor.get(back))


def test_a_code_of_another_attempt_is_refused(visitor: TestClient) -> None:
    stolen = httpx2.URL(way_back(visitor)).params["code"]
    own = httpx2.URL(way_back(visitor)).copy_set_param("code", stolen)
    # Another attempt, another verifier: the provider does not take it (PKCE).
    assert "no longer knows this sign-in" in refusal(visitor.get(str(own)))


def _coded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _unsigned(claims: Claims) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return f"{'.'.join(_coded(json.dumps(part).encode()) for part in parts)}."


def _with_shared(secret: bytes) -> Callable[[Claims], str]:
    def signed(claims: Claims) -> str:
        parts = ({"alg": "HS256", "kid": "a"}, claims)
        text = ".".join(_coded(json.dumps(part).encode()) for part in parts)
        return f"{text}.{_coded(hmac.digest(secret, text.encode(), 'sha256'))}"

    return signed


def _with_public_key_as_secret(provider: OidcProvider) -> Callable[[Claims], str]:
    return _with_shared(provider.key.as_pem(private=False))


def _with_client_secret(_provider: OidcProvider) -> Callable[[Claims], str]:
    return _with_shared(SECRET.encode())


def _with_own_key(_provider: OidcProvider) -> Callable[[Claims], str]:
    key = ECKey.generate_key("P-256", {"kid": "a"})
    return lambda claims: jwt.encode({"alg": "ES256", "kid": "a"}, claims, key)


@pytest.mark.parametrize(
    ("forge", "told"),
    [
        (lambda _: _unsigned, "signed in a way that proves nothing"),
        (_with_public_key_as_secret, "signed in a way that proves nothing"),
        (_with_client_secret, "signed in a way that proves nothing"),
        (_with_own_key, "is not signed by its key"),
        (lambda _: lambda _claims: "", "missing or far too long"),
        (lambda _: lambda _claims: "a.b.c", "is not signed by its key"),
    ],
    ids=["alg none", "key as secret", "client secret", "own key", "no token", "no JWT"],
)
def test_forged_signatures_prove_nothing(
    provider: OidcProvider,
    known: Provider,
    forge: Callable[[OidcProvider], Callable[[Claims], str]],
    told: str,
) -> None:
    claims = provider.claims_for(Someone().claims, "nonce")
    assert verified(known, provider.signed(claims), Expected("nonce"))["sub"] == "sub-1"
    with pytest.raises(Refused, match=re.escape(told)):
        verified(known, forge(provider)(claims), Expected("nonce"))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"iss": "https://evil.example"}, "names another issuer"),
        ({"aud": "another-app"}, "is for another application"),
        ({"aud": [CLIENT, "another-app"]}, "lacks «azp»"),
        ({"aud": [CLIENT, "another-app"], "azp": "another-app"}, "given to another application"),
        ({"azp": "another-app"}, "given to another application"),
        ({"nonce": "another"}, "answers another sign-in"),
        ({"nonce": None}, "nonce"),
        ({"sub": ""}, "names nobody"),
        ({"sub": None}, "lacks «sub»"),
        ({"exp": 1}, "has expired"),
        ({"exp": None}, "lacks «exp»"),
        ({"iat": 4_000_000_000}, "is from the future"),
        ({"nbf": 4_000_000_000}, "is from the future"),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "does not belong to the rest"),
    ],
)
def test_tokens_that_are_for_something_else_prove_nothing(
    provider: OidcProvider, known: Provider, wrong: dict[str, Any], told: str
) -> None:
    together = {**provider.claims_for(Someone().claims, "nonce"), **wrong}
    claims = {name: value for name, value in together.items() if value is not None}
    with pytest.raises(Refused, match=re.escape(told)):
        verified(known, provider.signed(claims), Expected("nonce", "access token"))


def test_a_token_that_proves_nothing_makes_no_account(
    visitor: TestClient, provider: OidcProvider, database: Database
) -> None:
    provider.change = lambda claims: {**claims, "nonce": "another"}
    assert "answers another sign-in" in refusal(sign_in(visitor))
    provider.sign = _unsigned
    assert "proves nothing" in refusal(sign_in(visitor))
    assert everybody(database) == {}


def test_clocks_may_differ_a_little_and_are_named_where_they_differ_more(
    provider: OidcProvider, known: Provider
) -> None:
    def off_by(seconds: int) -> str:
        now = int(time.time()) + seconds
        claims = provider.claims_for(Someone().claims, "nonce")
        return provider.signed({**claims, "iat": now, "exp": now + 5})

    for seconds in (-40, 40):
        assert verified(known, off_by(seconds), Expected("nonce"))["sub"] == "sub-1"
    for seconds in (-90, 90):
        with pytest.raises(Refused, match="off by more than 60 seconds"):
            verified(known, off_by(seconds), Expected("nonce"))


def test_the_answer_of_another_provider_is_refused(
    visitor: TestClient, provider: OidcProvider
) -> None:
    for iss in ("https://evil.example", ""):
        provider.answer = {"iss": iss}
        assert "not from Example ID" in refusal(sign_in(visitor))
    assert "/token" not in provider.asked
