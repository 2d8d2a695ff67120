"""Codebook: wording with versions, examples, warnings, and merges that do what they showed."""

import re

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from server.db import Database
from server.models.base import stored_id
from server.models.label import Label, LabelValue
from server.models.mode import FailureMode, ModeExample, ModeStatus, ModeVersion
from server.models.project import Project
from server.services import events, groupings, labels, modes, projects
from server.views import merges, mode_page
from server.views.codebook_warnings import codebook_warnings, is_generic
from server.views.diffs import changes
from server.views.merges import UNSEEN, merge_page
from tests.factories import make_trace, member, open_axial_coding
from tests.server.noted import BASE, HTMX, make_noted_project, suggest

MODES = f"{BASE}/modes"


@pytest.fixture
def ids(database: Database) -> list[int]:
    """Two modes, 1 with two notes and 2 with one, and a note outside."""
    texts = ["counts wrong", "adds up wrong", "does not ask", "asks for the wrong thing"]
    ids = make_noted_project(database, texts)
    with database.writing() as session:
        groupings.accept_as_mode(session, member(session), ids[:2], "Miscounts")
        groupings.accept_as_mode(session, member(session), ids[2:3], "Does not ask")
    return ids


def test_the_list_shows_notes_and_labels_with_their_number(
    client: TestClient, database: Database, ids: list[int]
) -> None:
    with database.writing() as session:
        lead = member(session)
        labels.label(session, lead, 1, {1: LabelValue.PRESENT})
        labels.label(session, lead, 2, {1: LabelValue.ABSENT})
    page = client.get(MODES).text
    row = page[page.index('id="mode-1"') : page.index('id="mode-2"')]
    # notes, traces, present, absent, traces with a value
    assert re.findall(r'class="num">(\d+)<', row) == ["2", "2", "1", "1", "2"]


def test_a_mode_made_by_hand_is_there_and_a_taken_name_comes_back_typed(
    client: TestClient, ids: list[int]
) -> None:
    answer = client.post(MODES, data={"name": "Slow"}, follow_redirects=False)
    assert answer.status_code == 303
    again = client.post(MODES, data={"name": "slow", "definition": "Kept words"})
    assert again.status_code == 422
    assert 'value="slow"' in again.text
    assert "Kept words" in again.text
    assert "There is a failure mode" in again.text


def test_a_new_definition_is_a_new_version_with_its_diff(
    client: TestClient, database: Database, ids: list[int]
) -> None:
    for version, text in ((1, "Counts items wrong"), (2, "Counts or adds items wrong")):
        answer = client.post(
            f"{MODES}/1/definition",
            data={"version": version, "definition": text, "reason": "clearer"},
            headers=HTMX,
        )
        assert answer.status_code == 200
    assert "<ins> or adds</ins>" in answer.text
    with database.reading() as session:
        assert session.get_one(FailureMode, 1).version == 3


def test_two_people_editing_at_once_see_both_texts(
    client: TestClient, database: Database, ids: list[int]
) -> None:
    client.post(f"{MODES}/1/definition", data={"version": 1, "definition": "Theirs first"})
    answer = client.post(f"{MODES}/1/definition", data={"version": 1, "definition": "Mine later"})
    assert answer.status_code == 409
    assert "Mine later" in answer.text
    assert "<ins>Theirs</ins>" in answer.text
    assert 'name="version" value="2"' in answer.text
    with database.reading() as session:
        latest = session.exec(select(ModeVersion).order_by(ModeVersion.number.desc())).first()
        assert latest is not None
        assert latest.definition == "Theirs first"


def test_rename_keeps_the_mode_and_refuses_a_taken_name(
    client: TestClient, database: Database, ids: list[int]
) -> None:
    client.post(f"{MODES}/1/name", data={"name": "Cannot count"})
    refused = client.post(f"{MODES}/1/name", data={"name": "Does not ask"})
    assert refused.status_code == 422
    assert 'value="Does not ask"' in refused.text
    with database.reading() as session:
        assert session.get_one(FailureMode, 1).name == "Cannot count"


def test_examples_come_from_inside_and_counter_examples_from_the_nearest_outside(
    client: TestClient, database: Database, ids: list[int]
) -> None:
    suggest(client)
    page = client.get(f"{MODES}/1").text
    assert f'id="near-{ids[3]}"' in page
    assert f'id="near-{ids[0]}"' not in page
    client.post(f"{MODES}/1/examples", data={"note": ids[0], "positive": "true"})
    client.post(f"{MODES}/1/examples", data={"note": ids[3]})
    with database.reading() as session:
        stored = session.exec(select(ModeExample)).all()
        assert [(e.note_id, e.positive) for e in stored] == [(ids[0], True), (ids[3], False)]
    client.post(f"{MODES}/1/examples/{stored[0].id}/remove")
    with database.reading() as session:
        assert [e.note_id for e in session.exec(select(ModeExample))] == [ids[3]]


