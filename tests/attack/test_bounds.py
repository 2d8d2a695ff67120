"""What is sent to take memory, time or a way out: refused in a sentence, and quickly."""

import base64
import gzip
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openpyxl import Workbook

from server import outgoing
from server.db import Database
from server.errors import FaultbookError, Invalid
from server.importers import refi_qda
from server.importers.base import ImportOptions, Source, UnreadableSource
from server.importers.files import workbook_rows
from server.importers.view_files import LARGEST, read_views
from server.models.project import Diagnosis
from server.services import archives, projects
from server.settings import Settings
from server.views import diagnoses
from server.views.lenses.drawing import drawn
from server.views.lenses.foreign import harmless
from tests.factories import SLUG, make_project

LINE = 256
"""In place of the longest line of an archive, so that a longer one is quickly made."""


@pytest.mark.parametrize(
    "content",
    [
        b"views:\n" + b"".join(b"  k%d: 1\n" % n for n in range(90_000)),
        b"views: [{name: " + b"1:" * 400_000 + b"1}]",
        b"[" * LARGEST,
        b"a: &a [x]\nviews: [*a]",
        b"views: !!python/object/apply:os.system [id]",
        b"views: [{name: 1" + b"0" * 10_001 + b"}]",
    ],
    ids=["keys", "sexagesimal", "depth", "alias", "object", "digits"],
)
def test_a_file_of_views_is_refused_before_it_takes_long(content: bytes) -> None:
    began = process_time()
    with pytest.raises(Invalid):
        read_views(content)
    assert process_time() - began < 20  # without the bounds, minutes


@pytest.mark.parametrize("host", ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "::1"])
def test_a_private_address_inside_another_is_private(host: str) -> None:
    assert not outgoing._is_public(host)
    with pytest.raises(outgoing.Undelivered, match="no public address"):
        outgoing.post(f"https://[{host}]/", b"", {}, allow_private=False)


def test_a_public_address_is_one() -> None:
    assert outgoing._is_public("64:ff9b::808:808")
    assert outgoing._is_public("2606:4700::1111")


def test_a_chart_fetches_nothing_for_its_picture() -> None:
    chart = {"data": {"url": "http://127.0.0.1:9/secret.json"}, "mark": "point", "encoding": {}}
    with pytest.raises(ValueError, match="not allowed"):
        drawn(chart, 100)


def test_what_another_server_wrote_has_links_to_here_alone() -> None:
    written = {
        "figures": [{"spec": {"data": {"url": "http://x/"}, "layer": [{"mark": "image"}]}}],
        "told": {"next_steps": [{"sentence": "s", "href": "java\tscript:alert(1)"}]},
        "table": {"columns": ["traces", "n"], "rows": [["//evil", 1], ["/projects/a", 2]]},
        "datasets": {"d": [{"traces": "https://evil/"}, {"traces": "/projects/a?b=c"}]},
    }
    assert harmless(written) == {
        "figures": [{"spec": {"data": {}, "layer": [{"mark": "image"}]}}],
        "told": {"next_steps": [{"sentence": "s", "href": ""}]},
        "table": {"columns": ["traces", "n"], "rows": [["", 1], ["/projects/a", 2]]},
        "datasets": {"d": [{"traces": ""}, {"traces": "/projects/a?b=c"}]},
    }


