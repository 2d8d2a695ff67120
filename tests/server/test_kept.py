"""What pages keep of each other never outlives what it rests on."""

from sqlmodel import Session

from server import search
from server.db import Database
from server.importers.base import ImportOptions
from server.models.base import stored_id
from server.models.label import LabelValue
from server.models.trace import Trace
from server.models.verdict import VerdictValue
from server.queries.filters import Filters
from server.services import events, imports, labels, modes, verdicts
from server.views import kept
from server.views.facts import Facts
from server.views.filter_bar import filter_bar
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


def test_what_an_import_changes_of_known_traces_is_seen(database: Database) -> None:
    (trace_id,) = make_project(database, traces=1)

    def models_and_sessions() -> tuple[set[str], bool]:
        with database.reading() as session:
            lead = member(session)
            facts, names = Facts(session, lead), search.names(session, lead)
            bar = filter_bar(session, lead, Filters(), action="", names=names, facts=facts)
            (offered,) = [choice.options for choice in bar.choices if choice.name == "model"]
            return {value for value, _ in offered if value}, facts.has_sessions

    with database.writing() as session:
        session.get_one(Trace, trace_id).model = "first"
    assert models_and_sessions() == ({"first"}, False)
    with database.writing() as session:
        trace = session.get_one(Trace, trace_id)
        trace.model, trace.session_id = "second", "morning"
        imports.stage(session, member(session), "again.jsonl", ImportOptions())
    assert models_and_sessions() == ({"second"}, True)


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
