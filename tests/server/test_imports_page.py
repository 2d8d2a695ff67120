"""The Import screen: upload, look, map, import, report; bad files, hostile names, wrong people."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, col, select

from server.db import Database
from server.models.base import utc_now
from server.models.project import Member
from server.models.run import AnalysisRun, RunKind, RunStatus
from server.models.trace import Import, ImportStatus, Outcome, Trace, TraceSource
from server.services import projects
from server.services.uploads import REFUSED_SHOWN
from server.settings import Settings
from tests.factories import SLUG, make_project, member

DATA = Path(__file__).parents[1] / "data"
PATH = f"/projects/{SLUG}/imports"
HTMX = {"HX-Request": "true"}
IMPORTS = select(AnalysisRun).where(AnalysisRun.kind == RunKind.IMPORT)
IMPORT_BUTTON = 'data-key-label="Import"'


@pytest.fixture(autouse=True)
def _project(database: Database) -> None:
    make_project(database, traces=0)


def upload(client: TestClient, *files: tuple[str, bytes]) -> Any:
    parts = [("files", (name, content)) for name, content in files]
    return client.post(PATH, files=parts, follow_redirects=False)


def staged(client: TestClient, name: str, content: bytes) -> str:
    """Upload a file and return the path of its page."""
    answer = upload(client, (name, content))
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def import_file(client: TestClient, name: str, content: bytes, **form: Any) -> str:
    """Upload and import a file, and return the page with the report."""
    path = staged(client, name, content)
    return client.post(f"{path}/start", data=form).text


def counts(page: str) -> dict[str, int]:
    found = re.findall(r"<dt>(\w+)</dt><dd>([\d,]+)</dd>", page)
    return {label: int(number.replace(",", "")) for label, number in found}


def lines(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def chat(external_id: str, text: str = "It is 3.") -> dict[str, Any]:
    messages = [{"role": "user", "content": "1+1?"}, {"role": "assistant", "content": text}]
    return {"id": external_id, "messages": messages}


def traces(session: Session) -> list[Trace]:
    return list(session.exec(select(Trace).order_by(col(Trace.id))))


def only_import(database: Database) -> Import:
    with database.reading() as session:
        return session.exec(select(Import)).one()


@pytest.mark.parametrize(
    ("file", "title", "created"),
    [
        ("openai-messages/chat_tools.jsonl", "OpenAI-style messages", 2),
        ("tau-bench/trajectories.jsonl", "tau-bench results", 2),
        ("agentrx/trajectories.jsonl", "AgentRx trajectories", 2),
        ("judged-runs/misguided_attention.jsonl.gz", "Judged runs", 4),
    ],
)
def test_a_file_is_recognised_previewed_imported_and_reported(
    client: TestClient,
    database: Database,
    file: str,
    title: str,
    created: int,
) -> None:
    content = (DATA / file).read_bytes()
    path = staged(client, Path(file).name, content)
    page = client.get(path).text
    assert f"Recognised as {title}" in page
    assert only_import(database).status is ImportStatus.STAGED
    with database.reading() as session:
        assert not traces(session)

    report = client.post(f"{path}/start").text
    assert counts(report) == {
        "read": created,
        "created": created,
        "updated": 0,
        "unchanged": 0,
        "refused": 0,
    }
    assert "Make a batch of 100 and read" in report
    with database.reading() as session:
        found = traces(session)
        assert len(found) == created
        assert all(f"{trace.external_id}" in page for trace in found[:5])
    row = only_import(database)
    assert row.status is ImportStatus.DONE
    assert f"import-{row.id}" in client.get(PATH).text


def test_a_csv_is_guessed_mapped_and_sliced(client: TestClient, database: Database) -> None:
    content = b"nr,frage,antwort,model,persona\n7,How?,So.,m-1,new customer\n"
    path = staged(client, "rows.csv", content)
    page = client.get(path).text
    # No column has a known name for a text: it says so, and offers the columns to map.
    assert "has no column with a known name" in page
    assert '<option value="antwort">' in page
    assert IMPORT_BUTTON not in page
    refused = client.post(f"{path}/start")
    assert refused.status_code == 422

    choices = [
        ("field", "input"),
        ("column", "frage"),
        ("field", "output"),
        ("column", "antwort"),
        ("field", "external_id"),
        ("column", "nr"),
        ("dimension", "persona"),
    ]
    fragment = client.get(path, params=choices, headers=HTMX)
    assert "<html" not in fragment.text
    assert "Recognised as CSV" in fragment.text
    assert "persona = new customer" in fragment.text
    assert '<option value="antwort" selected>' in fragment.text
    assert IMPORT_BUTTON in fragment.text

    form: dict[str, Any] = {
        "field": ["input", "output", "external_id"],
        "column": ["frage", "antwort", "nr"],
        "dimension": "persona",
        "source": "production",
        "is_random_sample": "true",
        "pipeline_version": "v7",
    }
    report = client.post(f"{path}/start", data=form).text
    assert counts(report)["created"] == 1
    with database.reading() as session:
        [trace] = traces(session)
    assert (trace.external_id, trace.model, trace.step_count) == ("7", "m-1", 2)
    assert trace.dimensions == {"persona": "new customer"}
    assert (trace.source, trace.pipeline_version) == (TraceSource.PRODUCTION, "v7")
    row = only_import(database)
    assert row.is_random_sample
    # The model was guessed, so only the choices that differ from the guess are kept.
    assert row.mapping == {
        "input": "frage",
        "output": "antwort",
        "external_id": "nr",
        "dimensions.persona": "persona",
    }


def test_a_guess_can_be_taken_back(client: TestClient, database: Database) -> None:
    content = b"id,input,output,passed\n1,a,b,1\n"
    form: dict[str, Any] = {"field": ["passed"], "column": [""]}
    import_file(client, "rows.csv", content, **form)
    with database.reading() as session:
        [trace] = traces(session)
    assert trace.outcome is Outcome.UNKNOWN
    assert trace.metadata_ == {"passed": "1"}


def test_fields_without_columns_are_refused(client: TestClient) -> None:
    path = staged(client, "a.jsonl", lines(chat("a")))
    assert client.get(f"{path}?field=model").status_code == 422
    assert (
        client.post(f"{path}/start", data={"field": "nonsense", "column": "x"}).status_code == 422
    )


def test_a_list_of_messages_under_another_name_can_be_mapped(
    client: TestClient, database: Database
) -> None:
    record = {"id": "a", "turns": chat("a")["messages"]}
    path = staged(client, "turns.jsonl", lines(record))
    page = client.get(path).text
    assert "is of no known format" in page
    assert '<option value="turns">' in page
    client.post(f"{path}/start", data={"field": "messages", "column": "turns"})
    with database.reading() as session:
        assert [trace.step_count for trace in traces(session)] == [2]


def test_refused_records_are_shown_and_downloaded(client: TestClient) -> None:
    bad = {"id": "long", "messages": "x" * 300}
    content = lines(chat("a")) + b'{"id": "broken"\n' + lines(bad)
    page = import_file(client, "mixed.jsonl", content)
    assert counts(page) == {"read": 1, "created": 1, "updated": 0, "unchanged": 0, "refused": 2}
    assert "Refused records <small>2</small>" in page
    assert '<td class="num">2</td><td>whole record</td>' in page
    assert '<td class="num">3</td><td>messages</td>' in page
    # The record begins {"id": "long", "messages": " (28 characters), so 172 of the 300 x follow.
    shown = re.search(r"<code>([^<]*xxx[^<]*)</code>", page)
    assert shown is not None
    assert shown[1].count("x") == 172

    answer = client.get(re.search(r'href="([^"]+/refused)"', page)[1])
    kept = [json.loads(line) for line in answer.text.splitlines()]
    assert [(record["line"], record["field"]) for record in kept] == [(2, ""), (3, "messages")]
    assert kept[1]["record"] == json.dumps(bad)
    assert "attachment" in answer.headers["content-disposition"]


def test_only_the_first_refused_records_are_shown(client: TestClient) -> None:
    content = lines(chat("a")) + b"{\n" * (REFUSED_SHOWN + 10)
    page = import_file(client, "bad.jsonl", content)
    assert f"The first {REFUSED_SHOWN} of {REFUSED_SHOWN + 10}." in page
    assert page.count("<td>whole record</td>") == REFUSED_SHOWN


def test_an_import_without_refused_records_has_no_such_file(client: TestClient) -> None:
    path = staged(client, "a.jsonl", lines(chat("a")))
    client.post(f"{path}/start")
    assert client.get(f"{path}/refused").status_code == 404


def test_the_same_file_again_changes_nothing(client: TestClient, database: Database) -> None:
    content = (DATA / "tau-bench/trajectories.jsonl").read_bytes()
    import_file(client, "trajectories.jsonl", content)
    path = staged(client, "trajectories.jsonl", content)
    assert "The very same file was imported before" in client.get(path).text
    page = client.post(f"{path}/start").text
    assert counts(page) == {"read": 2, "created": 0, "updated": 0, "unchanged": 2, "refused": 0}
    assert "Nothing new: 2 traces were here already, unchanged." in page
    with database.reading() as session:
        assert len(traces(session)) == 2


def test_asked_twice_it_is_imported_once(client: TestClient, database: Database) -> None:
    path = staged(client, "a.jsonl", lines(chat("a")))
    client.post(f"{path}/start")
    client.post(f"{path}/start")
    with database.reading() as session:
        assert len(session.exec(IMPORTS).all()) == 1


def test_only_a_lead_imports(client: TestClient, database: Database, settings: Settings) -> None:
    path = staged(client, "a.jsonl", lines(chat("a")))
    client.cookies.set("faultbook_acting", "Annotator%20A")
    assert upload(client, ("b.jsonl", lines(chat("b")))).status_code == 403
    assert client.post(f"{path}/start").status_code == 403
    assert client.post(f"{path}/discard").status_code == 403
    assert "A lead may import traces." in client.get(PATH).text
    assert client.get(path).status_code == 403
    assert len(list(settings.uploads.iterdir())) == 1


def test_a_read_only_project_takes_nothing(client: TestClient, database: Database) -> None:
    path = staged(client, "a.jsonl", lines(chat("a")))
    with database.writing() as session:
        project = projects.find(session, SLUG)
        project.read_only = True
        session.add(project)
    assert upload(client, ("b.jsonl", lines(chat("b")))).status_code == 403
    assert client.post(f"{path}/start").status_code == 403
    assert "read-only" in client.get(PATH).text


def test_an_unknown_import_or_project_is_not_found(client: TestClient, database: Database) -> None:
    with database.writing() as session:
        other = projects.create(session, "Other")
        row = Import(project_id=other.id, file_name="theirs.jsonl")
        session.add(row)
        session.flush()
        theirs = row.id
    for number in (9_999, theirs):
        assert client.get(f"{PATH}/{number}").status_code == 404
        assert client.post(f"{PATH}/{number}/start").status_code == 404
        assert client.post(f"{PATH}/{number}/discard").status_code == 404
        assert client.get(f"{PATH}/{number}/refused").status_code == 404
    assert client.get("/projects/nowhere/imports").status_code == 404
    parts = [("files", ("a.jsonl", b"{}"))]
    assert client.post("/projects/nowhere/imports", files=parts).status_code == 404


def under_way(
    database: Database, status: RunStatus, *, expected: int | None = 2_000, **fields: Any
) -> str:
    """An import whose run stands as told, as a worker in another process leaves it."""
    with database.writing() as session:
        lead = member(session)
        run = AnalysisRun(
            project_id=lead.project_id, created_by=lead.id, kind="import", status=status, **fields
        )
        session.add(run)
        session.flush()
        return begun(session, lead, expected=expected, stored_path="uploads/a", run_id=run.id)


def begun(session: Session, lead: Member, *, expected: int | None, **fields: Any) -> str:
    """An import of which 500 records were read in 4 seconds."""
    file = {"file": "a.jsonl", "read": 500, "refused": 0, "seconds": 4.0, "problem": ""}
    counts = {"read": 500, "created": 400, "updated": 0, "unchanged": 100, "refused": 0}
    row = Import(
        project_id=lead.project_id,
        created_by=lead.id,
        file_name="a.jsonl",
        sha256="of another file",
        status=ImportStatus.RUNNING,
        counts={**counts, "files": [file], "expected": expected},
        **fields,
    )
    session.add(row)
    session.flush()
    return f"{PATH}/{row.id}"


def test_progress_tells_rate_and_time_left(client: TestClient, database: Database) -> None:
    path = under_way(database, RunStatus.RUNNING, started_at=utc_now())
    page = client.get(path).text
    assert 'http-equiv="refresh"' in page
    # 500 records in 4 s; 1,500 more at that rate take 12 s.
    assert "500 read of about 2,000, 125 a second, about 12 s left" in page
    fragment = client.get(path, headers=HTMX)
    assert fragment.status_code == 200
    assert fragment.text.count("hx-trigger") == 1
    assert 'hx-trigger="every 1s"' in fragment.text


def test_an_import_of_the_command_line_tells_as_much(client, database):
    with database.writing() as session:
        known = begun(session, member(session), expected=2_000)
        unknown = begun(session, member(session), expected=None)
    page = client.get(known).text
    assert "It runs on the command line." in page
    assert "500 read of about 2,000" in page
    assert 'value="25"' in page
    assert "500 read, 125 a second; how many there are is not known yet" in client.get(unknown).text


def test_a_cancelled_import_says_what_it_kept_and_goes_on(
    client: TestClient, database: Database, settings: Settings
) -> None:
    path = under_way(database, RunStatus.CANCELLED)
    fragment = client.get(path, headers=HTMX)
    assert fragment.status_code == 286
    assert "It stopped after 500 traces. 400 created or updated by then are kept" in fragment.text
    assert "hx-trigger" not in fragment.text
    assert 'id="count-traces" hx-swap-oob="true"' in fragment.text, "the rail counts what came in"
    settings.uploads.mkdir()
    (settings.uploads / "a").write_bytes(lines(chat("a"), chat("b")))
    assert counts(client.post(f"{path}/start").text)["created"] == 2


def test_a_failed_import_says_why(client: TestClient, database: Database) -> None:
    path = under_way(database, RunStatus.FAILED, error="The disk is full.")
    page = client.get(path).text
    assert "The disk is full." in page
    assert "Go on" in page


def test_the_empty_screen_teaches_with_an_example_of_each_format(client: TestClient) -> None:
    page = client.get(PATH).text
    assert "Nothing was imported yet." in page
    for title in ("tau-bench results", "OpenAI-style messages", "CSV or JSON lines"):
        assert title in page
    assert "&#34;expected_actions&#34;" in page
