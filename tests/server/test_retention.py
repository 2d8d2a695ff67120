"""Retention: what nobody judged goes when it is old enough, and nothing else ever does."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from server.db import Database
from server.errors import Invalid
from server.jobs import Jobs
from server.models.base import stored_id, utc_now
from server.models.event import Event
from server.models.otlp import OtlpSpan, OtlpTrace
from server.models.run import AnalysisRun, RunStatus
from server.models.trace import Attachment, Import, ImportStatus, Outcome, Step, Trace
from server.models.verdict import VerdictValue
from server.queries.otlp import LIVE
from server.search import search_traces
from server.services import (
    batches,
    comments,
    corrections,
    notes,
    projects,
    retention,
    runs,
    verdicts,
)
from server.settings import Settings
from server.tasks import HANDLERS
from tests.application import serving
from tests.factories import SLUG, make_project, make_trace, member
from tests.processes import Ended

WORD = "Zwiebelkuchen"


def aged(session: Session, name: str, days: float, **fields: Any) -> int:
    came = utc_now() - timedelta(days=days)
    found = projects.find(session, SLUG)
    texts = (f"Bake a {WORD}.", f"No {WORD} here.")
    return stored_id(make_trace(session, found, name, texts, created_at=came, **fields))


@contextmanager
def in_project(database: Database) -> Iterator[Session]:
    with database.writing() as session:
        if session.exec(select(sa.func.count()).select_from(Trace)).one() == 0:
            projects.create(session, "Try me")
        yield session


def applied(database: Database, settings: Settings) -> AnalysisRun:
    """The project's rule, applied as a worker does it."""
    with database.writing() as session:
        run_id = stored_id(retention.prepare(session, projects.find(session, SLUG)))
    runs.perform(database, settings, HANDLERS, run_id)
    with database.reading() as session:
        return session.get_one(AnalysisRun, run_id)


def names(database: Database) -> list[str]:
    with database.reading() as session:
        return sorted(session.exec(select(Trace.external_id)).all())


def test_only_old_traces_that_nobody_worked_on_go(database: Database, settings: Settings) -> None:
    with in_project(database) as session:
        lead, alice = member(session), member(session, "Annotator A")
        for name, days in (("old", 31), ("older", 300), ("young", 29.9)):
            aged(session, name, days)
        notes.add_note(session, alice, aged(session, "noted", 40), "It invents a recipe.")
        verdicts.decide(session, alice, aged(session, "judged", 40), VerdictValue.FAIL)
        comments.add_comment(session, lead, aged(session, "discussed", 40), "Who owns this?")
        batches.create_from(session, lead, [aged(session, "drawn", 40)], "By hand")
        corrected = corrections.Correction(Outcome.INCORRECT, "seen by a person")
        corrections.correct(session, lead, aged(session, "corrected", 40), corrected)
        retention.change(session, lead, 30)
    run = applied(database, settings)
    assert (run.status, run.result["deleted"]) == (RunStatus.DONE, 2)
    assert names(database) == ["corrected", "discussed", "drawn", "judged", "noted", "young"]
    with database.reading() as session:
        found = session.exec(select(Trace.external_id).where(search_traces(WORD))).all()
        assert sorted(found) == names(database)
        event = session.exec(select(Event).order_by(col(Event.id).desc())).first()
        assert event is not None
        assert event.kind == "trace.expired"
        assert event.payload["traces"] == 2
        alone = session.exec(select(Step).where(col(Step.trace_id).not_in(select(Trace.id)))).all()
        assert alone == []


def test_their_files_go_with_them_unless_something_else_has_them(
    database: Database, settings: Settings
) -> None:
    contents = {hashlib.sha256(text).hexdigest(): text for text in (b"shared", b"alone")}
    shared, alone = contents
    for folder in (settings.attachments, settings.uploads, settings.refused):
        folder.mkdir(parents=True, exist_ok=True)
    for digest, content in contents.items():
        (settings.attachments / digest).write_bytes(content)
    (settings.uploads / "old.jsonl").write_text(WORD)
    (settings.uploads / "young.jsonl").write_text(WORD)
    with in_project(database) as session:
        project_id = stored_id(projects.find(session, SLUG))
        for name, days in (("old", 31), ("young", 1)):
            ended: dict[str, Any] = {
                "status": ImportStatus.DONE,
                "finished_at": utc_now() - timedelta(days=days),
            }
            stored = f"uploads/{name}.jsonl"
            session.add(Import(project_id=project_id, file_name=name, stored_path=stored, **ended))
        for name, days, digests in (("old", 31, [shared, alone]), ("young", 1, [shared])):
            trace_id = aged(session, name, days)
            step = session.exec(select(Step).where(Step.trace_id == trace_id)).all()[0]
            for digest in digests:
                session.add(
                    Attachment(step_id=stored_id(step), media_type="text/plain", sha256=digest)
                )
        retention.change(session, member(session), 30)
    run = applied(database, settings)
    assert run.result == {"deleted": 1, "files": 1}
    assert [path.name for path in settings.attachments.iterdir()] == [shared]
    assert [path.name for path in settings.uploads.iterdir()] == ["young.jsonl"]


