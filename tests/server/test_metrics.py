"""Metrics: what Prometheus reads agrees with the database, and only the token opens it."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.db import Database
from server.metrics import RequestMetrics, added_up
from server.models.base import stored_id, utc_now
from server.models.run import AnalysisRun, RunStatus
from server.services import notes, projects
from server.settings import Settings
from tests.application import serving
from tests.factories import SLUG, make_project, member

TOKEN = {"authorization": "Bearer long-enough"}
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((f"faultbook_{name}", frozenset(labels.items())))


def test_metrics_say_what_the_database_holds_and_how_requests_went(
    settings: Settings, database: Database
) -> None:
    traces = make_project(database)
    settings.metrics_token = "long-enough"
    with serving(settings) as client:  # which looks after lost runs when it starts
        with database.writing() as session:
            notes.add_note(session, member(session), traces[0], text="It invents a refund.")
            project_id = stored_id(projects.find(session, SLUG))
            now = utc_now()
            waiting: dict[str, Any] = {
                "status": RunStatus.QUEUED,
                "created_at": now - timedelta(minutes=7),
            }
            silent: dict[str, Any] = {
                "status": RunStatus.RUNNING,
                "heartbeat_at": now - timedelta(minutes=5),
            }
            done = {"started_at": now - timedelta(seconds=90), "finished_at": now}
            for state in (waiting, silent, {**done, "status": RunStatus.DONE}):
                session.add(AnalysisRun(project_id=project_id, kind="signals", **state))
        for trace_id in traces:
            client.get(f"/projects/{SLUG}/read/{trace_id}")
        client.get("/projects/nobody")
        found = samples(client.get("/metrics", headers=TOKEN).text)
    assert (of(found, "traces"), of(found, "notes"), of(found, "labels")) == (3, 1, 0)
    assert of(found, "runs", kind="signals", state="queued") == 1
    assert of(found, "silent_runs") == 1
    assert of(found, "longest_run_seconds", kind="signals") == pytest.approx(90)
    assert 420 <= (of(found, "oldest_waiting_run_seconds") or 0) < 480
    read = {"method": "GET", "route": "/projects/{slug}/read/{trace_id}", "status": "2xx"}
    assert of(found, "request_seconds_count", **read) == 3
    lost = {"method": "GET", "route": "/projects/{slug}", "status": "4xx"}
    assert of(found, "request_seconds_count", **lost) == 1
    told = "\n".join(map(str, found))
    assert SLUG not in told
    assert "refund" not in told


def test_without_the_token_there_are_none(settings: Settings) -> None:
    with serving(settings) as client:
        assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404
    settings.metrics_token = "long-enough"
    with serving(settings) as client:
        assert client.get("/metrics").status_code == 403
        assert client.get("/metrics", headers={"authorization": "Bearer long"}).status_code == 403
        assert client.get("/metrics", headers=TOKEN).status_code == 200


def test_processes_are_given_a_folder_to_add_up_in_that_goes_with_them() -> None:
    with added_up():
        folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
        assert folder.is_dir()
    assert not folder.exists()
    assert RequestMetrics().exposition(())
