"""Who comes in by a provider, as which account, and who does not."""

import re

from fastapi.testclient import TestClient
from sqlmodel import select

from server.db import Database
from server.models.base import utc_now
from server.models.identity import Identity, SignInAttempt
from server.models.project import Role
from server.queries import users
from server.routes.principal import SESSION_COOKIE
from server.services import accounts, invitations, projects
from server.settings import Settings
from tests.oidc_provider import OidcProvider, Someone
from tests.server.oidc.walking import (
    BEGIN,
    PASSWORD,
    at_provider,
    everybody,
    make_user,
    refusal,
    sign_in,
)

SLUG = "try-me"


def test_somebody_signs_in_and_goes_on_to_the_page_they_wanted(
    visitor: TestClient, database: Database
) -> None:
    away = visitor.get("/account?a=1")
    page = visitor.get(away.headers["location"]).text
    button = re.search(r'href="(/sign-in/oidc\?[^"]*)"[^>]*>.*Sign in with Example ID', page)
    assert button is not None
    answer = sign_in(visitor, button[1].replace("&amp;", "&"))
    assert answer.headers["location"] == "/account?a=1"
    assert "ada@example.org" in visitor.get("/account").text
    assert everybody(database)["ada@example.org"].password_hash is None


def test_the_session_is_a_new_one_and_its_cookie_is_guarded(
    visitor: TestClient, database: Database
) -> None:
    visitor.cookies.set(SESSION_COOKIE, "planted")
    answer = sign_in(visitor)
    cookies = {line.split("=")[0]: line for line in answer.headers.get_list("set-cookie")}
    assert answer.cookies[SESSION_COOKIE] != "planted"
    assert "HttpOnly" in cookies[SESSION_COOKIE]
    assert "samesite=lax" in cookies[SESSION_COOKIE].lower()
    assert "Path=/sign-out;" in cookies["faultbook_id_token"]
    first = answer.cookies[SESSION_COOKIE]
    assert sign_in(visitor).cookies[SESSION_COOKIE] != first
    with database.reading() as session:
        assert accounts.signed_in(session, first) is None


def test_issuer_and_subject_name_somebody_not_the_address(
    visitor: TestClient, provider: OidcProvider, database: Database
) -> None:
    sign_in(visitor)
    provider.who = Someone(email="ada@new.example")
    assert sign_in(visitor).status_code == 303
    assert [*everybody(database)] == ["ada@example.org"]
    with database.reading() as session:
        assert session.exec(select(Identity)).one().email == "ada@new.example"
        assert session.exec(select(SignInAttempt)).all() == []


def test_without_an_account_only_who_was_invited_comes_in(
    visitor: TestClient, with_provider: Settings, database: Database
) -> None:
    with_provider.oidc_create_accounts = False
    make_user(database, "lead@example.org")
    assert "you have no account here" in refusal(sign_in(visitor))
    with database.writing() as session:
        leader = session.exec(users.by_email("lead@example.org")).one()
        project = projects.create(session, "Try me", leader=leader)
        secret = invitations.invite(session, leader, project, Role.ANNOTATOR)
    page = visitor.get(f"/invitations/{secret}").text
    assert "Go on with Example ID" in page
    joined = sign_in(visitor, f"{BEGIN}?invitation={secret}")
    assert joined.headers["location"] == f"/projects/{SLUG}"
    assert visitor.get(f"/projects/{SLUG}").status_code == 200
    assert visitor.get(f"/invitations/{secret}").status_code == 404
    assert sign_in(visitor).status_code == 303
    gone = visitor.get(f"{BEGIN}?invitation={secret}")
    assert "used already or has expired" in gone.text


def test_the_first_admin_may_come_by_the_provider(visitor: TestClient, database: Database) -> None:
    with database.writing() as session:
        secret = invitations.setup_secret(session)
    sign_in(visitor, f"{BEGIN}?invitation={secret}")
    assert everybody(database)["ada@example.org"].is_admin


def test_links_that_are_for_one_account_are_nothing_for_a_provider(
    visitor: TestClient, database: Database
) -> None:
    make_user(database, "lead@example.org", is_admin=True)
    with database.writing() as session:
        user = session.exec(users.by_email("lead@example.org")).one()
        secrets = [
            invitations.password_secret(session, user),
            invitations.sign_in_secret(session, user),
        ]
    for secret in secrets:
        assert "for one account" in refusal(visitor.get(f"{BEGIN}?invitation={secret}"))


def test_an_account_of_the_same_address_is_not_taken_over(
    visitor: TestClient, with_provider: Settings, provider: OidcProvider, database: Database
) -> None:
    make_user(database, "ada@example.org", is_admin=True)
    assert "Sign in as before and link it" in refusal(sign_in(visitor))
    with_provider.oidc_link_verified_email = True
    for unverified in (False, None):
        provider.who = Someone(email_verified=unverified)
        assert "Sign in as before and link it" in refusal(sign_in(visitor))
    provider.who = Someone()
    assert sign_in(visitor).status_code == 303
    # Whoever gets the same verified address later is somebody else.
    provider.who = Someone(sub="sub-2")
    assert "Sign in as before and link it" in refusal(sign_in(visitor))