def test_a_rule_for_live_traces_leaves_imported_ones_and_takes_their_spans(
    database: Database, settings: Settings
) -> None:
    with in_project(database) as session:
        project_id = stored_id(projects.find(session, SLUG))
        live = Import(project_id=project_id, file_name="live", format=LIVE)
        session.add(live)
        session.flush()
        aged(session, "imported", 40)
        trace_id = aged(session, "a" * 32, 40, import_id=live.id)
        keys: dict[str, Any] = {"project_id": project_id, "trace_key": "a" * 32}
        session.add(OtlpTrace(**keys, trace_id=trace_id, received_at=utc_now()))
        session.add(OtlpSpan(**keys, span_key="b" * 16, payload=WORD.encode()))
        retention.change(session, member(session), 30, live_only=True)
    assert applied(database, settings).result["deleted"] == 1
    assert names(database) == ["imported"]
    with database.reading() as session:
        assert session.exec(select(OtlpSpan)).all() == []


def test_a_rule_is_applied_once_a_day_and_only_where_there_is_one(database: Database) -> None:
    asked: list[int] = []
    jobs = Jobs.immediate()
    jobs.performed_by(asked.append)
    with in_project(database) as session:
        aged(session, "old", 40)
    for days in (None, 30, 30):
        with database.writing() as session:
            if days:
                retention.change(session, member(session), days)
            retention.request_due(session, jobs)
    assert len(asked) == 1
    with database.writing() as session:
        run = session.get_one(AnalysisRun, asked[0])
        run.created_at = utc_now() - timedelta(hours=25)
        projects.find(session, SLUG).read_only = True
        session.flush()
        retention.request_due(session, jobs)
    assert len(asked) == 1
    with database.writing() as session:
        projects.find(session, SLUG).read_only = False
        session.flush()
        retention.request_due(session, jobs)
    assert len(asked) == 2


def test_days_out_of_bounds_are_refused(database: Database) -> None:
    with in_project(database) as session:
        for days in (0, -1, 4_000):
            with pytest.raises(Invalid, match="1 to 3,650 days"):
                retention.change(session, member(session), days)


def test_the_page_counts_what_would_go_and_says_what_is_refused(
    settings: Settings, database: Database
) -> None:
    make_project(database)
    with database.writing() as session:
        aged(session, "old", 40)
        notes.add_note(session, member(session), aged(session, "noted", 40), "It stays.")
    path = f"/projects/{SLUG}/retention"
    with serving(settings) as client:
        tried = client.post(f"{path}/try", data={"days": "30"}).text
        assert (
            "<strong>1 trace</strong>: 2 came in more than 30 days ago, and 1 of them stay" in tried
        )
        assert "everything is kept" in client.get(path).text
        refused = client.post(path, data={"days": "0"})
        assert refused.status_code == 422
        assert "Choose 1 to 3,650 days" in refused.text
        client.post(path, data={"days": "30", "live_only": "true"})
        assert "traces go after 30 days" in client.get(path).text
        client.post(f"/projects/{SLUG}/undo")
        assert "everything is kept" in client.get(path).text
    assert "old" in names(database)


def test_the_command_says_what_would_go_and_then_deletes_it(
    database: Database, settings: Settings
) -> None:
    with in_project(database) as session:
        for name, days in (("old", 40), ("young", 1)):
            aged(session, name, days)
        retention.change(session, member(session), 30)
    place = ("--data", settings.data, "--database", settings.database_url, "--json")
    told = Ended("retention", "--dry-run", *place).answer
    assert [project["would_delete"] for project in told["projects"]] == [1]
    assert names(database) == ["old", "young"]
    told = Ended("retention", "--project", SLUG, *place).answer
    assert [project["deleted"] for project in told["projects"]] == [1]
    assert names(database) == ["young"]
