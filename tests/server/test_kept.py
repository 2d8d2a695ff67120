"""What pages keep of each other never outlives what it rests on."""

from sqlmodel import Session

from server.db import Database
from server.models.base import stored_id
from server.models.label import LabelValue
from server.models.verdict import VerdictValue
from server.services import events, labels, modes, verdicts
from server.views import kept
from server.views.facts import Facts
from tests.factories import make_project, make_trace, member, projects


def waiting(database: Database, name: str = "Lead") -> int:
    with database.reading() as session:
        return Facts(session, member(session, name)).traces_to_label


def test_the_rail_follows_labels_and_undo(database: Database) -> None:
    trace_ids = make_project(database)
    with database.writing() as session:
        lead = member(session)
        mode_id = stored_id(modes.create(session, lead, "Loops"))
        for trace_id in trace_ids:
            verdicts.decide(session, lead, trace_id, VerdictValue.FAIL)
            verdicts.submit(session, lead, trace_id)
    assert waiting(database) == len(trace_ids)
    assert waiting(database, "Annotator A") == 0
    with database.writing() as session:
        labels.label(session, member(session), trace_ids[0], {mode_id: LabelValue.PRESENT})
    assert waiting(database) == len(trace_ids) - 1
    with database.writing() as session:
        events.undo(session, member(session))
    assert waiting(database) == len(trace_ids)


def test_a_new_trace_is_counted(database: Database) -> None:
    make_project(database, traces=3)

    def count() -> int:
        with database.reading() as session:
            return Facts(session, member(session)).trace_count

    assert count() == 3
    with database.writing() as session:
        make_trace(session, projects.find(session, "try-me"), "one-more")
    assert count() == 4


def test_what_a_writing_session_sees_is_not_kept(database: Database) -> None:
    make_project(database, traces=1)

    def asked(session: Session, answer: int) -> int:
        lead = member(session)
        now = kept.state(session, lead.project_id)
        return kept.value(session, now, (lead.project_id, "answer"), lambda: answer)

    with database.rehearsing() as session:
        assert asked(session, 1) == 1
    with database.reading() as session:
        assert asked(session, 2) == 2
    with database.reading() as session:
        assert asked(session, 3) == 2


def test_whoever_writes_into_a_frame_changes_it_for_nobody(database: Database) -> None:
    trace_ids = make_project(database, traces=1)
    with database.writing() as session:
        verdicts.decide(session, member(session), trace_ids[0], VerdictValue.FAIL)
        verdicts.submit(session, member(session), trace_ids[0])
    for _ in range(2):
        with database.reading() as session:
            found = Facts(session, member(session)).verdicts
            assert list(found["value"]) == ["fail"]
            assert "told" not in found
            found["told"] = 1
            found.loc[:, "value"] = "pass"
