"""Overview: numbers over the right traces, findings that are real, nothing that unblinds."""

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from server.db import Database
from server.models.base import stored_id
from server.models.batch import BatchTrace
from server.models.judge import Judge, JudgeVerdict
from server.models.label import LabelValue
from server.models.project import Member, Role
from server.models.verdict import VerdictValue
from server.sampling.wanted import Strategy
from server.services import batches, groupings, labels, modes, notes, projects, verdicts
from server.services.modes import Wording
from server.views.facts import Facts
from server.views.findings import findings
from server.views.overview import Overview, overview
from server.views.prevalence import prevalence_table
from tests.factories import SLUG, make_project, member, open_axial_coding

PATH = f"/projects/{SLUG}"
PASS, FAIL, DEFER = VerdictValue.PASS, VerdictValue.FAIL, VerdictValue.DEFER
PRESENT, ABSENT = LabelValue.PRESENT, LabelValue.ABSENT


def read(session: Session, reader: Member, trace_id: int, value: VerdictValue) -> None:
    verdicts.decide(session, reader, trace_id, value)
    verdicts.submit(session, reader, trace_id, seconds=20)


def drawn(session: Session) -> list[int]:
    """Every trace of the project in one random batch, in reading order."""
    batch = batches.create(session, member(session), strategy=Strategy.RANDOM_BY_MODEL)
    rows = session.exec(batches.queries.traces_of(stored_id(batch)))
    return [row.trace_id for row in rows]


def seen_by(session: Session, name: str = "Lead") -> Overview:
    return overview(Facts(session, member(session, name)))


def test_an_empty_project_asks_for_traces(client: TestClient, database: Database) -> None:
    make_project(database, traces=0)
    page = client.get(PATH).text
    assert "No traces yet" in page
    assert "Import traces" in page
    client.cookies.set("faultbook_acting", "Annotator%20A")
    assert "a lead imports them" in client.get(PATH).text


def test_a_fresh_project_says_what_to_do_first_and_what_its_data_is(
    client: TestClient, database: Database
) -> None:
    make_project(database, traces=4)
    with database.writing() as session:
        drawn(session)
        project = projects.find(session, SLUG)
        project.description = "Sums that go wrong."
        session.add(project)
    page = client.get(PATH).text
    assert "4 traces · random, stratified by model" in page
    assert "Start reading" in page
    assert "Sums that go wrong." in page
    assert "4 traces on 4 items, from 1 model: model-a" in page
    for path in ("/read", "/groups", "/labels"):
        assert f'href="{PATH}{path}">' in page


def test_the_tally_counts_a_trace_once(database: Database) -> None:
    make_project(database, traces=6)
    with database.writing() as session:
        lead, alice = member(session), member(session, "Annotator A")
        ids = drawn(session)
        for trace_id, value in zip(ids, (FAIL, FAIL, PASS, DEFER), strict=False):
            read(session, lead, trace_id, value)
        read(session, alice, ids[0], FAIL)
        read(session, alice, ids[1], PASS)
        read(session, alice, ids[3], PASS)  # the lead deferred this one
        counts = seen_by(session).tally
        own = seen_by(session, "Annotator A").tally
    assert (counts.total, counts.read) == (6, 4)
    assert (counts.failed, counts.passed, counts.split, counts.deferred) == (1, 2, 1, 0)
    assert (counts.median_seconds, counts.timed) == (20, 7)
    # An annotator reads blind: their own three.
    assert (own.read, own.failed, own.passed, own.split, own.timed) == (3, 1, 2, 0, 3)


def test_traces_read_outside_a_batch_are_told_apart(database: Database) -> None:
    (only,) = make_project(database, traces=1)
    with database.writing() as session:
        read(session, member(session), only, FAIL)
        counts = seen_by(session).tally
    assert (counts.total, counts.read, counts.outside) == (0, 0, 1)


