"""Pages about much that was read: a job computes them, and they are shown until they are old."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from server.db import Database
from server.models.base import stored_id
from server.models.run import AnalysisRun, RunKind, RunStatus
from server.services import erasure, lens_runs, notes, runs
from server.settings import Settings
from server.views import long_pages
from server.views.long_pages import ComputedPage, PageAtHand
from tests.databases import Databases, Prefilled
from tests.factories import SLUG, member
from tests.judged import Judged, judged_once

BASE = f"/projects/{SLUG}"


@pytest.fixture(scope="module")
def made(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Judged, Prefilled]:
    return judged_once(databases, tmp_path_factory.mktemp("long") / "data")


@pytest.fixture
def prefilled(made: tuple[Judged, Prefilled]) -> Prefilled:
    return made[1]


def main_of(page: str) -> str:
    """Return what a page says, but when it was computed and how whole coordinates are written."""
    content = page[page.index("<main") : page.index("</main>")]
    told = re.sub(r'<p class="hint" role="status">Computed.*?</p>', "", content)
    told = re.sub(r"\s+", "", told)
    return re.sub(r"(\d)\.0\b", r"\1", told)


@pytest.mark.parametrize("name", ["report", "regression", "transitions"])
def test_a_job_computes_the_page_that_would_have_been_built_at_once(
    client: TestClient, database: Database, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{BASE}/{name}"
    at_once = client.get(path).text
    monkeypatch.setattr(long_pages, "AT_ONCE", 0)
    assert f'action="{path}/compute"' in client.get(path).text
    answer = client.post(f"{path}/compute", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    computed = client.get(path).text
    assert "Computed" in computed
    assert main_of(computed) == main_of(at_once)
    with database.writing() as session:
        notes.add_note(session, member(session), 1, "Seen since")
    old = client.get(path).text
    assert "before what was decided since" in old
    assert f'action="{path}/compute"' in old


def test_a_report_that_is_not_computed_yet_is_no_file(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_pages, "AT_ONCE", 0)
    answer = client.get(f"{BASE}/report/json")
    assert answer.status_code == 404
    assert "not computed yet" in answer.text
    pending = client.get(f"/api/v1{BASE}/report/json")
    assert pending.status_code == 202
    assert pending.json() == {
        "run": None,
        "reason": "Report takes longer than a request may: ask for a run.",
    }
    assert client.post(f"/api/v1{BASE}/report").status_code == 202
    assert client.get(f"/api/v1{BASE}/report/json").json()["project"] == SLUG
    assert client.get(f"{BASE}/report/json").json()["project"] == SLUG


def test_what_is_erased_while_a_page_is_computed_is_in_no_file(
    client: TestClient, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_pages, "AT_ONCE", 0)
    with database.writing() as session:
        who = member(session)
        hand = PageAtHand(session, who, settings, "report", ())
        run = AnalysisRun(
            project_id=who.project_id,
            kind=RunKind.PAGE,
            parameters={**hand.parameters, lens_runs.ANNOTATOR: who.id},
            input_digest=hand.digest,
        )
        session.add(run)
        session.flush()
        run_id = stored_id(run)

    def built_before_the_erasure(*asked: Any) -> ComputedPage:
        page = long_pages.built(*asked)
        with database.writing() as session:
            erasure.erase(session, settings, member(session), 1)
        return page

    handlers = {
        RunKind.PAGE: lambda context: lens_runs.perform(context, answered=built_before_the_erasure)
    }
    runs.perform(database, settings, handlers, run_id)
    assert not list(settings.artefacts.glob("lens-*"))
    with database.reading() as session:
        ended = session.get_one(AnalysisRun, run_id)
        assert (ended.status, ended.artefact) == (RunStatus.CANCELLED, "")
