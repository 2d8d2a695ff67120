"""The log of requests: one id for all that happens in one, and no words of people."""

import io
import json
import logging
import sys
from typing import Any

import pytest
from fastapi.testclient import TestClient
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from server import tasks
from server.db import Database
from server.jobs import Jobs
from server.logs import configure_logging
from server.models.base import stored_id
from server.models.run import AnalysisRun
from server.request_log import REQUEST_ID
from server.services import projects
from server.settings import Settings
from tests.application import serving
from tests.factories import SLUG, make_project


def requests(logged: list[Any]) -> list[dict[str, Any]]:
    return [line for line in logged if "route" in line]


def test_a_request_has_an_id_of_its_own_or_the_one_it_came_with(client: TestClient) -> None:
    first, second = (client.get("/").headers[REQUEST_ID] for _ in range(2))
    assert len({first, second}) == 2
    given = {REQUEST_ID: "edge-proxy.0123_a"}
    assert client.get("/", headers=given).headers[REQUEST_ID] == "edge-proxy.0123_a"
    for forged in ("short", "x" * 65, "no spaces here", '{"json": 1}'):
        assert client.get("/", headers={REQUEST_ID: forged}).headers[REQUEST_ID] != forged


def test_each_request_is_one_line_without_the_words_of_people(
    settings: Settings, database: Database
) -> None:
    make_project(database)
    settings.log_requests = True
    with serving(settings) as client, capture_logs() as logged:
        client.get(f"/projects/{SLUG}/traces?text=secret-of-a-patient")
        client.get("/invitations/a-one-time-secret")
        client.get("/api/v1/projects", headers={"authorization": "Bearer a-wrong-secret"})
        client.get("/healthz")
        client.get("/static/css/base.css")
        client.get("/secret-page-of-nobody")
    lines = requests(logged)
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/projects/{slug}/traces", 200),
        ("/invitations/{secret}", 404),
        ("/api/v1/projects", 401),
        ("no route", 404),
    ]
    assert lines[0]["project"] == SLUG
    assert lines[0]["client"] == "testclient"
    assert all(line["ms"] > 0 for line in lines)
    assert "secret-" not in repr(logged)
    assert "-secret" not in repr(logged)


def test_a_slow_request_is_told_though_requests_are_not(
    settings: Settings, database: Database
) -> None:
    make_project(database)
    with serving(settings) as client, capture_logs() as logged:
        client.get(f"/projects/{SLUG}")
        settings.log_slow_ms = 1
        client.get(f"/projects/{SLUG}")
    assert [line["event"] for line in requests(logged)] == ["slow request"]


def test_a_failure_has_its_id_on_the_page_and_in_the_log_and_keeps_the_strict_headers(
    client: TestClient, database: Database
) -> None:
    make_project(database)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE trace RENAME TO gone")
    with capture_logs() as logged:
        answer = client.get(f"/projects/{SLUG}/traces", params={"text": "words-of-a-trace"})
    assert answer.status_code == 500
    assert answer.headers[REQUEST_ID] in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    (failure,) = requests(logged)
    assert (failure["event"], failure["route"]) == ("a request failed", "/projects/{slug}/traces")


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure_logging(json_lines=True)
    return written


def test_what_libraries_log_is_json_as_well(lines: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").error("Invalid HTTP request received.")
    try:
        raise KeyError("gone")
    except KeyError:
        logging.getLogger("some.library").exception("it failed")
    first, second = (json.loads(line) for line in lines.getvalue().splitlines())
    assert (first["event"], first["level"]) == ("Invalid HTTP request received.", "error")
    assert "KeyError: 'gone'" in second["exception"]


def test_a_run_logs_how_it_ended_but_no_words_of_its_failure(
    settings: Settings, database: Database
) -> None:
    make_project(database)
    jobs = Jobs.immediate()
    tasks.attach(jobs, database, settings)
    with database.writing() as session:
        project_id = stored_id(projects.find(session, SLUG))
        run = AnalysisRun(project_id=project_id, kind="import", parameters={"file": "a-secret"})
        session.add(run)
        session.flush()
        run_id = stored_id(run)
    with capture_logs(processors=[merge_contextvars]) as logged:
        jobs.enqueue_now(run_id)
    ended = [entry for entry in logged if entry["event"] == "run ended"]
    (line,) = [entry for entry in ended if entry["run_id"] == run_id]
    assert line["log_level"] == "error"
    assert (line["kind"], line["status"]) == ("import", "failed")
    assert "a-secret" not in repr(line)
