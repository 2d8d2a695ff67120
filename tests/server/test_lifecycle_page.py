"""The life of a project on screen: archive to a file and back, copy, put away, delete, erase."""

import zipfile
from io import BytesIO

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from server.db import Database
from server.models.base import stored_id
from server.models.mode import FailureMode
from server.models.note import Note
from server.models.project import Project
from server.models.run import AnalysisRun
from server.models.trace import ERASED, Step, Trace
from server.services import groupings, notes, projects
from server.settings import Settings
from tests.factories import SLUG, make_project, member

HERE = f"/projects/{SLUG}"
PAGE = f"{HERE}/lifecycle"


@pytest.fixture(autouse=True)
def traces(database: Database) -> list[int]:
    """Three traces, a note on the first, and a mode over it."""
    ids = make_project(database)
    with database.writing() as session:
        lead = member(session)
        note = notes.add_note(session, lead, ids[0], "wrong sum")
        groupings.accept_as_mode(session, lead, [stored_id(note)], "Slip")
    return ids


def close(database: Database) -> None:
    with database.writing() as session:
        projects.find(session, SLUG).read_only = True


def made_archive(client: TestClient, database: Database) -> bytes:
    answer = client.post(f"{PAGE}/archive", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    with database.reading() as session:
        run = session.exec(select(AnalysisRun)).all()[-1]
    assert f"{PAGE}/archive/{run.id}" in client.get(PAGE).text
    file = client.get(f"{PAGE}/archive/{run.id}")
    assert file.headers["content-disposition"] == 'attachment; filename="try-me.faultbook.zip"'
    return file.content


def test_an_archive_is_made_downloaded_and_opened_as_a_project(
    client: TestClient, database: Database, settings: Settings
) -> None:
    content = made_archive(client, database)
    assert "manifest.json" in zipfile.ZipFile(BytesIO(content)).namelist()
    answer = client.post(
        "/projects/open", files={"files": ("my.zip", content)}, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"{HERE}-2")
    with database.reading() as session:
        assert [note.text for note in session.exec(select(Note))] == ["wrong sum"] * 2
    assert not [path for path in settings.uploads.rglob("*") if path.is_file()]


def test_a_newer_archive_replaces_the_one_before(
    client: TestClient, database: Database, settings: Settings
) -> None:
    made_archive(client, database)
    made_archive(client, database)
    assert len(list(settings.artefacts.glob("archive-*.zip"))) == 1
    assert client.get(f"{PAGE}/archive/1").status_code == 404


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ([("files", ("a.zip", b"not a zip"))], "a.zip is no Faultbook archive"),
        ([("files", ("a.zip", b"x")), ("files", ("b.zip", b"x"))], "2 files arrived"),
    ],
)
def test_what_is_no_archive_makes_no_project(
    client: TestClient, database: Database, files: list[object], told: str
) -> None:
    answer = client.post("/projects/open", files=files)  # type: ignore[arg-type]  # pairs do
    assert answer.status_code == 422
    assert told in answer.text
    with database.reading() as session:
        assert len(session.exec(select(Project)).all()) == 1


def test_the_codebook_is_copied_also_from_a_read_only_project(
    client: TestClient, database: Database
) -> None:
    close(database)
    answer = client.post(f"{PAGE}/copy", data={"name": "Mine"}, follow_redirects=False)
    assert answer.headers["location"] == "/projects/mine/imports"
    with database.reading() as session:
        modes = session.exec(select(FailureMode.name).join(Project).where(Project.slug == "mine"))
        assert modes.all() == ["Slip"]


def test_a_name_that_is_taken_comes_back(client: TestClient) -> None:
    answer = client.post(f"{PAGE}/copy", data={"name": "Try me"})
    assert answer.status_code == 422
    assert "exists already" in answer.text
    assert 'value="Try me"' in answer.text


def test_an_archived_project_is_read_and_not_written_until_it_is_back(
    client: TestClient, database: Database, traces: list[int]
) -> None:
    client.post(f"{PAGE}/put-away")
    front = client.get("/").text
    assert "Archived" in front
    assert f'action="{PAGE}/bring-back"' in front
    for path in ("", "/traces", f"/read/{traces[0]}", "/modes", "/settings", "/lifecycle"):
        page = client.get(f"{HERE}{path}")
        assert page.status_code == 200
        assert "This project is archived" in page.text
    reading = client.get(f"{HERE}/read/{traces[0]}").text
    assert "</kbd> write" not in reading
    assert "First failing step" not in reading
    for path, form in (
        (f"/read/{traces[0]}/notes", {"text": "more"}),
        (f"/read/{traces[0]}/verdict", {"value": "fail"}),
        ("/modes", {"name": "New"}),
        ("/settings", {"name": "New", "stage": "labelling"}),
        ("/redo", {}),
    ):
        answer = client.post(f"{HERE}{path}", data=form)
        assert answer.status_code == 403, path
        assert "bring it back first" in answer.text
    client.post(f"{PAGE}/bring-back")
    assert client.post(f"{HERE}/read/{traces[0]}/notes", data={"text": "more"}).status_code == 200


