"""Accounts: the first admin, invitations, sessions that end, tokens with scopes, rate limits."""

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from server.db import Database
from server.models.project import Role
from server.models.user import User
from server.queries import users
from server.services import accounts, invitations, projects, tokens
from server.services.tokens import Scope
from server.settings import Settings
from tests.application import serving
from tests.passwords import THOROUGH

PASSWORD = "correct horse battery"
SLUG = "try-me"


@pytest.fixture
def guarded(settings: Settings) -> Iterator[TestClient]:
    """The application of a server on which people sign in."""
    settings.no_login = False
    with serving(settings, follow_redirects=False) as client:
        yield client


def make_user(database: Database, email: str, *, is_admin: bool = False) -> int:
    with database.writing() as session:
        name = email.partition("@")[0].title()
        user = accounts.new_user(session, name=name, email=email, password=PASSWORD)
        user.is_admin = is_admin
        session.add(user)
        session.flush()
        assert user.id is not None
        return user.id


def make_project(database: Database, leader: int) -> None:
    with database.writing() as session:
        projects.create(session, "Try me", leader=session.get_one(User, leader))


def take_part(database: Database, user_id: int, role: Role) -> None:
    with database.writing() as session:
        project_id = projects.find(session, SLUG).id
        assert project_id is not None
        accounts.take_part(session, project_id, session.get_one(User, user_id), role)


def sign_in(client: TestClient, email: str, password: str = PASSWORD) -> Response:
    client.cookies.clear()
    return client.post("/sign-in", data={"email": email, "password": password})


