"""Ids of another project, in every path and every field: nobody reads or changes what they name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlmodel import SQLModel

from server.api.app import PATH as API
from server.api.app import ROUTERS as API_ROUTERS
from server.app import ROUTERS
from server.db import Database
from server.models.project import Role
from server.models.user import User
from server.routes.principal import SESSION_COOKIE
from server.schema import upgrade
from server.services import accounts, projects
from server.settings import Settings
from tests.application import serving
from tests.attack import hostile_project

OWN = "ours"
SECRET = "jaVasCript:"
"""Begins texts of the other project alone."""
ROUTES = sorted(
    (method, prefix + route.path)
    for prefix, routers in (("", ROUTERS), (API, API_ROUTERS))
    for router in routers
    for route in router.routes
    if isinstance(route, APIRoute) and "/projects/{slug}" in route.path
    for method in route.methods
)
NAMING = [(method, path) for method, path in ROUTES if re.findall(r"\{(?!slug)\w+", path)]


@dataclass(frozen=True)
class Beside:
    """A server with the hostile project, and a lead of another one."""

    client: TestClient
    database: Database


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    """Signed in as the lead of an empty project, who takes no part in the other."""
    settings = Settings(data=tmp_path_factory.mktemp("beside") / "data")
    database = Database.from_url(settings.database_url)
    upgrade(database)
    hostile_project.fill(database)
    with database.writing() as session:
        user = User(name="Mallory", email="mallory@example.org")
        session.add(user)
        session.flush()
        own = projects.create(session, OWN, leader=user)
        assert own.slug == OWN
        secret = accounts.open_session(session, user).secret
    with serving(settings, follow_redirects=False) as client:
        client.cookies.set(SESSION_COOKIE, secret)
        yield Beside(client, database)
    database.dispose()


def aimed(path: str) -> str:
    """Fill a path in our own project with ids that only the other one has."""
    known = {"slug": OWN, "lens": "hazard", "kind": "json", "format": "jsonl", "figure": "curves"}
    filled = re.sub(r"\{(\w+)(:\w+)?\}", lambda found: known.get(found[1], "1"), path)
    return filled.replace("/adjudication/1/1", "/adjudication/1/verdict")


def contents(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row, table by table; of sessions only who has them, since they note each visit."""
    with database.reading() as session:
        return {
            table.name: sorted(map(tuple, session.execute(sa.select(table)).all()), key=repr)
            for table in SQLModel.metadata.sorted_tables
            if table.name not in ("user_session", "analysis_run")
        }


def test_there_are_routes_that_name_rows() -> None:
    assert len(NAMING) > 150


def test_a_row_of_another_project_is_found_by_no_path(beside: Beside) -> None:
    leaking = {}
    for method, path in NAMING:
        if method != "GET":
            continue
        answer = beside.client.get(aimed(path))
        if answer.status_code >= 500 or SECRET in answer.text or "hostile" in answer.text:
            leaking[path] = answer.status_code
    assert leaking == {}


BODY: dict[str, Any] = {
    **dict.fromkeys(("trace_id", "note_id", "mode_id", "batch_id", "annotator_id", "owner_id"), 1),
    **dict.fromkeys(("parent_id", "into", "source", "mode", "note", "label_mode", "taxonomy"), 1),
    **dict.fromkeys(("version", "seen", "step", "annotator", "target"), 1),
    **{name: [1] for name in ("note_ids", "notes", "traces")},
    **dict.fromkeys(("text", "name", "reason", "why", "definition", "title"), "x"),
    **{"value": "fail", "outcome": "correct", "status": "draft", "role": Role.LEAD.value},
    "second": "hostile/1",
}
"""Every field that names a row, or that another field asks for."""


def test_a_row_of_another_project_is_changed_by_nobody(beside: Beside) -> None:
    def others() -> dict[str, list[tuple[object, ...]]]:
        rows = contents(beside.database)
        with beside.database.reading() as session:
            own = projects.find(session, OWN).id
        event = SQLModel.metadata.tables["event"].columns.keys().index("project_id")
        return {
            "trace": rows["trace"],
            "step": rows["step"],
            "note": rows["note"],
            "label": rows["label"],
            "verdict": rows["verdict"],
            "grouping": rows["grouping"],
            "comment": rows["comment"],
            "judge": rows["judge"],
            "import": [row for row in rows["import"] if own not in row[:3]],
            "webhook": rows["webhook"],
            "event": [row for row in rows["event"] if row[event] != own],
        }

    before, failed = others(), {}
    for method, path in ROUTES:
        if method == "GET" or path.endswith(("/imports", "/views/import")):
            continue
        url = aimed(path)
        sent = {"json": {}} if path.startswith(API) else {"data": BODY}
        answers = [beside.client.request(method, url, **sent)]
        if path.startswith(API):
            fields = fields_of(beside.client, method, path)
            body = {name: held for name, held in BODY.items() if name in fields}
            answers.append(beside.client.request(method, url, json=body))
        for answer in answers:
            if answer.status_code >= 500 or SECRET in answer.text:
                failed[method, path] = answer.status_code
    assert failed == {}
    assert others() == before


_schema: dict[str, dict[str, set[str]]] = {}


def fields_of(client: TestClient, method: str, path: str) -> set[str]:
    """Return the fields that a body of the API may have."""
    if not _schema:
        told = client.get(f"{API}/openapi.json").json()
        models = told["components"]["schemas"]
        for where, operations in told["paths"].items():
            for verb, operation in operations.items():
                content = operation.get("requestBody", {}).get("content", {})
                named = content.get("application/json", {}).get("schema", {}).get("$ref", "")
                model = models.get(named.rsplit("/", 1)[-1], {})
                _schema.setdefault(where, {})[verb] = set(model.get("properties", {}))
    return _schema[path.removeprefix(API)][method.lower()]


def test_what_others_have_cannot_be_asked_for_by_a_field(beside: Beside) -> None:
    """Filters, comparisons and lists that take an id or a name give nothing of others'."""
    asked = ("trace_id", "mode_id", "batch", "import", "mode", "label_mode", "after", "by", "left")
    query = {**dict.fromkeys(asked, "1"), "right": "2", "second": "hostile/1", "text": "script"}
    leaking = {}
    for method, path in ROUTES:
        if method != "GET" or path.startswith(API):
            continue
        answer = beside.client.get(aimed(path), params=query)
        if answer.status_code >= 500 or SECRET in answer.text:
            leaking[path] = answer.status_code
    assert leaking == {}