def test_prevalence_is_over_randomly_drawn_traces_with_a_value(database: Database) -> None:
    make_project(database, traces=12)
    with database.writing() as session:
        lead = member(session)
        slip = stored_id(modes.create(session, lead, "Slip"))
        rare = stored_id(modes.create(session, lead, "Rare"))
        ids = drawn(session)
        for trace_id in ids[:7]:
            read(session, lead, trace_id, FAIL)
        for trace_id in ids[7:10]:
            read(session, lead, trace_id, PASS)
        for trace_id in ids[:4]:
            labels.label(session, lead, trace_id, {slip: PRESENT, rare: ABSENT})
        labels.label(session, lead, ids[4], {slip: ABSENT, rare: PRESENT})
        # One trace was picked by hand: its label counts nowhere.
        place = session.get_one(BatchTrace, 1)
        assert place.trace_id == ids[0]
        place.sampled_by = "by_hand"
        session.add(place)
        table = prevalence_table(Facts(session, lead))
    # Slip: present on ids 1–3; absent on id 4 by hand and on ids 7–9 by a Pass: 3 of 7.
    # Rare: present on id 4, absent on ids 1–3 and 7–9: 1 of 7. Highest first.
    assert [(row.name, row.present, row.n) for row in table.rows] == [
        ("Slip", 3, 7),
        ("Rare", 1, 7),
    ]
    first = table.rows[0]
    assert first.estimate is not None
    # Wilson, p = 3/7, n = 7, z = 1.96: z² = 3.8415.
    # centre (3/7 + 3.8415/14) / (1 + 3.8415/7) = .70296/1.54878 = .45388
    # half 1.96·√(.24490/7 + 3.8415/196) / 1.54878 = 1.96·.23361/1.54878 = .29564
    assert first.estimate.low == pytest.approx(0.15824, abs=5e-5)
    assert first.estimate.high == pytest.approx(0.74952, abs=5e-5)
    assert first.interval == "16–75"
    # Bars end at the next quarter above the highest bound, .75: 3/7 of .75 is 57.1 %.
    assert table.axis_end == 0.75
    assert first.bar is not None
    assert first.bar.value == pytest.approx(100 * 3 / 7 / 0.75)
    assert (table.n, table.excluded, table.derived, table.undecided) == ("7", 1, 3, 0)
    assert table.unlabelled_failures == 2  # ids 5 and 6; id 0 is not random


def test_ties_are_left_out_and_said(database: Database) -> None:
    make_project(database, traces=2)
    with database.writing() as session:
        lead, alice = member(session), member(session, "Annotator A")
        slip = stored_id(modes.create(session, lead, "Slip"))
        ids = drawn(session)
        labels.label(session, lead, ids[0], {slip: PRESENT})
        labels.label(session, alice, ids[0], {slip: ABSENT})
        labels.label(session, lead, ids[1], {slip: PRESENT})
        table = prevalence_table(Facts(session, lead))
    assert (table.rows[0].present, table.rows[0].n, table.undecided) == (1, 1, 1)


def test_passes_alone_give_no_rate(client: TestClient, database: Database) -> None:
    make_project(database, traces=4)
    with database.writing() as session:
        lead = member(session)
        slip = stored_id(modes.create(session, lead, "Slip"))
        ids = drawn(session)
        read(session, lead, ids[0], PASS)
        read(session, lead, ids[1], FAIL)
        note = notes.add_note(session, lead, ids[1], "wrong sum")
        groupings.place(session, lead, [stored_id(note)], slip)
        (row,) = prevalence_table(Facts(session, lead)).rows
    # The Pass says absent, and nothing says present yet: 0 of 1 would be the wrong answer.
    assert row.estimate is None
    assert row.drafts == 1
    assert row.words == "Slip: not labelled yet, noted on 1 of 2 traces read"
    page = client.get(PATH).text
    assert "1 failed trace is not labelled for every mode" in page
    assert "not labelled</span>" in page


def test_saturation_waits_for_thirty_traces_and_three_modes(database: Database) -> None:
    make_project(database, traces=40)
    with database.writing() as session:
        lead = member(session)
        ids = drawn(session)
        for number, trace_id in enumerate(ids[:29]):
            read(session, lead, trace_id, FAIL)
            if number < 3:
                note = notes.add_note(session, lead, trace_id, f"note {number}")
                groupings.accept_as_mode(session, lead, [stored_id(note)], f"Mode {number}")
        early = seen_by(session).saturation
        read(session, lead, ids[29], FAIL)
        enough = seen_by(session).saturation
    assert early is not None
    assert "Estimates need 30 reviewed traces (there are 29)." in early.sentence
    assert early.curve is not None
    assert early.curve.forecast == ""
    assert enough is not None
    # Q1 = 3, Q2 = 0, T = 30: f0 = 29/30 · 3·2/2 = 2.9.
    assert "After 30 randomly sampled traces: 3 failure modes. At least 3 more" in enough.sentence
    assert not enough.stop
    assert "30 of at least 100 sampled traces are reviewed." in enough.reasons
    assert enough.curve is not None
    assert enough.curve.forecast != ""
    firsts = [(s.trace, s.mode, s.modes_so_far) for s in enough.curve.first_sights]
    assert firsts == [(1, "Mode 0", 1), (2, "Mode 1", 2), (3, "Mode 2", 3)]


def test_the_curve_has_a_table_behind_it(client: TestClient, database: Database) -> None:
    make_project(database, traces=2)
    with database.writing() as session:
        lead = member(session)
        ids = drawn(session)
        read(session, lead, ids[0], FAIL)
        note = notes.add_note(session, lead, ids[0], "wrong sum")
        groupings.accept_as_mode(session, lead, [stored_id(note)], "Slip")
    page = client.get(PATH).text
    assert 'class="plot"' in page
    assert "mode seen first" in page