def workbook(path: Path, **parts: bytes) -> Source:
    book = Workbook()
    assert book.active is not None
    book.active.append(["id", "input"])
    book.active.append(["1", "Hi"])
    book.save(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return Source(path, path.name)


def rows_of(source: Source) -> list[Any]:
    return list(workbook_rows.rows(source, ImportOptions()))


def test_the_shared_texts_of_a_workbook_are_bounded(tmp_path: Path) -> None:
    assert len(rows_of(workbook(tmp_path / "fine.xlsx"))) == 1
    bomb = {"xl/other.xml": b" " * (129 * 1024**2)}
    with pytest.raises(UnreadableSource, match="part of it other than its sheets"):
        rows_of(workbook(tmp_path / "bomb.xlsx", **bomb))


ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">
<!ENTITY f SYSTEM "file:///etc/passwd">]>"""


def test_a_workbook_with_entities_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "entities.xlsx"
    workbook(path)
    with zipfile.ZipFile(path) as before:
        parts = {name: before.read(name) for name in before.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = ENTITIES + parts[sheet].replace(b"Hi", b"&b;&f;")
    parts["xl/sharedStrings.xml"] = ENTITIES + b"<sst><si><t>&f;</t></si></sst>"
    with zipfile.ZipFile(path, "w") as after:
        for name, content in parts.items():
            after.writestr(name, content)
    with pytest.raises(UnreadableSource, match="damaged workbook"):
        rows_of(Source(path, path.name))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (ENTITIES + b"<CodeBook>&f;</CodeBook>", "document type or entities"),
        (b"<CodeBook>" + b"<a/>" * 2_000_001 + b"</CodeBook>", "more than 2,000,000"),
        (b"<CodeBook " + b'a="" ' * 2_000_001 + b"/>", "more than 2,000,000"),
    ],
    ids=["entities", "elements", "attributes"],
)
def test_a_codebook_that_would_grow_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "x.qdc"
    path.write_bytes(content)
    with pytest.raises(UnreadableSource, match=told):
        refi_qda.read(Source(path, path.name), ImportOptions())


def test_a_codebook_of_great_depth_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "deep.qdc"
    codes = b'<Code guid="a" name="b" isCodable="true">' * 20_000
    path.write_bytes(b"<CodeBook><Codes>" + codes + b"</Code>" * 20_000 + b"</Codes></CodeBook>")
    with pytest.raises(FaultbookError):
        refi_qda.read(Source(path, path.name), ImportOptions())


@pytest.fixture
def archive(database: Database, settings: Settings, tmp_path: Path) -> dict[str, bytes]:
    """The parts of a small project's archive."""
    make_project(database)
    with database.reading() as session:
        archives.write(session, settings, projects.find(session, SLUG), tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as stored:
        return {name: stored.read(name) for name in stored.namelist()}


def packed(parts: dict[str, bytes], path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as stored:
        for name, content in parts.items():
            stored.writestr(name, content)
    return path


def damaged(parts: dict[str, bytes]) -> Iterator[dict[str, bytes]]:
    """Every way to write what no archive of ours says."""
    manifest = json.loads(parts["manifest.json"])
    for digest in ("../../evil", "/etc/passwd", "a" * 64, ""):
        told = {**manifest, "attachments": [digest]}
        yield {**parts, "manifest.json": json.dumps(told).encode(), f"attachments/{digest}": b"x"}
    for table in ("../../evil", "user", "user_session", "api_token", "sqlite_master"):
        told = {**manifest, "tables": {**manifest["tables"], table: {"rows": 0, "sha256": ""}}}
        yield {**parts, "manifest.json": json.dumps(told).encode()}
    for line in (b"[" * 5_000, b"null\n", b"[1]\n", b"{}\n", b'{"id": ' + b"9" * 5_000 + b"}\n"):
        yield {**parts, "tables/trace.jsonl": line}
    row = json.loads(parts["tables/trace.jsonl"].splitlines()[0])
    for name, value in (("model", {}), ("id", "1"), ("id", -1), ("id", 2**63), ("outcome", "x")):
        yield {**parts, "tables/trace.jsonl": json.dumps({**row, name: value}).encode() + b"\n"}
    yield {**parts, "manifest.json": b"[" * 100_000}


def test_an_archive_that_was_made_to_hurt_is_refused_and_leaves_nothing(
    archive: dict[str, bytes], database: Database, settings: Settings, tmp_path: Path
) -> None:
    for number, parts in enumerate(damaged(archive)):
        path = packed(parts, tmp_path / f"{number}.zip")
        archives.looks_like(path)
        with pytest.raises(Invalid), database.writing() as session:
            archives.read(session, settings, path, name="Evil")
    assert not (settings.data.parent / "evil").exists()
    assert list(settings.attachments.glob("*")) == []


def test_a_long_line_and_a_large_manifest_of_an_archive_are_not_read_whole(
    archive: dict[str, bytes],
    database: Database,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archives, "_LONGEST_LINE", LINE)
    path = packed({**archive, "tables/trace.jsonl": b" " * 9 * LINE}, tmp_path / "line.zip")
    with pytest.raises(Invalid, match="more than 256 bytes"), database.writing() as session:
        archives.read(session, settings, path, name="Evil")
    monkeypatch.setattr(archives, "_LARGEST_MANIFEST", LINE)
    padded = {**archive, "manifest.json": archive["manifest.json"] + b" " * LINE}
    path = packed(padded, tmp_path / "manifest.zip")
    assert not archives.looks_like(path)
    with pytest.raises(Invalid, match="manifest has more"), database.writing() as session:
        archives.read(session, settings, path, name="Evil")


DEEP = b"[" * 10_000 + b"]" * 10_000


@pytest.mark.parametrize(
    "body",
    [DEEP, b'{"name": ' + DEEP + b"}", b"1" * 5_000, b'{"name": NaN}', b'{"name": 1e999}', b"\xff"],
    ids=["deep", "deep value", "digits", "nan", "infinity", "bytes"],
)
def test_json_that_no_parser_likes_is_refused(client: TestClient, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = client.post("/api/v1/projects", content=body, headers=headers)
    assert answer.status_code in (400, 422), answer.text[:200]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"a=&" * 100_000,
        b"name=" + b"%" * 100_000,
        b"name=x" * 5 + b"&" * 500_000,
    ],
    ids=["fields", "percent", "separators"],
)
def test_a_form_of_many_fields_is_refused_at_once(client: TestClient, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    began = process_time()
    answer = client.post("/sign-in", content=body, headers=headers)
    assert answer.status_code in (400, 413, 422)
    assert process_time() - began < 10


def part(head: bytes) -> bytes:
    return b"--b\r\n" + head + b"\r\n\r\nx\r\n--b--\r\n"


@pytest.mark.parametrize(
    "body",
    [
        part(b'content-disposition: form-data; name="' + b"a" * 200_000 + b'"'),
        part(b"x" * 200_000 + b": y"),
        part(b"content-disposition: form-data; " + b"a=b; " * 40_000 + b'filename="f"'),
        b"--b\r\ncontent-disposition: form-data; name=a\r\n\r\n\r\n" * 30_000 + b"--b--",
        b"--b\r\n" * 1_000,
        b"",
    ],
    ids=["name", "header", "options", "parts", "boundaries", "empty"],
)
def test_an_upload_that_is_all_head_is_refused(
    client: TestClient, database: Database, settings: Settings, body: bytes
) -> None:
    make_project(database)
    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = client.post(f"/projects/{SLUG}/imports", content=body, headers=headers)
    assert answer.status_code in (400, 413, 422), answer.status_code
    assert not settings.uploads.exists() or list(settings.uploads.iterdir()) == []


def test_a_body_without_a_length_is_bounded_too(client: TestClient, settings: Settings) -> None:
    sent = (b"name=" + b"x" * 65_536 for _ in range(settings.form_limit_bytes // 65_536 + 2))
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = client.post("/projects", content=sent, headers=headers)
    assert answer.status_code in (400, 413)


@pytest.mark.parametrize("name", ["../../evil", "..\\evil", "/etc/passwd", "a\r\nX: y", "\x00"])
def test_an_uploaded_file_stands_where_we_say(
    client: TestClient, database: Database, settings: Settings, name: str
) -> None:
    make_project(database)
    file = (name, b'{"id": "a", "messages": [{"role": "user", "content": "Hi"}]}\n')
    answer = client.post(f"/projects/{SLUG}/imports", files={"file": file}, follow_redirects=False)
    assert answer.status_code in (303, 400, 422)
    written = {path.name for path in settings.data.rglob("*") if path.is_file()}
    assert not {"evil", "passwd", "..\\evil"} & written
    assert not (settings.data.parent / "evil").exists()


def test_a_packed_answer_in_an_archive_is_unpacked_within_bounds() -> None:

    bomb = base64.b64encode(gzip.compress(b" " * (65 * 1024**2), 9)).decode()
    found = Diagnosis(project_id=1, title="x", findings=[{"kept_at": "", "answer": bomb}])
    with pytest.raises(Invalid, match="more than 67,108,864 bytes"):
        diagnoses.answer_kept(found)
