"""Redaction rules of a project: a decision, tried first, applied by every import."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlmodel import Session, SQLModel, col, select

from server.db import Database
from server.errors import Invalid
from server.importers.base import ImportOptions
from server.importers.redaction import Rule, from_settings
from server.models.trace import Import, ImportStatus, Step, Trace
from server.services import events, imports, projects, redaction
from server.services.import_counts import ImportResult
from server.settings import Settings
from tests.factories import SLUG, make_project, member

PATH = f"/projects/{SLUG}/redaction"
SECRET = "jane.doe@example.com"
EMAIL = Rule("email", "", "[email]")
FORM = {
    "built_in": ["email"],
    "name": ["order", ""],
    "pattern": [r"#W\d{7}", ""],
    "replacement": ["[order]", "[redacted]"],
}


@pytest.fixture(autouse=True)
def project(database: Database) -> None:
    make_project(database, traces=0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "chats.jsonl"
    said = f"Mail me at {SECRET}, not at bob@example.org."
    call = {"function": {"name": "send", "arguments": json.dumps({"to": SECRET})}}
    record = {
        "id": "t1",
        "user_mail": SECRET,
        "messages": [
            {"role": "user", "content": said},
            {"role": "assistant", "content": "", "tool_calls": [{"id": "c", **call}]},
        ],
    }
    path.write_text(json.dumps(record) + "\n" + json.dumps({"id": SECRET, "messages": 7}) + "\n")
    return path


def run(database: Database, settings: Settings, path: Path) -> ImportResult:
    return imports.import_path(database, settings, SLUG, path, ImportOptions(), lambda *_: None)


def set_rules(database: Database, *rules: Rule) -> None:
    with database.writing() as session:
        redaction.change(session, member(session), rules)


def everything_stored(session: Session) -> str:
    return "\n".join(
        repr(row)
        for table in SQLModel.metadata.sorted_tables
        for row in session.execute(sa.select(table))
    )


def test_nothing_of_it_is_stored_anywhere(
    database: Database, settings: Settings, file: Path
) -> None:
    set_rules(database, EMAIL)
    result = run(database, settings, file)
    # Two in the question, one in the metadata, and the call as text and as data.
    assert result.as_json()["redacted"] == result.as_json()["files"][0]["redacted"] == 5
    with database.reading() as session:
        assert SECRET not in everything_stored(session)
        assert session.exec(select(Step.text).order_by(col(Step.position))).first() == (
            "Mail me at [email], not at [email]."
        )
        trace = session.exec(select(Trace)).one()
        assert trace.metadata_ == {"user_mail": "[email]"}
        assert "[email]" in trace.search_text
    assert result.refused_file is not None
    assert SECRET not in Path(result.refused_file).read_text()


def test_the_same_file_again_changes_nothing(
    database: Database, settings: Settings, file: Path
) -> None:
    set_rules(database, EMAIL)
    run(database, settings, file)
    again = run(database, settings, file).counts.totals()
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 1)


def test_new_rules_reach_old_traces_by_importing_again(
    database: Database, settings: Settings, file: Path
) -> None:
    run(database, settings, file)
    set_rules(database, EMAIL)
    assert run(database, settings, file).counts.totals()["updated"] == 1
    with database.reading() as session:
        steps = session.exec(select(Step)).all()
        assert all(SECRET not in step.text + str(step.data) for step in steps)


def test_a_rule_that_never_ends_stops_the_import_before_anything_is_stored(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    slow = Rule("slow", "(b+)+$")
    set_rules(database, slow)  # the probes do not hold this letter
    path = tmp_path / "b.jsonl"
    texts = [{"role": "user", "content": "b" * 5_000 + "!"}]
    path.write_text(json.dumps({"id": "t1", "messages": texts}))
    with pytest.raises(Invalid, match="«slow» takes more than"):
        run(database, settings, path)
    with database.reading() as session:
        assert session.exec(select(Trace)).first() is None
        assert session.exec(select(Import)).one().status is ImportStatus.FAILED
    set_rules(database, EMAIL)
    assert run(database, settings, path).counts.totals()["created"] == 1


def test_changing_rules_is_a_decision_that_undo_takes_back(database: Database) -> None:
    set_rules(database, EMAIL, Rule("order", r"#W\d+", "[order]"))
    with database.writing() as session:
        event = events.undo(session, member(session))
        assert (event.summary, projects.find(session, SLUG).settings) == ("2 redaction rules", {})


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ((Rule("", "x"),), "needs a name"),
        ((Rule("a", "x"), Rule("a", "y")), "two rules called «a»"),
        (tuple(Rule(f"r{n}", "x") for n in range(51)), "50 at most"),
    ],
)
def test_rules_that_do_not_do_are_refused(
    database: Database, rules: tuple[Rule, ...], told: str
) -> None:
    with pytest.raises(Invalid, match=told):
        set_rules(database, *rules)


def stored(database: Database) -> tuple[Rule, ...]:
    with database.reading() as session:
        return from_settings(projects.find(session, SLUG).settings)


def test_the_page_saves_built_in_and_own_rules(client: TestClient, database: Database) -> None:
    answer = client.post(PATH, data=FORM, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, PATH)
    assert stored(database) == (EMAIL, Rule("order", r"#W\d{7}", "[order]"))
    page = client.get(PATH).text
    assert 'value="email" checked' in page
    assert 'value="#W\\d{7}"' in page


def test_trying_shows_the_result_and_saves_nothing(client: TestClient, database: Database) -> None:
    text = f"order #W2378156 of {SECRET}"
    page = client.post(f"{PATH}/try", data={**FORM, "text": text}).text
    assert "order [order] of [email]" in page
    assert "2 finds replaced" in page
    assert stored(database) == ()


@pytest.mark.parametrize("path", [PATH, f"{PATH}/try"])
def test_a_refused_rule_comes_back_with_what_was_typed(
    client: TestClient, database: Database, path: str
) -> None:
    form = {**FORM, "name": ["kept name"], "pattern": ["(a+)+$"], "replacement": ["[x]"]}
    answer = client.post(path, data={**form, "text": "kept text"})
    assert answer.status_code == 422
    for kept in ("kept name", "(a+)+$", "kept text", "takes too long"):
        assert kept in answer.text
    assert stored(database) == ()


def test_only_a_lead_of_an_open_project_changes_rules(
    client: TestClient, database: Database
) -> None:
    client.cookies.set("faultbook_acting", "Annotator%20A")
    assert client.post(PATH, data=FORM).status_code == 403
    assert client.post(f"{PATH}/try", data=FORM).status_code == 403
    page = client.get(PATH)
    assert (page.status_code, f'action="{PATH}' in page.text) == (200, False)
    client.cookies.clear()
    with database.writing() as session:
        project = projects.find(session, SLUG)
        project.read_only = True
        session.add(project)
    assert client.post(PATH, data=FORM).status_code == 403
    assert stored(database) == ()
