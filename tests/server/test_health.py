"""Liveness asks nobody; readiness asks the database, its revision and the queue."""

import sqlite3
from pathlib import Path

from fastapi.testclient import TestClient

from server import schema
from server.app import create_app
from server.db import Database
from server.jobs import Jobs
from server.settings import Settings


def test_a_new_server_is_alive_and_ready_for_anybody(settings: Settings) -> None:
    settings.no_login = False
    app = create_app(settings, jobs=Jobs.on_disk(settings.jobs_path), runs_jobs=False)
    with TestClient(app) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"database": "ok", "schema": "ok", "jobs": "ok"},
    }


def test_an_older_revision_is_alive_but_not_ready(client: TestClient, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'older'")
    assert schema.current_revision(database) == "older"
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["schema"] == "not at the revision of this version"


def test_a_database_that_does_not_answer_is_told(tmp_path: Path, settings: Settings) -> None:
    app = create_app(settings, jobs=Jobs.immediate(), runs_jobs=False)
    with TestClient(app) as client:
        app.state.database.dispose()
        app.state.database = Database.from_url(f"sqlite:///{tmp_path}")  # a folder, no file
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "checks": {"database": "does not answer", "schema": "unknown", "jobs": "ok"},
    }


def test_a_lost_queue_is_told(settings: Settings) -> None:
    app = create_app(settings, jobs=Jobs.on_disk(settings.jobs_path), runs_jobs=False)
    with TestClient(app) as client:
        with sqlite3.connect(settings.jobs_path) as queue:
            queue.execute("DROP TABLE task")
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["jobs"] == "cannot be reached"
