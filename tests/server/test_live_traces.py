"""Live spans become traces: put together again and again, in place, by whoever is there."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from sqlmodel import Session, col, select

from server.db import Database
from server.errors import Forbidden, NotFound
from server.importers.redaction import Rule
from server.models.base import stored_id, utc_now
from server.models.event import Event
from server.models.note import Anchor, Note
from server.models.otlp import OtlpSpan, OtlpTrace
from server.models.trace import Step, Trace
from server.queries import otlp as queries
from server.services import archives, erasure, lifecycle, live_spans, live_traces, notes, projects
from server.settings import Settings
from tests import otlp
from tests.factories import PROJECT_NAME, SLUG, make_trace, member
from tests.otlp import PROTOBUF, Call

FIRST = Call(trace=0xA1, number=1, question="How much is 1+1?", answer="It is 3.")
LATER = Call(trace=0xA1, number=3, question="Which day is it?", answer="Tuesday.")
BETWEEN = Call(trace=0xA1, number=2, question="Are you sure?", answer="Certainly.")
OTHER = Call(trace=0xB2, number=4, question="Who are you?", answer="A program.")
LONG_AFTER = timedelta(hours=1)


@pytest.fixture
def project_id(database: Database) -> int:
    with database.writing() as session:
        return stored_id(projects.create(session, PROJECT_NAME))


def deliver(
    database: Database, settings: Settings, calls: Sequence[Call], rules: Sequence[Rule] = ()
) -> list[str]:
    """Store calls as the endpoint does; returns why some were refused."""
    with database.writing() as session:
        lead = member(session)
        delivery = live_spans.prepare(
            otlp.protobuf(calls), PROTOBUF, lead.project_id, lead.id, rules
        )
        (refused,) = live_spans.store(session, settings, lead.project_id, [delivery])
        return [record.reason for record in refused]


def assemble(database: Database) -> int:
    return live_traces.assemble_due(database, utc_now() + LONG_AFTER)


def conversation(database: Database, call: Call) -> list[tuple[str, str]]:
    with database.reading() as session:
        steps = session.exec(
            select(Step)
            .join(Trace, col(Trace.id) == col(Step.trace_id))
            .where(Trace.external_id == call.trace_key)
            .order_by(col(Step.position))
        )
        return [(step.role, step.text) for step in steps if step.role in ("user", "assistant")]


def trace_of(session: Session, call: Call) -> Trace:
    return session.exec(select(Trace).where(Trace.external_id == call.trace_key)).one()


def said(*calls: Call) -> list[tuple[str, str]]:
    return [
        line for call in calls for line in (("user", call.question), ("assistant", call.answer))
    ]


def test_spans_wait_a_moment_for_others_and_become_a_trace(
    database: Database, settings: Settings, project_id: int
) -> None:
    deliver(database, settings, [FIRST, OTHER])
    assert live_traces.assemble_due(database) == 0, "others of their traces may be on their way"
    assert assemble(database) == 2
    assert conversation(database, FIRST) == said(FIRST)
    assert conversation(database, OTHER) == said(OTHER)
    assert assemble(database) == 0, "nothing awaits anything any more"
    with database.reading() as session:
        row = session.exec(queries.live_import(project_id)).one()
        assert trace_of(session, FIRST).import_id == row.id
        counts = {name: row.counts[name] for name in ("spans", "read", "created")}
        assert counts == {"spans": 2, "read": 2, "created": 2}


def test_a_late_span_joins_its_trace_and_notes_stay_with_their_steps(
    database: Database, settings: Settings, project_id: int
) -> None:
    deliver(database, settings, [FIRST, LATER])
    assemble(database)
    with database.writing() as session:
        trace_id = stored_id(trace_of(session, FIRST))
        position = conversation(database, FIRST).index(("assistant", "Tuesday."))
        notes.add_note(
            session, member(session), trace_id, "wrong day", anchor=Anchor(position, 0, 7)
        )
    deliver(database, settings, [BETWEEN])
    assemble(database)

    assert conversation(database, FIRST) == said(FIRST, BETWEEN, LATER)
    with database.reading() as session:
        assert stored_id(trace_of(session, FIRST)) == trace_id
        note = session.exec(select(Note)).one()
        step = session.exec(
            select(Step).where(Step.trace_id == trace_id, Step.position == note.step)
        ).one()
        assert step.text[note.start : note.end] == "Tuesday."[:7]
        assert position < (note.step or 0)
        moved = session.exec(select(Event).where(Event.kind == "anchors.moved")).one()
        assert moved.actor_id is None, "nobody decided this, so nobody is offered to undo it"


def test_the_same_spans_again_change_nothing(
    database: Database, settings: Settings, project_id: int
) -> None:
    for _ in range(2):
        deliver(database, settings, [FIRST, BETWEEN])
        assemble(database)
    with database.reading() as session:
        row = session.exec(queries.live_import(project_id)).one()
        assert (row.counts["spans"], row.counts["created"], row.counts["updated"]) == (2, 1, 0)


def test_spans_that_arrive_while_their_trace_is_put_together_are_not_forgotten(
    database: Database, settings: Settings, project_id: int
) -> None:
    deliver(database, settings, [FIRST])
    claimed_project, claimed = live_traces._claim(database, utc_now() + LONG_AFTER)
    assembled = [*live_traces._assembled(database, claimed_project, claimed)]
    deliver(database, settings, [LATER])
    live_traces._store(database, claimed_project, assembled)
    assert conversation(database, FIRST) == said(FIRST)
    assert assemble(database) == 2
    assert conversation(database, FIRST) == said(FIRST, LATER)


def test_what_a_killed_process_had_claimed_is_taken_up_again(
    database: Database, settings: Settings, project_id: int
) -> None:
    deliver(database, settings, [FIRST])
    _, claimed = live_traces._claim(database, utc_now() + timedelta(seconds=5))
    assert len(claimed) == 1
    assert live_traces._claim(database, utc_now() + timedelta(seconds=5)) == (0, [])
    assert assemble(database) == 1


def test_work_on_a_trace_stays_in_proportion_to_its_spans(
    database: Database, settings: Settings, project_id: int
) -> None:
    """A thousand spans, ten times a second: read with each delivery, they would be 25,500.

    Put together after 1 s (200 spans), it waits 1.4 s (to 480), then 1.96 s (to 860), then it is
    whole: 2,560, and a bit, because deliveries take their turn on tenths of a second.
    """
    read = 0
    with time_machine.travel("2026-01-01T12:00:00Z", tick=False) as clock:
        for delivery in range(50):
            numbers = range(delivery * 20 + 1, delivery * 20 + 21)
            calls = [Call(trace=0xC3, number=n, question=f"q{n}", answer="a") for n in numbers]
            deliver(database, settings, calls)
            clock.shift(0.1)
            read += live_traces.assemble_due(database)
        read += assemble(database)
    assert 1_000 <= read <= 3_000
    assert len(conversation(database, calls[0])) == 2_000


def test_a_clock_that_is_set_back_puts_nothing_off(
    database: Database, settings: Settings, project_id: int
) -> None:
    """One trace waits to be put together, one was claimed by a process that died."""
    with time_machine.travel("2026-01-01T13:00:00Z", tick=False) as clock:
        deliver(database, settings, [FIRST])
        live_traces._claim(database, utc_now() + LONG_AFTER)
        deliver(database, settings, [OTHER])
        clock.move_to("2026-01-01T12:58:00Z")
        assert live_traces.assemble_due(database) == 0, "as long as some may wait by themselves"
        clock.move_to("2026-01-01T12:00:00Z")
        assert live_traces.assemble_due(database) == 2
        assert live_traces.assemble_due(database) == 0, "once is enough"


def test_redaction_comes_before_anything_is_written(
    database: Database, settings: Settings, project_id: int
) -> None:
    secret = Call(trace=0xD4, number=1, question="I am\nann@example.org", answer="Hello!")
    deliver(database, settings, [secret], [Rule("email")])
    assemble(database)
    with database.reading() as session:
        payload = session.exec(select(OtlpSpan.payload)).one()
        assert "example.org" not in str(live_spans.unpack(payload))
        assert session.exec(queries.live_import(project_id)).one().counts["redacted"] == 1
    assert conversation(database, secret)[0] == ("user", "I am\n[redacted]")


def test_a_span_that_a_rule_takes_too_long_on_is_refused_not_let_through(
    database: Database, settings: Settings, project_id: int
) -> None:
    endless = Call(trace=0xD5, number=1, question="a" * 40 + "!", answer="x")
    (reason,) = deliver(database, settings, [endless, FIRST], [Rule("slow", r"(a|a)+$")])
    assert "takes more than" in reason
    with database.reading() as session:
        assert session.exec(select(OtlpSpan.trace_key)).all() == [FIRST.trace_key]


def test_an_erased_trace_leaves_no_span_and_takes_none(
    database: Database, settings: Settings, project_id: int
) -> None:
    deliver(database, settings, [FIRST, OTHER])
    assemble(database)
    with database.writing() as session:
        erased = stored_id(trace_of(session, FIRST))
        erasure.erase(session, settings, member(session), erased)
    (reason,) = deliver(database, settings, [BETWEEN, OTHER])
    assert "erased" in reason
    assemble(database)
    with database.reading() as session:
        assert session.exec(select(OtlpSpan.trace_key)).all() == [OTHER.trace_key]
        assert session.exec(select(OtlpTrace.trace_key)).all() == [OTHER.trace_key]
    assert conversation(database, FIRST) == [("user", "[erased]"), ("assistant", "[erased]")]


def test_spans_of_a_project_put_away_meanwhile_wait_until_it_is_back(
    database: Database, settings: Settings, project_id: int
) -> None:
    deliver(database, settings, [FIRST])
    with database.writing() as session:
        lifecycle.put_away(session, member(session))
    assert assemble(database) == 0
    with pytest.raises(Forbidden, match="archived"):
        deliver(database, settings, [LATER])
    with database.writing() as session:
        lifecycle.bring_back(session, member(session))
    assert assemble(database) == 1
    assert conversation(database, FIRST) == said(FIRST)


def test_a_deleted_project_takes_its_spans_along(
    database: Database, settings: Settings, project_id: int
) -> None:
    deliver(database, settings, [FIRST])
    assemble(database)
    with database.writing() as session:
        lead = member(session)
        lifecycle.put_away(session, lead)
        lifecycle.delete(session, settings, lead, confirmed=SLUG)
        assert session.exec(select(OtlpSpan)).all() == []
        assert session.exec(select(OtlpTrace)).all() == []
        delivery = live_spans.Delivery(project_id, 1, ())
        with pytest.raises(NotFound):
            live_spans.store(session, settings, project_id, [delivery])


def test_a_trace_that_a_file_brought_whole_is_not_cut_down_by_a_late_span(
    database: Database, settings: Settings, project_id: int
) -> None:
    with database.writing() as session:
        project = projects.find(session, SLUG)
        make_trace(session, project, FIRST.trace_key, ("Why?", "So.", "Really?", "Yes."))
    deliver(database, settings, [FIRST])
    assemble(database)
    assert len(conversation(database, FIRST)) == 4
    deliver(database, settings, [BETWEEN, LATER])
    assemble(database)
    assert conversation(database, FIRST) == said(FIRST, BETWEEN, LATER)


def test_an_archived_copy_of_a_project_takes_late_spans_as_the_first_does(
    database: Database, settings: Settings, project_id: int, tmp_path: Path
) -> None:
    deliver(database, settings, [FIRST, LATER])
    assemble(database)
    with database.reading() as session:
        archives.write(session, settings, projects.find(session, SLUG), tmp_path / "a.zip")
    with database.writing() as session:
        lifecycle.put_away(session, member(session))
        lifecycle.delete(session, settings, member(session), confirmed=SLUG)
    with database.writing() as session:
        archives.read(session, settings, tmp_path / "a.zip")
    assert conversation(database, FIRST) == said(FIRST, LATER)
    deliver(database, settings, [BETWEEN])
    assert assemble(database) == 3
    assert conversation(database, FIRST) == said(FIRST, BETWEEN, LATER)
