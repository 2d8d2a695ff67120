"""Erasing leaves no word of a trace anywhere, and everything else as it was."""

import hashlib
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session, SQLModel, select

from server.db import Database
from server.errors import NotFound
from server.models.base import stored_id
from server.models.event import Event
from server.models.note import Anchor, Note
from server.models.project import Member, Project
from server.models.run import AnalysisRun, Embedding, RunKind, RunStatus
from server.models.trace import Attachment, Import, ImportStatus, Step, Trace
from server.models.verdict import Verdict, VerdictValue
from server.services import erasure, events, groupings, modes, notes, projects, verdicts
from server.settings import Settings
from tests.factories import make_trace

SECRET = "Zwiebelkuchen"
"""A word that stands nowhere but in the trace and what was written about it."""


@pytest.fixture
def trace_id(session: Session, project: Project, settings: Settings) -> int:
    trace = make_trace(
        session,
        project,
        "t1",
        (f"My name is {SECRET}.", f"Hello {SECRET}!"),
        answer=SECRET,
        metadata_={"user": SECRET},
        dimensions={"customer": SECRET},
    )
    step = session.exec(select(Step).where(Step.trace_id == trace.id)).all()[1]
    content = SECRET.encode()
    digest = hashlib.sha256(content).hexdigest()
    session.add(Attachment(step_id=stored_id(step), media_type="text/plain", sha256=digest))
    settings.attachments.mkdir()
    (settings.attachments / digest).write_bytes(content)
    session.flush()
    return stored_id(trace)


def everything_stored(session: Session) -> str:
    session.flush()
    return "\n".join(
        repr(row)
        for table in SQLModel.metadata.sorted_tables
        for row in session.execute(sa.select(table))
    )


def test_no_word_is_left_in_any_table_or_file(
    session: Session, settings: Settings, lead: Member, alice: Member, trace_id: int
) -> None:
    note = notes.add_note(session, alice, trace_id, f"greets {SECRET}", anchor=Anchor(1, 6, 19))
    notes.edit_note(session, alice, stored_id(note), f"greets {SECRET} by name", version=1)
    mode = groupings.accept_as_mode(session, lead, [stored_id(note)], "Says names")
    modes.add_example(session, lead, stored_id(mode), stored_id(note), positive=True)
    verdicts.decide(session, alice, trace_id, VerdictValue.FAIL)
    digest = hashlib.sha256(note.text.encode()).hexdigest()
    session.add(Embedding(embedder="e", text_hash=digest, vector=b""))
    assert SECRET in everything_stored(session)
    before = len(session.exec(select(Event)).all())

    erasure.erase(session, settings, lead, trace_id)

    assert SECRET not in everything_stored(session)
    assert not session.exec(select(Embedding)).all()
    assert len(session.exec(select(Event)).all()) == before + 1
    assert session.exec(select(Note)).one().text == erasure.ERASED
    assert session.exec(select(Verdict)).one().value is VerdictValue.FAIL
    trace = session.get_one(Trace, trace_id)
    assert (trace.external_id, trace.step_count) == ("t1", 2)


def test_files_that_hold_words_of_it_go_with_the_commit(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    with database.writing() as session:
        project = projects.create(session, "Filed")
        lead = projects.local_member(session, project)
        attached = settings.attachments / hashlib.sha256(SECRET.encode()).hexdigest()
        uploaded, refused = settings.uploads / "chats.jsonl", settings.refused / "import-1.jsonl"
        archived, page = (settings.artefacts / name for name in ("archive-1.zip", "page.json.gz"))
        for file in (attached, uploaded, refused, archived, page):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(SECRET)
        row = Import(
            project_id=lead.project_id,
            file_name="chats.jsonl",
            stored_path="uploads/chats.jsonl",
            refused_file="refused/import-1.jsonl",
            status=ImportStatus.DONE,
        )
        run = AnalysisRun(
            project_id=lead.project_id, kind="archive", artefact="artefacts/archive-1.zip"
        )
        report = AnalysisRun(
            project_id=lead.project_id,
            kind=RunKind.PAGE,
            status=RunStatus.DONE,
            artefact="artefacts/page.json.gz",
        )
        session.add_all([row, run, report])
        session.flush()
        trace = make_trace(session, project, "t1", (f"I am {SECRET}",), import_id=row.id)
        step = session.exec(select(Step).where(Step.trace_id == trace.id)).one()
        session.add(
            Attachment(step_id=stored_id(step), media_type="text/plain", sha256=attached.name)
        )
        session.flush()
        erasure.erase(session, settings, lead, stored_id(trace))
        assert attached.exists(), "nothing is gone before the rest is on disk"
    files = (attached, uploaded, refused, archived, page)
    assert not [file for file in files if file.exists()]
    with database.reading() as session:
        assert SECRET not in everything_stored(session)
        assert session.exec(select(Import.stored_path)).one() == ""


def test_what_was_undone_or_comes_back_by_undo_is_erased_too(
    session: Session, settings: Settings, lead: Member, alice: Member, trace_id: int
) -> None:
    notes.add_note(session, alice, trace_id, f"about {SECRET}")
    events.undo(session, alice)
    erasure.erase(session, settings, lead, trace_id)
    events.redo(session, alice)
    assert session.exec(select(Note)).one().text == erasure.ERASED
    assert SECRET not in everything_stored(session)


def test_other_traces_and_notes_stay_as_they_are(
    session: Session, settings: Settings, lead: Member, project: Project, trace_id: int
) -> None:
    other = make_trace(session, project, "t2", ("Hi", f"Also {SECRET}"))
    note = notes.add_note(session, lead, stored_id(other), f"also {SECRET}")
    erasure.erase(session, settings, lead, trace_id)
    session.refresh(note)
    assert note.text == f"also {SECRET}"
    assert "Also" in session.get_one(Trace, other.id).search_text


def test_erasing_is_an_event_that_nothing_takes_back(
    session: Session, settings: Settings, lead: Member, trace_id: int
) -> None:
    event = erasure.erase(session, settings, lead, trace_id)
    assert (event.kind, event.actor_id) == ("trace.erased", lead.id)
    with pytest.raises(NotFound, match="Nothing to undo"):
        events.undo(session, lead)