def test_the_notes_of_a_mode_come_page_by_page_and_stay_there_when_one_is_taken_out(
    client: TestClient, database: Database, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mode_page, "NOTES_SHOWN", 1)
    first, second = client.get(f"{MODES}/1").text, client.get(f"{MODES}/1?after=1").text
    assert "2 notes under it" in first
    assert ("counts wrong" in first, "adds up wrong" in first) == (True, False)
    assert ("counts wrong" in second, "adds up wrong" in second) == (False, True)
    assert 'href="?after=1"' in first
    assert "2–2 of 2" in second
    assert "adds up wrong" in client.get(f"{MODES}/1?after=999999999").text
    with database.writing() as session:
        groupings.place(session, member(session), ids[3:], 1)
    taken = client.post(f"{MODES}/1/notes/{ids[1]}/take-out?after=1", headers=HTMX).text
    assert "asks for the wrong thing" in taken
    assert "counts wrong" not in taken


def test_a_merge_of_more_than_a_page_shows_lists_the_first_and_counts_all(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = projects.create(session, "Large")
    lead = projects.local_member(session, project)
    traces = [stored_id(make_trace(session, project, f"t{number}")) for number in range(3)]
    one, two = (stored_id(modes.create(session, lead, name)) for name in ("One", "Two"))
    for trace in traces:
        labels.label(session, lead, trace, {one: LabelValue.PRESENT})
    monkeypatch.setattr(merges, "LISTED", 2)
    preview = merge_page(session, lead, one, two).preview
    assert preview is not None
    assert (len(preview.labels), preview.label_count) == (2, 3)
    assert [(count.what, count.after) for count in preview.counts][2] == ("labels present", 3)


def test_a_retired_mode_leaves_the_list_and_keeps_its_page(
    client: TestClient, database: Database, ids: list[int]
) -> None:
    client.post(f"{MODES}/1/retire")
    with database.reading() as session:
        assert session.get_one(FailureMode, 1).status is ModeStatus.RETIRED
    assert 'id="mode-1"' not in client.get(MODES).text
    page = client.get(f"{MODES}/1").text
    assert "retired" in page
    assert "counts wrong" in page


def test_a_merge_from_the_page_moves_the_notes_and_undo_brings_them_back(
    client: TestClient, database: Database, ids: list[int]
) -> None:
    preview = client.get(f"{MODES}/merge", params={"source": 1, "into": 2}).text
    assert "2 notes, 0 examples and 0 labels change" in preview
    answer = client.post(f"{MODES}/merge", data={"source": 1, "into": 2}, follow_redirects=False)
    assert answer.headers["location"] == f"{MODES}/2"
    target = client.get(f"{MODES}/2").text
    assert "3 notes under it" in target
    assert "Merged into it" in target
    assert "Merged into" in client.get(f"{MODES}/1").text
    client.post(f"{BASE}/undo")
    assert "2 notes under it" in client.get(f"{MODES}/1").text


def test_a_mode_is_not_merged_into_itself(client: TestClient, ids: list[int]) -> None:
    page = client.get(f"{MODES}/merge", params={"source": 1, "into": 1})
    assert "choose two" in page.text
    assert client.post(f"{MODES}/merge", data={"source": 1, "into": 1}).status_code == 422


VALUES = st.sampled_from([None, LabelValue.PRESENT, LabelValue.ABSENT])
PAIRS = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=5)


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(pairs=PAIRS, number=st.integers(0, 10**9))
def test_a_merge_changes_exactly_the_labels_it_showed(
    session: Session, pairs: list[tuple[LabelValue | None, LabelValue | None]], number: int
) -> None:
    savepoint = session.begin_nested()
    project = projects.create(session, f"Merge {number}")
    lead = projects.local_member(session, project)
    source = stored_id(modes.create(session, lead, "Source"))
    into = stored_id(modes.create(session, lead, "Into"))
    for index, (one, other) in enumerate(pairs):
        trace = stored_id(make_trace(session, project, f"t{index}"))
        wanted = {source: one, into: other}
        labels.label(session, lead, trace, {m: v for m, v in wanted.items() if v})

    def values() -> dict[int, str]:
        rows = session.exec(select(Label).where(Label.mode_id == into))
        return {row.trace_id: row.value.value for row in rows}

    before = values()
    preview = merge_page(session, lead, source, into).preview
    assert preview is not None
    modes.merge(session, lead, source=source, into=into)
    after = values()
    changed = sorted(
        (before.get(trace, UNSEEN), after.get(trace, UNSEEN))
        for trace in {*before, *after}
        if before.get(trace) != after.get(trace)
    )
    assert sorted((move.of_target, move.becomes) for move in preview.labels) == changed
    assert preview.kept_labels == sum(after.get(t) == v for t, v in before.items())
    savepoint.rollback()


