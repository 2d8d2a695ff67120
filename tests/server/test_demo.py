"""The demo project: loaded once, whatever interrupts it, and apart from what people make."""

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from server.db import Database
from server.errors import NotFound
from server.models.base import Row, stored_id
from server.models.batch import Batch, BatchTrace
from server.models.judge import JudgeVerdict
from server.models.note import Note
from server.models.project import Annotator, AnnotatorKind, Member
from server.models.trace import Outcome, Trace
from server.models.verdict import Verdict
from server.queries import projects as project_queries
from server.services import demo, events, projects
from server.settings import Settings
from server.views.events import latest_events
from tests.factories import make_trace

TRACES = 416
PASSED = 212
"""What server/demo/SOURCE.md says about the packed file."""


def quiet(_done: int, _total: int | None, _text: str) -> None:
    """Report progress to nobody."""


def count(session: Session, table: type[Row]) -> int:
    return session.exec(select(sa.func.count()).select_from(table)).one()


def test_it_holds_the_traces_that_its_source_says(database: Database, settings: Settings) -> None:
    assert demo.load(database, settings, quiet)
    with database.reading() as session:
        traces = session.exec(select(Trace)).all()
    assert len(traces) == TRACES
    assert sum(trace.outcome is Outcome.CORRECT for trace in traces) == PASSED
    assert all(trace.completion_tokens for trace in traces)
    # 8 models answered each of the 52 items once.
    assert len({(trace.model, trace.item_id) for trace in traces}) == 8 * 52


def test_what_the_judge_said_is_a_machines(database: Database, settings: Settings) -> None:
    demo.load(database, settings, quiet)
    with database.reading() as session:
        machines = session.exec(
            select(Annotator.name).where(Annotator.kind == AnnotatorKind.MACHINE)
        ).all()
        assert machines == ["LLM judge"]
        assert count(session, JudgeVerdict) == TRACES
        assert count(session, Note) == 0
        people = select(col(Annotator.id)).where(Annotator.kind == AnnotatorKind.HUMAN)
        judged = session.exec(select(Verdict).where(col(Verdict.annotator_id).in_(people))).all()
        assert judged == []


def test_a_batch_of_100_is_drawn_evenly_over_models(database: Database, settings: Settings) -> None:
    demo.load(database, settings, quiet)
    with database.reading() as session:
        rows = session.exec(
            select(Trace.model, sa.func.count())
            .join(BatchTrace, col(BatchTrace.trace_id) == col(Trace.id))
            .group_by(col(Trace.model))
        ).all()
    # 100 over 8 models of 52 traces each: four get 13, four get 12.
    assert sorted(number for _, number in rows) == [12] * 4 + [13] * 4


def test_a_second_start_loads_nothing(database: Database, settings: Settings) -> None:
    assert demo.load(database, settings, quiet)
    assert not demo.load(database, settings, quiet)
    with database.reading() as session:
        assert (count(session, Trace), count(session, Batch)) == (TRACES, 1)


def test_a_load_that_was_stopped_is_finished_by_the_next(
    database: Database, settings: Settings
) -> None:
    def pull_the_plug(_done: int, _total: int | None, _text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.load(database, settings, pull_the_plug)
    with database.reading() as session:
        assert count(session, Batch) == 0
    assert demo.load(database, settings, quiet)
    with database.reading() as session:
        assert (count(session, Trace), count(session, Batch)) == (TRACES, 1)
        assert count(session, JudgeVerdict) == TRACES


def test_nobody_who_arrives_has_anything_to_undo(database: Database, settings: Settings) -> None:
    demo.load(database, settings, quiet)
    with database.writing() as session:
        project = projects.find(session, demo.SLUG)
        for person in session.exec(project_queries.local_people(stored_id(project))):
            with pytest.raises(NotFound, match="Nothing to undo"):
                events.undo(session, Member(project, person))
        lead = projects.local_member(session, project)
        (event,) = latest_events(session, lead, 10)
    assert (event.who, event.summary) == ("the system", "Batch 1: 100 traces")


def test_a_project_of_the_same_name_is_left_alone(database: Database, settings: Settings) -> None:
    with database.writing() as session:
        make_trace(session, projects.create(session, demo.NAME))
    assert not demo.load(database, settings, quiet)
    with database.reading() as session:
        assert count(session, Trace) == 1