def test_undo_takes_back_the_archiving_and_nothing_else_in_an_archived_project(
    client: TestClient, database: Database
) -> None:
    client.post(f"{PAGE}/put-away")
    client.cookies.set("faultbook_acting", "Annotator%20A")
    assert client.post(f"{HERE}/undo").status_code == 403
    client.cookies.clear()
    assert client.post(f"{HERE}/undo", follow_redirects=False).status_code == 303
    with database.reading() as session:
        assert projects.find(session, SLUG).archived_at is None
    with database.writing() as session:
        projects.find(session, SLUG).archived_at = projects.find(session, SLUG).created_at
    assert client.post(f"{HERE}/undo").status_code == 403
    with database.reading() as session:
        assert len(session.exec(select(FailureMode)).all()) == 1


def test_deleting_needs_the_archive_first_and_then_its_address(
    client: TestClient, database: Database, settings: Settings
) -> None:
    assert client.post(f"{PAGE}/delete", data={"confirmed": SLUG}).status_code == 409
    made_archive(client, database)
    client.post(f"{PAGE}/put-away")
    refused = client.post(f"{PAGE}/delete", data={"confirmed": "try-you"})
    assert refused.status_code == 422
    assert 'value="try-you"' in refused.text
    answer = client.post(f"{PAGE}/delete", data={"confirmed": SLUG}, follow_redirects=False)
    assert answer.headers["location"] == "/"
    assert client.get(HERE).status_code == 404
    assert not list(settings.artefacts.glob("*"))
    with database.reading() as session:
        assert session.exec(select(Trace)).first() is None


def test_erasing_asks_first_and_says_what_goes(
    client: TestClient, database: Database, traces: list[int]
) -> None:
    close(database)
    assert f"/traces/{traces[0]}/erase" in client.get(f"{HERE}/read/{traces[0]}").text
    page = client.get(f"{HERE}/traces/{traces[0]}/erase").text
    assert "2 steps" in page
    assert "1 note" in page
    assert texts(database, traces[0]) == {"How much is 1+1?", "It is 3."}
    client.post(f"{HERE}/traces/{traces[0]}/erase")
    assert texts(database, traces[0]) == {ERASED}
    assert "erased already" in client.get(f"{HERE}/traces/{traces[0]}/erase").text
    assert client.get(f"{HERE}/traces/999/erase").status_code == 404
    assert client.post(f"{HERE}/traces/999/erase").status_code == 404


def texts(database: Database, trace_id: int) -> set[str]:
    with database.reading() as session:
        return set(session.exec(select(Step.text).where(Step.trace_id == trace_id)))


@pytest.mark.parametrize(
    "path",
    [
        "/lifecycle/archive",
        "/lifecycle/copy",
        "/lifecycle/put-away",
        "/lifecycle/bring-back",
        "/lifecycle/delete",
        "/traces/1/erase",
    ],
)
def test_annotators_decide_none_of_it(client: TestClient, path: str) -> None:
    client.cookies.set("faultbook_acting", "Annotator%20A")
    assert client.post(f"{HERE}{path}", data={"name": "x"}).status_code == 403
    page = client.get(PAGE).text
    assert "<form" not in page.split("<h1>")[1].split("</main>")[0]


def test_an_archive_of_others_work_is_for_leads(client: TestClient, database: Database) -> None:
    made_archive(client, database)
    client.cookies.set("faultbook_acting", "Annotator%20A")
    assert client.get(f"{PAGE}/archive/1").status_code == 403
    assert f"{PAGE}/archive/1" not in client.get(PAGE).text


def test_the_members_session_is_untouched_by_a_refused_archive(
    client: TestClient, database: Database
) -> None:
    client.post("/projects/open", files={"files": ("a.zip", b"PK\x05\x06" + bytes(18))})
    with database.writing() as session:
        assert isinstance(session, Session)
        assert [project.slug for project in session.exec(select(Project))] == [SLUG]
