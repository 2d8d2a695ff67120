"""Headers on every answer, and no change from another site."""

import pytest
from fastapi.testclient import TestClient
from starlette.datastructures import Headers

from server.security import is_same_origin
from server.settings import Settings
from tests.factories import SLUG, make_project


@pytest.mark.parametrize("path", ["/", "/projects/none", "/nowhere", "/static/css/base.css"])
def test_every_answer_carries_the_strict_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),  # no browser: curl, a script
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),  # typed by the person
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://here"}, False),
        ({"origin": "http://here", "host": "here"}, True),
        ({"origin": "http://there", "host": "here"}, False),
        ({"origin": "null", "host": "here"}, False),
    ],
)
def test_who_may_change_something(headers: dict[str, str], allowed: bool) -> None:
    assert is_same_origin("POST", Headers(headers)) is allowed
    assert is_same_origin("GET", Headers(headers)) is True


def test_a_post_from_another_site_changes_nothing(client: TestClient) -> None:
    answer = client.post(
        "/projects", data={"name": "Forged"}, headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403
    assert "Forged" not in client.get("/").text


def test_another_host_name_is_refused(client: TestClient) -> None:
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400


def test_a_form_over_the_limit_is_refused_before_it_is_read(
    client: TestClient, settings: Settings
) -> None:
    huge = "x" * (settings.form_limit_bytes + 1)
    assert client.post("/projects", data={"name": huge}).status_code == 413
    assert "x" * 100 not in client.get("/").text


def test_going_back_stays_on_our_own_site(client: TestClient, settings: Settings) -> None:
    app_database = client.app.state.database  # type: ignore[attr-defined]  # Starlette's app
    make_project(app_database)
    elsewhere = client.post(
        "/acting",
        data={"annotator": 1},
        headers={"referer": "http://evil.example/projects/x"},
        follow_redirects=False,
    )
    assert elsewhere.headers["location"] == "/"
    here = client.post(
        "/acting",
        data={"annotator": 1},
        headers={"referer": f"http://testserver/projects/{SLUG}?a=1"},
        follow_redirects=False,
    )
    assert here.headers["location"] == f"/projects/{SLUG}?a=1"


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example"])
def test_a_path_that_browsers_read_as_a_host_is_no_way_back(client: TestClient, path: str) -> None:
    make_project(client.app.state.database)  # type: ignore[attr-defined]  # Starlette's app
    answer = client.post(
        "/acting",
        data={"annotator": 1},
        headers={"referer": f"http://testserver{path}"},
        follow_redirects=False,
    )
    assert answer.headers["location"] == "/"


def test_text_that_the_database_cannot_keep_is_refused_in_words(client: TestClient) -> None:
    make_project(client.app.state.database)  # type: ignore[attr-defined]  # Starlette's app
    database = client.app.state.database  # type: ignore[attr-defined]  # Starlette's app
    answer = client.post(f"/projects/{SLUG}/read/1/notes", data={"text": "with \x00 in it"})
    # PostgreSQL keeps no NUL; SQLite does. Neither may end in an error of the server's own.
    expected = 200 if database.takes_turns else 422
    assert answer.status_code == expected
