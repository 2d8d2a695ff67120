"""Signing in under attack: sessions, ways onward, links, guesses, and requests of other sites."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from fastapi.testclient import TestClient

from server.db import Database
from server.models.project import Role
from server.models.user import User
from server.routes.navigation import own_path
from server.routes.principal import SESSION_COOKIE
from server.services import accounts, invitations, projects, tokens
from server.services.tokens import Scope
from server.settings import Settings
from tests.application import serving

PASSWORD = "correct horse battery"
EMAIL = "lead@example.org"
AWAY = (
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\t\\evil.example",
    "/\n/evil.example",
    "https://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "/a\r\nSet-Cookie: faultbook_session=stolen",
    "/a\r\n\r\n<script>alert(1)</script>",
)


@pytest.fixture
def guarded(settings: Settings, database: Database) -> Iterator[TestClient]:
    """A server with one account."""
    settings.no_login = False
    with database.writing() as session:
        user = User(
            name="Lead",
            email=EMAIL,
            password_hash=accounts.hashed_password(PASSWORD),
            is_admin=True,
        )
        session.add(user)
        session.flush()
        projects.create(session, "Try me", leader=user)
    with serving(settings, follow_redirects=False) as client:
        yield client


def sign_in(client: TestClient, *, next: str = "/", **more: Any) -> Any:
    form = {"email": EMAIL, "password": PASSWORD, "next": next}
    return client.post("/sign-in", data=form, **more)


def test_nobody_is_led_away_after_signing_in(guarded: TestClient) -> None:
    for way in ("//evil.example", "/\\evil.example", "/a\r\nSet-Cookie: x=stolen"):
        for headers, named in (({}, "location"), ({"HX-Request": "true"}, "HX-Redirect")):
            answer = sign_in(guarded, next=way, headers=headers)
            assert answer.headers[named] == "/", way
            assert "stolen" not in str(answer.headers)


@pytest.mark.parametrize("way", AWAY)
def test_only_ways_on_this_server_are_its_own(way: str) -> None:
    assert own_path(way) is None


@pytest.mark.parametrize(
    "way", ["/", "/projects/a?text=b&x=https://c", "/projects/a/read/1#step-2"]
)
def test_ways_on_this_server_are_its_own(way: str) -> None:
    assert own_path(way) == way


def test_a_session_from_before_signing_in_is_not_kept(guarded: TestClient) -> None:
    guarded.cookies.set(SESSION_COOKIE, "chosen-by-the-attacker")
    answer = sign_in(guarded)
    given = answer.headers["set-cookie"]
    assert "chosen-by-the-attacker" not in given
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(given.split("; "))
    assert "Secure" not in given, "by plain HTTP on this machine it could not be sent back"
    guarded.cookies.clear()
    guarded.cookies.set(SESSION_COOKIE, "chosen-by-the-attacker")
    assert guarded.get("/account").status_code == 303


def test_behind_tls_the_cookie_is_for_tls_alone(settings: Settings, guarded: TestClient) -> None:
    guarded.base_url = "https://testserver"
    assert "Secure" in sign_in(guarded).headers["set-cookie"]


def test_a_session_that_was_ended_is_over_everywhere(guarded: TestClient) -> None:
    secret = sign_in(guarded).cookies[SESSION_COOKIE]
    assert guarded.get("/account").status_code == 200
    guarded.post("/sign-out")
    guarded.cookies.clear()
    guarded.cookies.set(SESSION_COOKIE, secret)
    assert guarded.get("/account").status_code == 303


def test_an_unknown_address_is_told_what_a_wrong_password_is_told(guarded: TestClient) -> None:
    def told(email: str) -> tuple[int, str]:
        answer = guarded.post("/sign-in", data={"email": email, "password": "wrong password"})
        return answer.status_code, answer.text.replace(email, "")

    assert told(EMAIL) == told("nobody@example.org")


def test_guesses_end_for_the_address_and_for_the_client(guarded: TestClient) -> None:
    def guess(email: str) -> int:
        form = {"email": email, "password": "wrong password"}
        spoofed = {"X-Forwarded-For": f"203.0.113.{len(email)}", "Forwarded": "for=203.0.113.9"}
        return guarded.post("/sign-in", data=form, headers=spoofed).status_code

    assert [guess(EMAIL) for _ in range(11)] == [401] * 10 + [429]
    assert guess(EMAIL.upper()) == 429
    assert [guess(f"{'x' * n}@example.org") for n in range(50)].count(429) == 2
    assert guess("somebody-else@example.org") == 429


def test_a_link_is_used_once(guarded: TestClient, database: Database) -> None:
    with database.writing() as session:
        project = projects.find(session, "try-me")
        user = accounts.find_by_email(session, EMAIL)
        secret = invitations.invite(session, user, project, Role.ANNOTATOR)
    form = {"name": "Bob", "email": "bob@example.org", "password": PASSWORD}
    assert guarded.post(f"/invitations/{secret}", data=form).status_code == 303
    again = guarded.post(f"/invitations/{secret}", data={**form, "email": "eve@example.org"})
    assert again.status_code == 404
    assert guarded.get(f"/invitations/{secret}").status_code == 404


def test_who_is_disabled_is_out_by_every_door(guarded: TestClient, database: Database) -> None:
    cookie = sign_in(guarded).cookies[SESSION_COOKIE]
    with database.writing() as session:
        user = accounts.find_by_email(session, EMAIL)
        token = tokens.create_token(session, user, "all", list(Scope))
        reset = invitations.password_secret(session, user)
        admin = User(name="Admin", email="admin@example.org", is_admin=True)
        session.add(admin)
        session.flush()
        accounts.disable(session, admin, user)
    guarded.cookies.clear()
    bearer = {"authorization": f"Bearer {token}"}
    assert guarded.get("/api/v1/me", headers=bearer).status_code == 401
    assert sign_in(guarded).status_code == 401
    guarded.cookies.set(SESSION_COOKIE, cookie)
    assert guarded.get("/account").status_code == 303
    guarded.cookies.clear()
    guarded.post(f"/invitations/{reset}", data={"password": "another long password"})
    assert guarded.get("/account").status_code == 303


FOREIGN: tuple[dict[str, str], ...] = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "http://testserver@evil.example"},
    {"Origin": "http://testserver:81"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
    {"Sec-Fetch-Site": ""},
)
KINDS = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/plain")


def test_another_sites_form_does_nothing_however_it_is_sent(guarded: TestClient) -> None:
    sign_in(guarded)
    for headers, kind in product(FOREIGN, KINDS):
        for path in ("/projects", "/api/v1/projects", "/v1/traces", "/account/tokens"):
            sent = {**headers, "content-type": kind}
            answer = guarded.post(path, content=b"name=Forged", headers=sent)
            assert answer.status_code == 403, (path, sent)
    assert "Forged" not in guarded.get("/").text


def test_no_other_site_is_let_in_by_cors(guarded: TestClient) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for method in ("GET", "OPTIONS"):
        answer = guarded.request(method, "/api/v1/projects", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_what_is_private_is_kept_by_no_cache(guarded: TestClient) -> None:
    sign_in(guarded)
    for path in ("/", "/account", "/projects/try-me", "/projects/try-me/traces"):
        told = guarded.get(path).headers["cache-control"]
        assert "private" in told or "no-store" in told, path


@pytest.mark.parametrize(
    "host", ["evil.example", "testserver.evil.example", "127.0.0.1.evil.example"]
)
def test_a_link_is_made_of_no_foreign_host(guarded: TestClient, host: str) -> None:
    answer = guarded.get("/sign-in", headers={"host": host, "x-forwarded-host": host})
    assert answer.status_code == 400
    sent = guarded.get("/sign-in", headers={"x-forwarded-host": host})
    assert host not in sent.text
