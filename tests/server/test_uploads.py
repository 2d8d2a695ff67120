"""Uploads: kept under names of ours, bounded, discarded; hostile names and unreadable files."""

import gzip

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from server.app import create_app
from server.db import Database
from server.jobs import Jobs
from server.models.trace import Import
from server.services.uploads import shown_name
from server.settings import Settings
from tests.factories import make_project
from tests.server.test_imports_page import (
    HTMX,
    IMPORT_BUTTON,
    PATH,
    chat,
    lines,
    only_import,
    staged,
    upload,
)

CUT = gzip.compress(lines(chat("a")) * 99, mtime=0)[:60]
ATTACK = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def _project(database: Database) -> None:
    make_project(database, traces=0)


def test_the_upload_is_kept_under_a_name_of_ours(
    client: TestClient, database: Database, settings: Settings
) -> None:
    content = lines(chat("a"))
    staged(client, "../../etc/cron.d/evil.jsonl", content)
    row = only_import(database)
    assert row.file_name == "evil.jsonl"
    stored = (settings.data / row.stored_path).resolve()
    assert stored.is_relative_to(settings.uploads.resolve())
    assert stored.read_bytes() == content


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("C:\\Users\\me\\traces.jsonl", "traces.jsonl"),
        ("a\u202elnosj.exe", "alnosj.exe"),
        ("line\nbreak\x00.csv", "linebreak.csv"),
        ("   ", "upload"),
        ("../..", ".."),
        ("x" * 300, "x" * 200),
    ],
)
def test_file_names_lose_folders_and_what_nobody_sees(told: str, shown: str) -> None:
    assert shown_name(told) == shown


def test_hostile_names_and_texts_are_shown_as_text(client: TestClient) -> None:
    record = {**chat(f"id{ATTACK}", ATTACK), "model": ATTACK, "note": ATTACK}
    # Browsers send quotes and angle brackets of names as they are; only the last path part counts.
    path = staged(client, f"{ATTACK}.jsonl", lines(record, {"id": ATTACK, "messages": ATTACK}))
    preview = client.get(f"{path}?dimension=note").text
    report = client.post(f"{path}/start").text
    for page in (preview, report, client.get(PATH).text):
        assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in preview


def test_several_files_become_several_imports(client: TestClient, database: Database) -> None:
    answer = upload(client, ("a.jsonl", lines(chat("a"))), ("b.jsonl", lines(chat("b"))))
    assert (answer.status_code, answer.headers["location"]) == (303, PATH)
    page = client.get(PATH).text
    assert "Waiting for you <small>2</small>" in page
    assert "2 files wait to be looked at" in page
    with database.reading() as session:
        assert [row.file_name for row in session.exec(select(Import))] == ["a.jsonl", "b.jsonl"]


def test_htmx_is_sent_on_to_the_page(client: TestClient) -> None:
    parts = [("files", ("a.jsonl", lines(chat("a"))))]
    answer = client.post(PATH, files=parts, headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, f"{PATH}/1")


def test_a_waiting_file_can_be_discarded(
    client: TestClient, database: Database, settings: Settings
) -> None:
    path = staged(client, "a.jsonl", lines(chat("a")))
    stored = settings.data / only_import(database).stored_path
    assert "a.jsonl discarded" in client.post(f"{path}/discard").text
    assert client.get(path).status_code == 404
    assert not stored.exists()


def test_an_import_that_was_begun_is_not_discarded(client: TestClient) -> None:
    path = staged(client, "a.jsonl", lines(chat("a")))
    client.post(f"{path}/start")
    assert client.post(f"{path}/discard").status_code == 409
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.jsonl", b"", "empty.jsonl is empty."),
        ("a.zip", b"PK\x03\x04rest", "a.zip is a zip archive"),
        (
            "cut.jsonl.gz",
            gzip.compress(lines(chat("a")) * 99, mtime=0)[:60],
            "cut.jsonl.gz is damaged",
        ),
        ("noise.jsonl", bytes(range(32)) * 9, "is not text"),
    ],
)
def test_an_unreadable_file_gives_a_sentence(
    client: TestClient, name: str, content: bytes, sentence: str
) -> None:
    path = staged(client, name, content)
    page = client.get(path)
    assert page.status_code == 200
    assert sentence in page.text
    assert IMPORT_BUTTON not in page.text
    assert "Discard" in page.text
    assert client.post(f"{path}/start").status_code == 422


def test_a_form_without_a_file_gives_a_sentence(client: TestClient) -> None:
    answer = client.post(PATH, files=[("files", ("", b""))])
    assert answer.status_code == 422
    assert "No file arrived." in answer.text
    assert client.post(PATH, data={"files": "x"}).status_code == 422


def test_too_large_an_upload_is_refused_in_words(settings: Settings) -> None:
    small = settings.model_copy(update={"upload_limit_bytes": 5_000})
    with TestClient(create_app(small, jobs=Jobs.immediate(), runs_jobs=False)) as client:
        answer = upload(client, ("big.jsonl", b"x" * 6_000))
        assert answer.status_code == 413
        assert "This upload is too large: 5 KB at most." in answer.text
        boundary = b"--b\r\ncontent-disposition: form-data; name=files; filename=a\r\n\r\n"
        streamed = client.post(
            PATH,
            content=iter([boundary, b"x" * 6_000]),  # no content-length: counted as it comes
            headers={"content-type": "multipart/form-data; boundary=b"},
        )
        assert streamed.status_code == 413
        assert upload(client, ("fits.jsonl", lines(chat("a")))).status_code == 303
    kept = [path for path in small.uploads.rglob("*") if path.is_file()]
    assert len(kept) == 1


def test_an_upload_larger_than_a_form_may_be_is_taken(
    client: TestClient, settings: Settings, database: Database
) -> None:
    content = lines(chat("a", "x" * (settings.form_limit_bytes + 1)))
    staged(client, "a.jsonl", content)
    row = only_import(database)
    assert (settings.data / row.stored_path).stat().st_size == len(content)