@pytest.mark.parametrize(
    "path",
    ["", "/merge", "/1/name", "/1/definition", "/1/retire", "/1/examples", "/1/notes"],
)
def test_only_a_lead_changes_the_codebook(client: TestClient, ids: list[int], path: str) -> None:
    client.cookies.set("faultbook_acting", "Annotator%20A")
    data = {"name": "Mine", "source": 1, "into": 2, "version": 1, "note": ids[0]}
    assert client.post(f"{MODES}{path}", data=data).status_code == 403


def test_a_read_only_codebook_stays_as_it_is(
    client: TestClient, database: Database, ids: list[int]
) -> None:
    with database.writing() as session:
        project = session.exec(select(Project)).one()
        project.read_only = True
        session.add(project)
    assert client.post(f"{MODES}/1/retire").status_code == 403
    assert "Retire" not in client.get(f"{MODES}/1").text


def test_a_blind_annotator_reads_the_definition_but_no_notes_of_others(
    client: TestClient, database: Database, ids: list[int]
) -> None:
    client.post(f"{MODES}/1/definition", data={"version": 1, "definition": "Items are miscounted"})
    client.post(f"{MODES}/1/examples", data={"note": ids[0], "positive": "true"})
    suggest(client)
    with database.writing() as session:
        open_axial_coding(session)
    client.cookies.set("faultbook_acting", "Annotator%20B")
    page = client.get(f"{MODES}/1").text
    assert "Items are miscounted" in page
    assert "counts wrong" not in page
    assert "asks for the wrong thing" not in page
    assert "traces that you have not judged yet is left out" in page
    row = client.get(MODES).text
    assert re.findall(r'class="num">(\d+)<', row)[:2] == ["0", "0"]


def test_hostile_texts_stay_text(client: TestClient, ids: list[int]) -> None:
    hostile = "<script>alert(1)</script>"
    client.post(f"{MODES}/1/definition", data={"version": 1, "definition": hostile})
    client.post(f"{MODES}/1/name", data={"name": hostile})
    for path in ("", "/1", "/merge?source=1&into=2"):
        page = client.get(f"{MODES}{path}").text
        assert hostile not in page
        assert "&lt;script&gt;" in page


def test_pages_and_fragments(client: TestClient, ids: list[int]) -> None:
    assert "<html" in client.get(f"{MODES}/1").text
    assert "<html" not in client.get(f"{MODES}/1", headers=HTMX).text
    assert client.get(f"{MODES}/99").status_code == 404


@pytest.mark.parametrize(
    "name", ["Hallucination", "errors", " Quality ", "other", "Bad answer quality", "Tone issues"]
)
def test_generic_names_are_known(name: str) -> None:
    assert is_generic(name)


def test_a_name_that_says_what_goes_wrong_is_not_generic() -> None:
    assert not is_generic("Hallucinates a tracking number")


def test_warnings_name_what_to_mend(session: Session) -> None:
    project = projects.create(session, "Warned")
    lead = projects.local_member(session, project)
    made = [modes.create(session, lead, f"Mode {number}") for number in range(11)]
    modes.rename(session, lead, stored_id(made[0]), "Error")
    first_failure = made[-1].created_at
    found = codebook_warnings(
        made,
        with_example={stored_id(m) for m in made[1:]},
        first_failure_at=first_failure,
        traces={stored_id(made[1]): 1, stored_id(made[2]): 2},
    )
    texts = [warning.text for warning in found]
    assert "11 active failure modes are more than" in texts[0]
    assert [w.mode for w in found if "one trace only" in w.text] == [made[1].id]
    about = [warning.text for warning in found if warning.mode == made[0].id]
    assert [text.split("” ")[1].split(" ")[0] for text in about] == ["fits", "has", "was"]
    # The last one was made when the first failure was noted: nothing to say about it.
    assert not [warning for warning in found if warning.mode == made[-1].id]


def test_a_diff_holds_both_texts() -> None:
    before, after = "Counts items wrong.", "Counts or adds items wrong!"
    runs = changes(before, after)
    assert "".join(run.text for run in runs if run.kind != "added") == before
    assert "".join(run.text for run in runs if run.kind != "removed") == after
    assert [run.text for run in runs if run.kind == "added"] == [" or adds", "!"]


def test_undo_of_a_merge_from_the_service_is_one_step(database: Database, ids: list[int]) -> None:
    with database.writing() as session:
        lead = member(session)
        modes.merge(session, lead, source=1, into=2)
        events.undo(session, lead)
        assert session.get_one(FailureMode, 1).merged_into is None