def test_one_links_ones_account_from_inside(
    visitor: TestClient, provider: OidcProvider, database: Database
) -> None:
    make_user(database, "ada@home.example")
    visitor.post("/sign-in", data={"email": "ada@home.example", "password": PASSWORD})
    page = visitor.post("/account/identities")
    assert page.headers["cache-control"] == "no-store"
    there = re.search(r'href="(http://127[^"]+/authorize[^"]+)"', page.text)
    assert there is not None
    back = at_provider(there[1].replace("&amp;", "&"))
    assert visitor.get(back).headers["location"] == "/account"
    visitor.cookies.clear()
    sign_in(visitor)
    page = visitor.get("/account").text
    assert "ada@home.example" in page
    assert [*everybody(database)] == ["ada@home.example"]
    unlink = re.search(r"/account/identities/\d+/unlink", page)
    assert unlink is not None
    assert visitor.post(unlink[0]).status_code == 303
    visitor.cookies.clear()
    sign_in(visitor)  # now it is somebody of their own
    assert sorted(everybody(database)) == ["ada@example.org", "ada@home.example"]
    page = visitor.get("/account").text
    unlink = re.search(r"/account/identities/\d+/unlink", page)
    assert unlink is not None
    refused = visitor.post(unlink[0])
    assert refused.status_code == 409
    assert "the only way you have" in refused.text


def test_what_one_began_to_link_is_not_linked_to_who_signs_in_after(
    visitor: TestClient, database: Database
) -> None:
    make_user(database, "ada@home.example")
    make_user(database, "eve@home.example")
    visitor.post("/sign-in", data={"email": "ada@home.example", "password": PASSWORD})
    page = visitor.post("/account/identities").text
    there = re.search(r'href="(http://127[^"]+/authorize[^"]+)"', page)
    assert there is not None
    back = at_provider(there[1].replace("&amp;", "&"))
    visitor.post("/sign-in", data={"email": "eve@home.example", "password": PASSWORD})
    assert "Somebody else is signed in" in refusal(visitor.get(back))
    with database.reading() as session:
        assert session.exec(select(Identity)).all() == []


def test_after_a_refusal_the_way_still_leads_on(
    visitor: TestClient, provider: OidcProvider
) -> None:
    provider.answer = {"error": "access_denied", "code": ""}
    page = sign_in(visitor, f"{BEGIN}?next=/account").text
    assert 'href="/sign-in/oidc?next=%2Faccount"' in page


def test_a_disabled_account_stays_out(visitor: TestClient, database: Database) -> None:
    sign_in(visitor)
    with database.writing() as session:
        user = session.exec(users.by_email("ada@example.org")).one()
        user.disabled_at = utc_now()
        session.add(user)
    assert "account is disabled" in refusal(sign_in(visitor))


def test_only_some_domains_and_groups_are_let_in(
    visitor: TestClient, with_provider: Settings, provider: OidcProvider
) -> None:
    with_provider.oidc_domains = ["example.org"]
    for email, vouched in (("a@notexample.org", True), ("a@example.org", False), ("", None)):
        provider.who = Someone(email=email, email_verified=vouched)
        assert "addresses of example.org only" in refusal(sign_in(visitor))
    with_provider.oidc_admit_claim = "realm.roles"
    with_provider.oidc_admit_values = ["annotators"]
    provider.who = Someone()
    assert "the right group" in refusal(sign_in(visitor))
    provider.who = Someone(more={"realm": {"roles": ["guests", "annotators"]}})
    assert sign_in(visitor).status_code == 303
    provider.who = Someone()
    visitor.cookies.delete(SESSION_COOKIE)
    assert "the right group" in refusal(sign_in(visitor))


def test_a_claim_makes_an_admin_and_unmakes_only_those(
    visitor: TestClient, with_provider: Settings, provider: OidcProvider, database: Database
) -> None:
    with_provider.oidc_admin_claim, with_provider.oidc_admin_values = "groups", ["admins"]

    def is_admin() -> bool:
        assert sign_in(visitor).status_code == 303
        return everybody(database)["ada@example.org"].is_admin

    assert not is_admin()
    provider.who = Someone(more={"groups": "admins"})
    assert is_admin()
    provider.who = Someone()
    assert not is_admin()
    with database.writing() as session:
        user = session.exec(users.by_email("ada@example.org")).one()
        user.is_admin = True  # by a person
        session.add(user)
    assert is_admin()


def test_passwords_may_be_switched_off_and_a_link_of_the_server_still_opens(
    visitor: TestClient, with_provider: Settings, database: Database
) -> None:
    make_user(database, "root@example.org", is_admin=True)
    with_provider.password_sign_in = False
    assert 'type="password"' not in visitor.get("/sign-in").text
    form = {"email": "root@example.org", "password": PASSWORD}
    refused = visitor.post("/sign-in", data=form)
    assert refused.status_code == 403
    assert "Passwords are switched off" in refused.text
    with database.writing() as session:
        user = session.exec(users.by_email("root@example.org")).one()
        reset = invitations.password_secret(session, user)
        way_in = invitations.sign_in_secret(session, user)
    assert visitor.post(f"/invitations/{reset}", data={"password": PASSWORD}).status_code == 403
    assert "Sign in as root@example.org" in visitor.get(f"/invitations/{way_in}").text
    assert visitor.post(f"/invitations/{way_in}").status_code == 303
    assert visitor.get("/admin").status_code == 200
    visitor.cookies.clear()
    assert visitor.post(f"/invitations/{way_in}").status_code == 404
