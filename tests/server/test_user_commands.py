"""Accounts made on the command line work in the browser."""

from collections.abc import Callable
from typing import Any

import pytest

from server.db import Database
from server.services import accounts, tokens
from server.settings import Settings
from tests.application import serving
from tests.processes import Ended

PASSWORD = "a password of length"
Faultbook = Callable[..., Any]


@pytest.fixture
def faultbook(settings: Settings) -> Faultbook:
    """Run a subcommand on the test's database; returns what it answers as JSON."""

    def run(*words: str, code: int = 0) -> Any:
        ended = Ended(
            *words, "--data", settings.data, "--database", settings.database_url, "--json"
        )
        assert ended.code == code, ended.told
        return ended.answer

    return run


def test_an_added_user_chooses_a_password_and_signs_in(
    faultbook: Faultbook, settings: Settings
) -> None:
    added = faultbook("user", "add", "Ada@example.org", "--name", "Ada", "--admin")
    settings.no_login = False
    with serving(settings, follow_redirects=False) as client:
        form = {"email": "ada@example.org", "password": PASSWORD}
        assert client.post("/sign-in", data=form).status_code == 401
        assert client.post(added["path"], data={"password": PASSWORD}).status_code == 303
        client.cookies.clear()
        assert client.post("/sign-in", data=form).status_code == 303
        assert client.get("/admin").status_code == 200
        client.cookies.clear()
        again = faultbook("user", "reset", "ada@example.org")
        client.post(again["path"], data={"password": "another password"})
        client.cookies.clear()
        assert client.post("/sign-in", data=form).status_code == 401
        client.cookies.clear()
        opened = faultbook("user", "sign-in-link", "ada@example.org")
        assert client.post(opened["path"]).status_code == 303
        assert client.get("/admin").status_code == 200
    listed = faultbook("user", "list")["users"]
    assert listed == [{"email": "ada@example.org", "name": "Ada", "admin": True, "disabled": False}]


def test_a_token_has_the_scopes_that_were_asked_for(
    faultbook: Faultbook, database: Database
) -> None:
    faultbook("user", "add", "bob@example.org", "--name", "Bob")
    made = faultbook(
        "user", "token", "bob@example.org", "--name", "ci", "--scope", "read", "--scope", "ingest"
    )
    with database.reading() as session:
        found = tokens.holder(session, made["token"])
        assert found is not None
        assert found[0].scopes == ["ingest", "read"]
        assert accounts.find_by_email(session, "BOB@example.org").name == "Bob"


def test_what_does_not_fit_is_a_sentence(faultbook: Faultbook) -> None:
    faultbook("user", "add", "bob@example.org", "--name", "Bob")
    taken = faultbook("user", "add", "bob@example.org", "--name", "Bob", code=1)
    assert "has an account already" in taken["error"]
    nobody = faultbook("user", "reset", "eve@example.org", code=1)
    assert "Nobody has an account" in nobody["error"]
    scope = faultbook("user", "token", "bob@example.org", "--name", "x", "--scope", "all", code=1)
    assert "no scope «all»" in scope["error"]
