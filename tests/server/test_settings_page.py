"""Settings: a decision like any other, jobs, an event log that keeps readers blind."""

import pytest
from fastapi.testclient import TestClient

from server.db import Database
from server.models.event import Event
from server.models.project import Project, Stage
from server.models.verdict import VerdictValue
from server.services import events, projects, settings, verdicts
from server.services.settings import ProjectSettings
from server.settings import Settings
from server.views.events import PAGE
from server.views.settings import settings_page
from tests.factories import SLUG, make_project, member
from tests.server.test_runs import make_run

PATH = f"/projects/{SLUG}/settings"
FORM = {"name": "Try me", "stage": "open_coding", "blind": "true"}


@pytest.fixture(autouse=True)
def traces(database: Database) -> list[int]:
    return make_project(database)


def project_of(database: Database) -> Project:
    with database.reading() as session:
        return projects.find(session, SLUG)


def test_saving_is_one_event_and_undo_brings_everything_back(
    client: TestClient, database: Database
) -> None:
    form = {"name": "Attention", "description": "Puzzles.", "stage": "axial_coding"}
    answer = client.post(PATH, data=form, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, PATH)
    project = project_of(database)
    assert (project.name, project.slug, project.description) == ("Attention", SLUG, "Puzzles.")
    assert (project.stage, project.blind) == (Stage.AXIAL_CODING, False)

    with database.writing() as session:
        event = events.undo(session, member(session))
        assert event.summary == (
            "project settings: name, description, stage axial coding, blind reading off"
        )
    project = project_of(database)
    assert (project.name, project.description) == ("Try me", "")
    assert (project.stage, project.blind) == (Stage.OPEN_CODING, True)


def test_saving_without_a_change_is_no_event(client: TestClient, database: Database) -> None:
    client.post(PATH, data=FORM)
    with database.reading() as session:
        assert not session.exec(events.queries.log(member(session).project_id)).all()


def test_a_refused_form_comes_back_with_what_was_typed(
    client: TestClient, database: Database
) -> None:
    typed = {**FORM, "name": "  ", "description": "kept words"}
    answer = client.post(PATH, data=typed)
    assert answer.status_code == 422
    assert "The project needs a name." in answer.text
    assert "kept words" in answer.text
    assert project_of(database).name == "Try me"


def test_only_a_lead_may_change_settings(client: TestClient, database: Database) -> None:
    client.cookies.set("faultbook_acting", "Annotator%20A")
    assert client.post(PATH, data={**FORM, "name": "Mine"}).status_code == 403
    page = client.get(PATH)
    assert page.status_code == 200
    assert "A lead may change these" in page.text
    assert "Data directory" not in page.text
    assert project_of(database).name == "Try me"


def test_a_read_only_project_is_shown_and_not_changed(
    client: TestClient, database: Database
) -> None:
    with database.writing() as session:
        project = projects.find(session, SLUG)
        project.read_only = True
        session.add(project)
    assert "This project is read-only." in client.get(PATH).text
    assert client.post(PATH, data=FORM).status_code == 403


def test_an_unknown_project_or_stage_is_refused(client: TestClient) -> None:
    assert client.get("/projects/nowhere/settings").status_code == 404
    assert client.post(PATH, data={**FORM, "stage": "done"}).status_code == 422


def test_jobs_members_and_storage_are_listed(
    client: TestClient, database: Database, settings: Settings
) -> None:
    run_id = make_run(database, progress_text="waiting for a worker")
    page = client.get(PATH).text
    assert f"/projects/{SLUG}/runs/{run_id}/cancel" in page
    assert "waiting for a worker" in page
    assert "Annotator B" in page
    assert str(settings.data.resolve()) in page


def test_the_password_of_the_database_is_never_shown(database: Database) -> None:
    secret = Settings(database="postgresql://faultbook:s3cret@db/traces?password=s3cret")
    with database.reading() as session:
        storage = settings_page(session, member(session), secret).storage
    assert storage is not None
    assert storage.database == "postgresql+psycopg://faultbook:***@db/traces"


def test_a_blind_annotator_sees_only_their_own_decisions(
    client: TestClient, database: Database, traces: list[int]
) -> None:
    with database.writing() as session:
        verdicts.decide(session, member(session, "Annotator B"), traces[0], VerdictValue.FAIL)
        verdicts.decide(session, member(session, "Annotator A"), traces[1], VerdictValue.PASS)
        bob = member(session, "Annotator B").id
    assert "fail on trace-1" in client.get(PATH).text  # a lead sees all
    client.cookies.set("faultbook_acting", "Annotator%20A")
    for path in (PATH, f"{PATH}?person={bob}"):
        page = client.get(path).text
        assert "pass on trace-2" in page
        assert "fail on trace-1" not in page


def test_the_log_is_filtered_by_person_and_paged(
    client: TestClient, database: Database, traces: list[int]
) -> None:
    with database.writing() as session:
        for number in range(PAGE + 1):
            lead = member(session)
            described = ProjectSettings("Try me", f"version {number}", Stage.OPEN_CODING, True)
            settings.change(session, lead, described)
        verdicts.decide(session, member(session, "Annotator A"), traces[0], VerdictValue.FAIL)
        alice = member(session, "Annotator A").id
        first = session.get_one(Event, 1)
    fragment = client.get(f"{PATH}?person={alice}", headers={"HX-Request": "true"}).text
    assert "<html" not in fragment
    assert "fail on trace-1" in fragment
    assert "project settings" not in fragment

    # PAGE + 2 events: the first page ends before the two oldest, which are ids 1 and 2.
    page = client.get(PATH).text
    assert "?before=3#log" in page
    older = client.get(f"{PATH}?before=3", headers={"HX-Request": "true"}).text
    assert older.count(first.summary) == 2
