"""A reader at the Read screen, for tests: pages and forms of the project `try-me`."""

from urllib.parse import quote

from fastapi.testclient import TestClient
from sqlmodel import col, select

from server.db import Database
from server.models.note import Note
from server.models.verdict import Verdict
from server.services import verdicts
from tests.factories import SLUG, member
from tests.parsed import Element, parsed

PATH = f"/projects/{SLUG}/read"
HTMX = {"HX-Request": "true"}


def act_as(client: TestClient, name: str) -> None:
    client.cookies.set("faultbook_acting", quote(name))


def page(client: TestClient, path: str) -> Element:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return parsed(answer.text)


def post(client: TestClient, path: str, *, htmx: bool = False, **form: object) -> Element:
    """Send a form; without htmx the page that it leads to is returned."""
    answer = client.post(f"{PATH}/{path}", data=form, headers=HTMX if htmx else {})
    assert answer.status_code in (200, 204), answer.text
    return parsed(answer.text)


def verdict(database: Database, trace_id: int, name: str = "Lead") -> Verdict | None:
    with database.reading() as session:
        return verdicts.own_verdict(session, member(session, name), trace_id)


def written(database: Database) -> list[Note]:
    with database.reading() as session:
        return [*session.exec(select(Note).order_by(col(Note.id)))]


def pressed(shown: Element) -> list[str]:
    buttons = shown.all("button", name="value", aria_pressed="true")
    return [button.attributes["value"] for button in buttons]