def test_findings_are_real_and_lead_somewhere(database: Database) -> None:
    traces = make_project(database, traces=3)
    with database.writing() as session:
        lead = member(session)
        assert findings(Facts(session, lead)) == ()
        read(session, lead, traces[0], FAIL)
        verdicts.choose_first_failure_step(session, lead, traces[0], 1)
        read(session, lead, traces[1], FAIL)
        note = notes.add_note(session, lead, traces[1], "wrong sum")
        slip = stored_id(groupings.accept_as_mode(session, lead, [stored_id(note)], "Slip"))
        notes.add_note(session, lead, traces[2], "another")
        labels.label(session, lead, traces[1], {slip: PRESENT})
        modes.redefine(session, lead, slip, Wording(definition="New."), version=1)
        told = {f"{f.subject} {f.text}": f.path for f in findings(Facts(session, lead))}
    assert told == {
        "Slip has a new definition: 1 label is stale": f"/labels/stale?mode={slip}",
        "Only 2 traces are read: modes made of fewer than 30 miss much": "/read",
        "1 trace failed without a note": f"/read/{traces[0]}",
        "1 trace failed without a first failing step": f"/read/{traces[1]}",
        "1 note stands under no failure mode": "/groups",
        "No trace was read since the first failure mode was made: "
        "new traces show whether the modes hold": "/read",
        "Slip has no example in the codebook": f"/modes/{slip}",
    }


def test_a_judge_is_compared_with_people_for_leads_only(
    client: TestClient, database: Database
) -> None:
    traces = make_project(database, traces=4)
    with database.writing() as session:
        lead, alice = member(session), member(session, "Annotator A")
        judge = Judge(project_id=lead.project_id, name="LLM judge")
        session.add(judge)
        session.flush()
        for trace_id, value in zip(traces, (PASS, PASS, FAIL, PASS), strict=True):
            verdict = JudgeVerdict(judge_id=stored_id(judge), trace_id=trace_id, value=value)
            session.add(verdict)
        # Agree, differ, deferred; the fourth nobody has read.
        for trace_id, value in zip(traces, (PASS, FAIL, DEFER), strict=False):
            read(session, alice, trace_id, value)
        session.flush()
        told = [f for f in findings(Facts(session, lead)) if f.subject == "LLM judge"]
        assert [f.text for f in told] == ["(machine) disagrees with people on 1 of 2 traces"]
        assert told[0].path == f"/read/{traces[1]}"
    client.cookies.set("faultbook_acting", "Annotator%20A")
    assert "LLM judge" not in client.get(PATH).text


def test_an_annotator_sees_nothing_of_the_others(client: TestClient, database: Database) -> None:
    make_project(database, traces=2)
    with database.writing() as session:
        open_axial_coding(session)
        lead, bob = member(session), member(session, "Annotator B")
        ids = drawn(session)
        slip = stored_id(modes.create(session, lead, "Slip"))
        read(session, bob, ids[0], FAIL)
        notes.add_note(session, bob, ids[0], "bob was here")
        labels.label(session, bob, ids[0], {slip: PRESENT})
        own = seen_by(session, "Annotator A")
    assert own.tally.read == 0
    assert own.findings == ()
    assert own.events == ()
    assert own.ungrouped is None
    assert own.prevalence.rows[0].estimate is None
    client.cookies.set("faultbook_acting", "Annotator%20A")
    assert "bob was here" not in client.get(PATH).text
    client.cookies.delete("faultbook_acting")
    assert "bob was here" in client.get(PATH).text


def test_a_viewer_of_blind_reading_is_not_told_that_they_read_nothing(
    client: TestClient, database: Database
) -> None:
    make_project(database)
    with database.writing() as session:
        for trace_id in drawn(session):
            read(session, member(session), trace_id, FAIL)
        member(session, "Annotator A").annotator.role = Role.VIEWER
    client.cookies.set("faultbook_acting", "Annotator%20A")
    page = client.get(PATH).text
    assert "3 traces to read. Reading is blind" in page
    assert "your own reading" not in page
    assert "read of 3" not in page


def test_only_the_latest_ten_events_are_shown(database: Database) -> None:
    make_project(database, traces=1)
    with database.writing() as session:
        for number in range(12):
            modes.create(session, member(session), f"Mode {number}")
        events = seen_by(session).events
    assert len(events) == 10
    assert events[0].summary == "new failure mode «Mode 11»"
    assert events[0].who == "Lead"


def test_a_read_only_project_is_for_looking(client: TestClient, database: Database) -> None:
    make_project(database, traces=1)
    with database.writing() as session:
        project = projects.find(session, SLUG)
        project.read_only = True
        session.add(project)
    page = client.get(PATH)
    assert page.status_code == 200
    assert "Look at the traces" in page.text


def test_an_unknown_project_is_not_found(client: TestClient) -> None:
    assert client.get("/projects/nowhere").status_code == 404