def test_servers_store_passwords_so_that_guessing_takes_work() -> None:
    # Above what OWASP asks of Argon2id: 19 MiB of memory and two passes.
    assert THOROUGH.hash(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,")


def test_the_setup_link_makes_the_first_admin_once(guarded: TestClient, database: Database) -> None:
    with database.writing() as session:
        assert accounts.needs_setup(session)
        secret = invitations.setup_secret(session)
    form = {"name": "Ada", "email": "Ada@Example.org", "password": PASSWORD}
    assert "first admin" in guarded.get(f"/invitations/{secret}").text
    answer = guarded.post(f"/invitations/{secret}", data=form)
    assert answer.status_code == 303
    assert guarded.get("/admin").status_code == 200

    again = guarded.post(f"/invitations/{secret}", data={**form, "email": "eve@example.org"})
    assert again.status_code == 404
    with database.reading() as session:
        assert [user.email for user in session.exec(users.everybody())] == ["ada@example.org"]
        assert not accounts.needs_setup(session)


def test_a_setup_link_says_that_people_have_accounts_rather_than_an_admin(
    guarded: TestClient, database: Database
) -> None:
    with database.writing() as session:
        secret = invitations.setup_secret(session)
        accounts.add_without_password(session, name="Ann", email="ann@example.org", is_admin=False)
    form = {"name": "Ada", "email": "ada@example.org", "password": PASSWORD}
    for answer in (
        guarded.get(f"/invitations/{secret}"),
        guarded.post(f"/invitations/{secret}", data=form),
    ):
        assert answer.status_code == 404
        assert "This server has accounts already" in answer.text


def test_projects_are_offered_to_who_is_signed_in(guarded: TestClient, database: Database) -> None:
    assert "Choose a project" not in guarded.get("/sign-in").text
    with database.writing() as session:
        secret = invitations.setup_secret(session)
    form = {"name": "Ada", "email": "ada@example.org", "password": PASSWORD}
    guarded.post(f"/invitations/{secret}", data=form)
    assert "Choose a project" in guarded.get("/account").text


def test_a_newer_setup_link_ends_the_older(database: Database) -> None:
    with database.writing() as session:
        first = invitations.setup_secret(session)
        second = invitations.setup_secret(session)
        assert invitations.invitation(session, second)
        with pytest.raises(Exception, match="used already or has expired"):
            invitations.invitation(session, first)


def test_nobody_sees_anything_before_signing_in(guarded: TestClient, database: Database) -> None:
    make_project(database, make_user(database, "lead@example.org"))
    for path in ("/", f"/projects/{SLUG}/settings", "/account", "/admin"):
        answer = guarded.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?next=")
    assert guarded.post("/projects", data={"name": "x"}).status_code == 401


def test_signing_in_goes_on_to_the_page_and_only_to_pages_here(
    guarded: TestClient, database: Database
) -> None:
    make_user(database, "ada@example.org")
    form = {"email": "ada@example.org", "password": PASSWORD}
    here = guarded.post("/sign-in", data={**form, "next": "/account?a=1"})
    assert here.headers["location"] == "/account?a=1"
    for evil in ("//evil.example", "https://evil.example/", "/\\evil.example", "javascript:1"):
        away = guarded.post("/sign-in", data={**form, "next": evil})
        assert away.headers["location"] == "/", evil


def test_every_sign_in_has_a_session_of_its_own_that_signing_out_ends(
    guarded: TestClient, database: Database
) -> None:
    make_user(database, "ada@example.org")
    fixed = "attackers-choice"
    guarded.cookies.set("faultbook_session", fixed)
    first = guarded.post("/sign-in", data={"email": "ada@example.org", "password": PASSWORD})
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    secret = re.match("faultbook_session=([^;]+)", cookie)
    assert secret is not None
    assert secret[1] != fixed
    guarded.cookies.clear()
    guarded.cookies.set("faultbook_session", secret[1])
    assert guarded.get("/account").status_code == 200
    guarded.post("/sign-out")
    guarded.cookies.clear()
    guarded.cookies.set("faultbook_session", secret[1])
    assert guarded.get("/account").status_code == 303


def test_a_wrong_password_and_an_unknown_address_look_the_same(
    guarded: TestClient, database: Database
) -> None:
    make_user(database, "ada@example.org")
    wrong = sign_in(guarded, "ada@example.org", "not the password")
    unknown = sign_in(guarded, "eve@example.org", "not the password")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace("ada@", "eve@") == unknown.text


def test_too_many_tries_must_wait_even_with_the_right_password(
    guarded: TestClient, database: Database
) -> None:
    make_user(database, "ada@example.org")
    make_user(database, "bea@example.org")
    for _ in range(10):
        assert sign_in(guarded, "ada@example.org", "guess").status_code == 401
    refused = sign_in(guarded, "ada@example.org")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert sign_in(guarded, "bea@example.org").status_code == 303


def test_an_invited_annotator_joins_with_that_role_and_strangers_see_no_project(
    guarded: TestClient, database: Database
) -> None:
    make_project(database, make_user(database, "lead@example.org"))
    make_user(database, "stranger@example.org")
    sign_in(guarded, "lead@example.org")
    page = guarded.post(
        f"/projects/{SLUG}/members/invitations", data={"role": "annotator", "email": "a@b.org"}
    )
    link = re.search(r"/invitations/[\w-]+", page.text)
    assert link is not None

    guarded.cookies.clear()
    form = {"name": "Ann", "email": "ann@example.org", "password": PASSWORD}
    assert guarded.post(link[0], data=form).headers["location"] == f"/projects/{SLUG}"
    assert guarded.get(f"/projects/{SLUG}/settings").status_code == 200
    refused = guarded.post(
        f"/projects/{SLUG}/members/invitations", data={"role": "lead", "email": ""}
    )
    assert refused.status_code == 403

    sign_in(guarded, "stranger@example.org")
    assert guarded.get(f"/projects/{SLUG}/settings").status_code == 404
    home = guarded.get("/").text
    assert "Try me" not in home
    assert "You take part in no project yet" in home
    assert guarded.get("/admin").status_code == 403


def test_an_admin_without_a_project_is_led_to_those_there_are(
    guarded: TestClient, database: Database
) -> None:
    make_project(database, make_user(database, "lead@example.org"))
    make_user(database, "admin@example.org", is_admin=True)
    sign_in(guarded, "admin@example.org")
    home = guarded.get("/").text
    assert "This server has 1 project: take part in one under" in home
    assert 'href="/admin#projects"' in home


def test_a_user_with_an_account_joins_without_a_second_one(
    guarded: TestClient, database: Database
) -> None:
    lead = make_user(database, "lead@example.org")
    make_project(database, lead)
    make_user(database, "ann@example.org")
    with database.writing() as session:
        project = projects.find(session, SLUG)
        by = session.get_one(User, lead)
        secret = invitations.invite(session, by, project, Role.VIEWER)
    sign_in(guarded, "ann@example.org")
    assert "Join as Ann" in guarded.get(f"/invitations/{secret}").text
    assert guarded.post(f"/invitations/{secret}/join").headers["location"] == f"/projects/{SLUG}"
    assert guarded.get(f"/projects/{SLUG}/settings").status_code == 200
    assert guarded.post(f"/projects/{SLUG}/undo").status_code == 403  # viewers change nothing


def test_a_reset_link_sets_the_password_and_ends_every_session(
    guarded: TestClient, database: Database
) -> None:
    make_user(database, "admin@example.org", is_admin=True)
    ann = make_user(database, "ann@example.org")
    sign_in(guarded, "ann@example.org")
    anns_cookies = dict(guarded.cookies)
    sign_in(guarded, "admin@example.org")
    page = guarded.post(f"/admin/users/{ann}/reset")
    assert page.headers["cache-control"] == "no-store"
    link = re.search(r"/invitations/[\w-]+", page.text)
    assert link is not None

    guarded.cookies.clear()
    guarded.post(link[0], data={"password": "a new long password"})
    guarded.cookies.clear()
    guarded.cookies.update(anns_cookies)
    assert guarded.get("/account").status_code == 303
    assert sign_in(guarded, "ann@example.org").status_code == 401
    assert sign_in(guarded, "ann@example.org", "a new long password").status_code == 303


def test_a_disabled_user_is_out_at_once(guarded: TestClient, database: Database) -> None:
    make_user(database, "admin@example.org", is_admin=True)
    ann = make_user(database, "ann@example.org")
    with database.writing() as session:
        user = session.get_one(User, ann)
        secret = tokens.create_token(session, user, "script", [Scope.READ])
    sign_in(guarded, "ann@example.org")
    anns_cookies = dict(guarded.cookies)
    sign_in(guarded, "admin@example.org")
    assert guarded.post(f"/admin/users/{ann}/disable").status_code == 303
    guarded.cookies.clear()
    guarded.cookies.update(anns_cookies)
    assert guarded.get("/account").status_code == 303
    guarded.cookies.clear()
    assert sign_in(guarded, "ann@example.org").status_code == 401
    bearer = {"authorization": f"Bearer {secret}"}
    assert guarded.post("/projects", data={"name": "x"}, headers=bearer).status_code == 401


def test_one_may_end_ones_session_elsewhere(guarded: TestClient, database: Database) -> None:
    make_user(database, "ada@example.org")
    sign_in(guarded, "ada@example.org")
    elsewhere = dict(guarded.cookies)
    sign_in(guarded, "ada@example.org")
    page = guarded.get("/account").text
    revoke = re.search(r"/account/sessions/\d+/revoke", page)
    assert revoke is not None
    guarded.post(revoke[0])
    assert guarded.get("/account").status_code == 200
    guarded.cookies.clear()
    guarded.cookies.update(elsewhere)
    assert guarded.get("/account").status_code == 303


def test_a_token_does_what_its_scopes_say(guarded: TestClient, database: Database) -> None:
    lead = make_user(database, "lead@example.org")
    make_project(database, lead)
    with database.writing() as session:
        user = session.get_one(User, lead)
        reading = tokens.create_token(session, user, "reads", [Scope.READ])
        leading = tokens.create_token(session, user, "leads", [Scope.READ, Scope.LEAD])
        stored = [token.token_hash for token in session.exec(users.tokens_of(lead))]
    assert not {reading, leading} & set(stored)  # only hashes are stored

    def bearer(secret: str) -> dict[str, str]:
        return {"authorization": f"Bearer {secret}"}

    page = f"/projects/{SLUG}/settings"
    form = {"name": "Renamed", "stage": "open_coding"}
    assert guarded.get(page, headers=bearer(reading)).status_code == 200
    assert guarded.post(page, data=form, headers=bearer(reading)).status_code == 403
    assert guarded.post(page, data=form, headers=bearer(leading)).status_code == 303
    new = {"name": "Another"}
    assert guarded.post("/projects", data=new, headers=bearer(reading)).status_code == 403
    assert guarded.post("/projects", data=new, headers=bearer(leading)).status_code == 303
    assert guarded.get(page, headers=bearer("faultbook_guess")).status_code == 303
    # Tokens never reach the account itself.
    forged = guarded.post("/account/tokens", data={"name": "more"}, headers=bearer(leading))
    assert forged.status_code == 401


def test_the_only_lead_stays_lead(guarded: TestClient, database: Database) -> None:
    make_project(database, make_user(database, "lead@example.org"))
    sign_in(guarded, "lead@example.org")
    page = guarded.get(f"/projects/{SLUG}/members").text
    change = re.search(rf"/projects/{SLUG}/members/\d+/role", page)
    assert change is not None
    refused = guarded.post(change[0], data={"role": "viewer"})
    assert refused.status_code == 409
    assert "at least one lead" in refused.text


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"name": "", "email": "a@b.org", "password": PASSWORD}, "Tell your name"),
        ({"name": "A", "email": "nowhere", "password": PASSWORD}, "no e-mail address"),
        ({"name": "A", "email": "a@b.org", "password": "short"}, "at least 10 characters"),
        ({"name": "A", "email": "TAKEN@example.org", "password": PASSWORD}, "has an account"),
    ],
)
def test_a_form_that_does_not_fit_uses_up_no_link(
    guarded: TestClient, database: Database, form: dict[str, str], told: str
) -> None:
    lead = make_user(database, "taken@example.org")
    make_project(database, lead)
    with database.writing() as session:
        by = session.get_one(User, lead)
        secret = invitations.invite(session, by, projects.find(session, SLUG), Role.VIEWER)
    refused = guarded.post(f"/invitations/{secret}", data=form)
    assert refused.status_code == 422
    assert told in refused.text
    with database.reading() as session:
        assert invitations.invitation(session, secret)
