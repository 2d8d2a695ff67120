"""Runs on screen: progress that stops asking, cancelling, errors in words."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from server.db import Database
from server.models.base import stored_id, utc_now
from server.models.run import AnalysisRun, RunStatus
from server.services import projects
from server.views.times import lasting
from tests.factories import SLUG, make_project, member

HTMX = {"HX-Request": "true"}
PATH = f"/projects/{SLUG}/runs"


def make_run(database: Database, *, by: str = "Lead", **fields: Any) -> int:
    """A run of the project `try-me`, made if need be."""
    with database.writing() as session:
        asked_by = member(session, by)
        run = AnalysisRun(
            project_id=asked_by.project_id, created_by=asked_by.id, kind="group", **fields
        )
        session.add(run)
        session.flush()
        return stored_id(run)


def status_of(database: Database, run_id: int) -> tuple[RunStatus, bool]:
    with database.reading() as session:
        run = session.get_one(AnalysisRun, run_id)
        return run.status, run.cancel_requested


@pytest.fixture(autouse=True)
def _project(database: Database) -> None:
    make_project(database)


def test_a_run_under_way_shows_how_far_it_is_and_asks_again(
    client: TestClient, database: Database
) -> None:
    run_id = make_run(
        database,
        status=RunStatus.RUNNING,
        progress_done=30,
        progress_total=120,
        progress_text="embedding notes",
        started_at=utc_now() - timedelta(minutes=3),
    )
    page = client.get(f"{PATH}/{run_id}")
    assert page.status_code == 200
    assert "<html" in page.text
    assert 'http-equiv="refresh"' in page.text
    fragment = client.get(f"{PATH}/{run_id}", headers=HTMX)
    assert fragment.status_code == 200
    assert "<html" not in fragment.text
    assert 'hx-trigger="every 1s"' in fragment.text
    assert 'value="25"' in fragment.text  # 30 of 120
    assert "30 of 120" in fragment.text
    assert "embedding notes" in fragment.text
    assert "3 min" in fragment.text


def test_polling_ends_when_the_run_is_over(client: TestClient, database: Database) -> None:
    run_id = make_run(database, status=RunStatus.DONE, finished_at=utc_now())
    fragment = client.get(f"{PATH}/{run_id}", headers=HTMX)
    assert fragment.status_code == 286
    assert "hx-trigger" not in fragment.text
    assert '"run:over"' in fragment.headers["HX-Trigger"]
    assert f'href="/projects/{SLUG}/groups"' in fragment.text
    assert client.get(f"{PATH}/{run_id}").status_code == 200


def test_an_error_is_a_sentence_and_a_traceback_is_folded(
    client: TestClient, database: Database
) -> None:
    told = "Every note is grouped already."
    known = make_run(database, status=RunStatus.FAILED, error=told)
    unknown = make_run(
        database,
        status=RunStatus.FAILED,
        error='Traceback (most recent call last):\n  File "x.py"\nValueError: no rows\n',
    )
    page = client.get(f"{PATH}/{known}").text
    assert told in page
    assert "Traceback" not in page
    page = client.get(f"{PATH}/{unknown}").text
    assert "It stopped at something nobody foresaw: ValueError: no rows. What it saved" in page
    assert '<summary class="disclosure">Traceback</summary>' in page


def test_cancelling_a_waiting_run_stops_it_at_once(client: TestClient, database: Database) -> None:
    run_id = make_run(database)
    answer = client.post(f"{PATH}/{run_id}/cancel", headers=HTMX)
    assert answer.status_code == 286
    assert "cancelled" in answer.text
    assert status_of(database, run_id) == (RunStatus.CANCELLED, True)


def test_cancelling_a_working_run_asks_it_to_stop(client: TestClient, database: Database) -> None:
    run_id = make_run(database, status=RunStatus.RUNNING)
    answer = client.post(f"{PATH}/{run_id}/cancel", follow_redirects=False)
    assert answer.status_code == 303
    assert status_of(database, run_id) == (RunStatus.RUNNING, True)
    fragment = client.get(f"{PATH}/{run_id}", headers=HTMX).text
    assert "stopping" in fragment
    assert "/cancel" not in fragment


def test_what_is_over_cannot_be_cancelled(client: TestClient, database: Database) -> None:
    run_id = make_run(database, status=RunStatus.DONE)
    assert client.post(f"{PATH}/{run_id}/cancel").status_code == 409


def test_an_annotator_cancels_only_what_they_asked_for(
    client: TestClient, database: Database
) -> None:
    leads = make_run(database)
    own = make_run(database, by="Annotator A")
    client.cookies.set("faultbook_acting", "Annotator%20A")
    assert client.post(f"{PATH}/{leads}/cancel").status_code == 403
    assert f"{PATH}/{leads}/cancel" not in client.get(f"{PATH}/{leads}").text
    assert f"{PATH}/{own}/cancel" in client.get(f"{PATH}/{own}").text
    assert client.post(f"{PATH}/{own}/cancel", follow_redirects=False).status_code == 303


def test_a_read_only_project_shows_runs_and_refuses_to_cancel(
    client: TestClient, database: Database
) -> None:
    run_id = make_run(database)
    with database.writing() as session:
        project = projects.find(session, SLUG)
        project.read_only = True
        session.add(project)
    assert client.get(f"{PATH}/{run_id}").status_code == 200
    assert client.post(f"{PATH}/{run_id}/cancel").status_code == 403


def test_runs_of_other_projects_are_unknown(client: TestClient, database: Database) -> None:
    with database.writing() as session:
        other = projects.local_member(session, projects.create(session, "Other"))
        run = AnalysisRun(project_id=other.project_id, created_by=other.id, kind="group")
        session.add(run)
        session.flush()
        run_id = stored_id(run)
    assert client.get(f"{PATH}/{run_id}").status_code == 404
    assert client.post(f"{PATH}/{run_id}/cancel").status_code == 404
    assert client.get("/projects/nowhere/runs/1").status_code == 404


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (7199, "1 h"),
        (86_400, "1 day"),
        (200_000, "2 days"),
    ],
)
def test_spans_in_words(seconds: int, words: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == words
