"""The provider itself: away, odd, with new keys, and signing out there."""

import re
import time
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from server.db import Database
from server.oidc.check import check_oidc
from server.oidc_settings import OidcSettings
from server.services import doctor
from server.settings import Settings
from tests.application import serving
from tests.oidc_provider import CLIENT, OidcProvider
from tests.server.oidc.walking import BEGIN, everybody, refusal, sign_in


def test_what_the_provider_says_of_itself_has_to_fit(
    visitor: TestClient, provider: OidcProvider
) -> None:
    provider.metadata = {"issuer": "https://evil.example"}
    assert "letter for letter" in refusal(visitor.get(BEGIN))
    provider.metadata = {"token_endpoint": "http://evil.example/token"}
    assert "no https address as token_endpoint" in refusal(visitor.get(BEGIN))


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("access_denied", "Example ID did not let you in."),
        ("temporarily_unavailable", "Try again in a while"),
        ("odd_one", "did not sign you in (odd_one)"),
        ("<script>", "did not sign you in (unknown)"),
    ],
)
def test_a_refusal_of_the_provider_is_told(
    visitor: TestClient, provider: OidcProvider, code: str, told: str
) -> None:
    provider.answer = {"error": code, "error_description": "<b>call 0190</b>", "code": ""}
    assert told in refusal(sign_in(visitor))


def test_a_wrong_secret_is_the_admins_to_mend(visitor: TestClient, with_provider: Settings) -> None:
    with_provider.oidc_client_secret = "old"
    assert "check FAULTBOOK_OIDC_CLIENT_ID" in refusal(sign_in(visitor))


def test_a_provider_that_is_away_is_told(with_provider: Settings) -> None:
    with_provider.oidc_issuer = "http://127.0.0.1:1"
    with serving(with_provider, follow_redirects=False) as visitor:
        assert "can't be reached just now" in refusal(visitor.get(BEGIN))
        assert visitor.get("/sign-in").status_code == 200


def test_a_new_key_of_the_provider_is_fetched(
    visitor: TestClient, provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(visitor)
    provider.rotate()
    # Whoever sends unknown keys does not have them asked for again and again …
    assert "not signed by its key" in refusal(sign_in(visitor))
    assert provider.asked.count("/keys") == 1
    late = time.monotonic() + 11
    monkeypatch.setattr(visitor.app.state.oidc, "_clock", lambda: late)  # type: ignore[attr-defined]
    assert sign_in(visitor).status_code == 303  # … but ten seconds later they are
    assert provider.asked.count("/keys") == 2


def test_what_the_token_lacks_is_read_from_userinfo(
    visitor: TestClient, provider: OidcProvider, database: Database
) -> None:
    provider.in_userinfo = True
    assert sign_in(visitor).status_code == 303
    assert [*everybody(database)] == ["ada@example.org"]
    provider.told_elsewhere = {"sub": "sub-2"}
    assert "tells of somebody else" in refusal(sign_in(visitor))


def test_one_signs_out_here_and_then_there(visitor: TestClient, provider: OidcProvider) -> None:
    sign_in(visitor)
    assert visitor.post("/sign-out").headers["location"] == "/sign-in?signed_out=true"
    assert "Sign out at Example ID, too" in visitor.get("/sign-in?signed_out=true").text
    other_site = {"Sec-Fetch-Site": "cross-site"}
    assert visitor.get("/sign-out/oidc", headers=other_site).headers["location"] == "/sign-in"
    sign_in(visitor)
    there = httpx2.URL(visitor.get("/sign-out/oidc").headers["location"])
    assert there.path == "/logout"
    assert there.params["client_id"] == CLIENT
    assert there.params["post_logout_redirect_uri"] == "http://testserver/sign-in"
    assert there.params["id_token_hint"].count(".") == 2
    visitor.cookies.clear()
    provider.metadata = {"end_session_endpoint": ""}
    visitor.app.state.oidc._metadata = None  # type: ignore[attr-defined]  # an hour later
    assert visitor.get("/sign-out/oidc").headers["location"] == "/sign-in"


def test_the_public_address_is_where_the_provider_sends_people_back_to(
    visitor: TestClient, with_provider: Settings
) -> None:
    with_provider.public_url = "https://faultbook.example.org"
    sent = visitor.get(BEGIN)
    asked = httpx2.URL(sent.headers["location"]).params
    assert asked["redirect_uri"] == "https://faultbook.example.org/sign-in/oidc/callback"
    assert "Secure" in sent.headers["set-cookie"]


def test_without_a_provider_nothing_of_it_is_there(settings: Settings) -> None:
    settings.no_login = False
    with serving(settings, follow_redirects=False) as visitor:
        assert "/sign-in/oidc" not in visitor.get("/sign-in").text
        for path in (BEGIN, f"{BEGIN}/callback?code=a&state=b", "/sign-out/oidc"):
            assert visitor.get(path).status_code == 404


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"oidc_issuer": "http://id.example"}, "https://"),
        ({"oidc_issuer": "https://id.example"}, "needed where FAULTBOOK_OIDC_ISSUER"),
        ({"password_sign_in": False}, "nobody could sign in"),
        ({"oidc_scopes": "email"}, "openid"),
        ({"oidc_admin_claim": "groups"}, "FAULTBOOK_OIDC_ADMIN_CLAIM"),
        ({"public_url": "faultbook.example.org"}, "https://"),
    ],
)
def test_settings_that_don_t_fit_are_named(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        Settings(**given)


def test_the_doctor_finds_what_is_wrong_with_the_provider(
    with_provider: Settings, provider: OidcProvider
) -> None:
    found = check_oidc(with_provider)
    assert found is not None
    assert found.is_usable
    assert "FAULTBOOK_OIDC_DOMAINS" in found.advice
    with_provider.oidc_issuer = f"{provider.issuer}/"
    found = check_oidc(with_provider)
    assert found is not None
    assert "letter for letter" in found.told
    with_provider.oidc_client_secret_file = "/nowhere/secret"
    found = check_oidc(with_provider)
    assert found is not None
    assert "/nowhere/secret can't be read" in found.told
    assert check_oidc(OidcSettings()) is None


def test_the_doctor_s_list_holds_the_provider(with_provider: Settings, database: Database) -> None:
    found = {c.name: c for c in doctor.examine(with_provider)}
    assert found["sign-in provider"].state is doctor.State.WARNING
    assert "gives 1 of its keys" in found["sign-in provider"].finding
    assert "language model" not in found
