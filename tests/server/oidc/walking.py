"""Walking through a sign-in: to the provider, back, and what the page says."""

import http.client
import re
from typing import Any

import httpx2
from fastapi.testclient import TestClient
from httpx2 import Response

from server.db import Database
from server.models.user import User
from server.queries import users
from server.routes.principal import SESSION_COOKIE
from server.services import accounts

PASSWORD = "correct horse battery"
BEGIN = "/sign-in/oidc"


def at_provider(there: str) -> str:
    """Sign in at the provider; returns the path to come back by."""
    asked = httpx2.URL(there)
    connection = http.client.HTTPConnection(asked.host, asked.port)
    connection.request("GET", asked.raw_path.decode())
    answer = connection.getresponse()
    connection.close()
    assert answer.status == 302
    return answer.headers["location"].removeprefix("http://testserver")


def way_back(visitor: TestClient, begin: str = BEGIN) -> str:
    sent = visitor.get(begin)
    assert sent.status_code == 303, sent.text
    return at_provider(sent.headers["location"])


def sign_in(visitor: TestClient, begin: str = BEGIN) -> Response:
    return visitor.get(way_back(visitor, begin))


def refusal(answer: Response) -> str:
    """What the page of a refused sign-in says, which opened no session."""
    assert answer.status_code in (403, 409, 422, 503), answer.status_code
    assert SESSION_COOKIE not in answer.cookies
    told = re.search(r'role="alert"><p>(.*?)</p>', answer.text)
    assert told is not None
    return told[1].replace("&#39;", "'")


def everybody(database: Database) -> dict[str, User]:
    with database.reading() as session:
        return {user.email: user for user in session.exec(users.everybody())}


def make_user(database: Database, email: str, **more: Any) -> None:
    with database.writing() as session:
        user = accounts.new_user(session, name="Ada", email=email, password=PASSWORD)
        for name, value in more.items():
            setattr(user, name, value)
        session.add(user)
