"""A model proposes a name for notes: allowed by a lead, logged, taken by a person or not at all."""

import json
import re
from html import unescape

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import col, select

from server.db import Database
from server.jobs import Jobs
from server.models.event import Event
from server.models.mode import FailureMode, ModeVersion
from server.models.run import AnalysisRun, RunStatus
from server.services import assistance, assistant_runs, runs
from server.settings import Settings
from server.tasks import HANDLERS
from tests.application import serving
from tests.factories import member, open_axial_coding
from tests.model_endpoint import ModelEndpoint, Said, saying
from tests.server.noted import BASE, GROUPS, HTMX, make_noted_project

TEXTS = ["Adds 1 and 1 to 3", "Says that 2 and 2 are 5", "Rude to the user"]
SLIPS = saying('{"name": "Wrong sums", "definition": "A sum in the answer is wrong."}')
EVIL = "<img src=x onerror=alert(1)> [click](https://evil.example) </textarea><script>"


@pytest.fixture
def notes(asking: TestClient, database: Database) -> list[int]:
    """Notes of a project whose lead allowed to ask."""
    made = make_noted_project(database, TEXTS)
    assert asking.post(f"{BASE}/settings/assistant", data={"allowed": "true"}).status_code == 303
    return made


def ask(client: TestClient, notes: list[int], **more: str) -> Response:
    data = {"notes": ",".join(map(str, notes)), **more}
    return client.post(f"{GROUPS}/proposals", data=data, headers=HTMX)


def answered(client: TestClient, notes: list[int]) -> str:
    """What the page shows when it asks again after the model has answered, or failed."""
    waiting = re.search(r'hx-get="([^"]+/proposals/[^"]+)"', ask(client, notes).text)
    assert waiting is not None
    shown = client.get(waiting[1], headers=HTMX)
    assert shown.status_code == 286  # htmx asks no more
    return shown.text


def events(database: Database, kind: str) -> list[Event]:
    with database.reading() as session:
        return list(session.exec(select(Event).where(Event.kind == kind).order_by(col(Event.id))))


def the_mode(database: Database) -> tuple[str, str]:
    with database.reading() as session:
        return session.exec(
            select(FailureMode.name, ModeVersion.definition).join(
                ModeVersion, col(ModeVersion.mode_id) == col(FailureMode.id)
            )
        ).one()


def test_a_proposal_is_marked_as_a_machine_s_and_decides_nothing(
    asking: TestClient, database: Database, notes: list[int], endpoint: ModelEndpoint
) -> None:
    endpoint.answer = SLIPS
    shown = answered(asking, notes[:2])
    run = re.search(r'id="proposal-(\d+)"', shown)
    assert run is not None
    page = asking.get(f"{GROUPS}/proposals/{run[1]}").text
    for html in (shown, page):
        assert '<span class="badge">machine</span>' in html
        assert 'value="Wrong sums"' in html
        assert "tiny-1 at 127.0.0.1" in html
    with database.reading() as session:
        assert session.exec(select(FailureMode)).all() == []
    sent = json.dumps(endpoint.asked[0])
    assert TEXTS[0] in sent
    assert TEXTS[2] not in sent
    assert "Annotator A" not in sent
    # The same notes are asked about once, unless somebody asks again.
    ask(asking, notes[:2])
    assert len(endpoint.asked) == 1
    ask(asking, notes[:2], again="true")
    assert len(endpoint.asked) == 2


def test_what_left_is_in_the_log_before_it_leaves(
    asking: TestClient, database: Database, notes: list[int], endpoint: ModelEndpoint
) -> None:
    def looks(_asked: object) -> Said:
        logged.append(events(database, "assistant.asked"))
        return Said(500)

    logged: list[list[Event]] = []
    endpoint.answer = looks
    assert "had an error of its own (500)" in answered(asking, notes)
    [[event]] = logged
    assert event.payload["notes"] == notes
    assert event.payload["host"] == endpoint.host
    assert event.actor_id is not None
    assert "asked tiny-1 at 127.0.0.1" in event.summary
    # It is no decision that undo takes back.
    assert asking.post(f"{BASE}/undo").status_code in (200, 303)
    assert "Allow that this text goes to" in asking.get(f"{BASE}/settings/assistant").text


@pytest.mark.parametrize(
    ("typed", "told", "is_edited"),
    [
        (
            {"name": "Wrong sums", "definition": "A sum in the answer is wrong."},
            "taken by Lead",
            False,
        ),
        ({"name": "Slips", "definition": "A sum is wrong."}, "edited by Lead", True),
    ],
)
def test_who_takes_or_edits_a_proposal_is_kept(
    asking: TestClient,
    database: Database,
    notes: list[int],
    endpoint: ModelEndpoint,
    typed: dict[str, str],
    told: str,
    is_edited: bool,
) -> None:
    endpoint.answer = SLIPS
    form = re.findall(r'name="(notes|proposal)" value="([\d,]+)"', answered(asking, notes[:2]))
    answer = asking.post(f"{GROUPS}/accept", data={**dict(form), **typed})
    assert answer.status_code == 303
    assert the_mode(database) == (typed["name"], typed["definition"])
    [event] = events(database, "mode.created")
    assert told in event.summary
    assert event.payload["proposal"] == {
        "run_id": int(dict(form)["proposal"]),
        "model": "tiny-1",
        "name": "Wrong sums",
        "definition": "A sum in the answer is wrong.",
        "is_edited": is_edited,
        "taken_by": "Lead",
    }


def test_hostile_answers_are_text(
    asking: TestClient, notes: list[int], endpoint: ModelEndpoint
) -> None:
    endpoint.answer = saying(json.dumps({"name": EVIL, "definition": EVIL}))
    html = answered(asking, notes)
    assert "&lt;img src=x" in html
    for live in ("<img", "<script>", 'href="https://evil'):
        assert live not in html


def test_without_a_lead_s_word_nothing_is_sent(
    asking: TestClient, database: Database, endpoint: ModelEndpoint, with_model: Settings
) -> None:
    notes = make_noted_project(database, TEXTS)
    assert "Suggest a name" not in asking.get(GROUPS).text
    assert "No lead has allowed" in ask(asking, notes).text
    asking.post(f"{BASE}/settings/assistant", data={"allowed": "true"})
    assert "Suggest a name" in asking.get(GROUPS).text
    # What was allowed was that host: another one has to be allowed anew.
    with_model.assistant_url = endpoint.url.replace("127.0.0.1", "localhost")
    assert "Suggest a name" not in asking.get(GROUPS).text
    assert ask(asking, notes).status_code == 403
    assert endpoint.asked == []


def test_without_a_model_nothing_of_it_is_there(client: TestClient, database: Database) -> None:
    notes = make_noted_project(database, TEXTS)
    for path in (GROUPS, f"{BASE}/settings", f"{BASE}/judges"):
        page = client.get(path).text
        assert "ssistant:" not in page
        assert "language model" not in page
        assert "Suggest a name" not in page
    assert client.get(f"{BASE}/settings/assistant").status_code == 404
    assert ask(client, notes).status_code == 404


def test_others_than_leads_neither_ask_nor_see(
    asking: TestClient, database: Database, notes: list[int], endpoint: ModelEndpoint
) -> None:
    with database.writing() as session:
        open_axial_coding(session)
        member(session).project.blind = False
    ask(asking, notes)
    with database.reading() as session:
        run = session.exec(select(AnalysisRun.id).where(AnalysisRun.kind == "assistant")).one()
    asking.cookies.set("faultbook_acting", "Annotator%20A")
    assert "Suggest a name" not in asking.get(GROUPS).text
    assert ask(asking, notes).status_code == 403
    assert asking.get(f"{GROUPS}/proposals/{run}").status_code == 403
    assert asking.get(f"{BASE}/runs/{run}").status_code == 404
    assert len(endpoint.asked) == 1


def test_a_project_asks_so_often_a_day(
    asking: TestClient, notes: list[int], endpoint: ModelEndpoint, with_model: Settings
) -> None:
    with_model.assistant_per_day = 2
    for _ in range(2):
        assert ask(asking, notes, again="true").status_code == 200
    refused = ask(asking, notes, again="true")
    assert refused.status_code == 429
    assert "2 times today" in refused.text
    assert int(refused.headers["retry-after"]) <= 24 * 3600
    assert len(endpoint.asked) == 2


def test_a_question_is_cancelled_while_the_model_thinks(
    with_model: Settings, database: Database, endpoint: ModelEndpoint, tmp_path: object
) -> None:
    notes = make_noted_project(database, TEXTS)
    with database.writing() as session:
        lead = member(session)
        assistance.switch(session, lead, with_model, on=True)
        jobs = Jobs.immediate()
        jobs.performed_by(lambda _run: None)
        run = assistant_runs.request_name(session, jobs, lead, with_model, notes)
    run_id = run.id
    assert run_id is not None

    def cancel(_asked: object) -> Said:
        with database.writing() as session:
            runs.cancel(session, member(session), run_id)
        endpoint.may_answer.clear()
        endpoint.may_answer.wait(2)
        return SLIPS

    endpoint.answer = cancel
    runs.perform(database, with_model, HANDLERS, run_id)
    endpoint.may_answer.set()
    with database.reading() as session:
        found = session.get_one(AnalysisRun, run_id)
        assert found.status is RunStatus.CANCELLED
        assert found.result == {}


def test_what_was_said_of_a_trace_goes_with_it(
    asking: TestClient, database: Database, notes: list[int], endpoint: ModelEndpoint
) -> None:
    endpoint.answer = SLIPS
    ask(asking, notes[:2])
    ask(asking, notes[2:])
    traces = asking.get(f"/api/v1{BASE}/notes").json()["items"]
    erased = next(note["trace_id"] for note in traces if note["id"] == notes[0])
    path = f"{BASE}/traces/{erased}/erase"
    assert asking.post(path, data={"confirm": "trace-0"}).status_code == 303
    with database.reading() as session:
        found = session.exec(
            select(AnalysisRun).where(AnalysisRun.kind == "assistant").order_by(col(AnalysisRun.id))
        ).all()
        assert [bool(run.result) for run in found] == [False, True]


def test_scripts_ask_as_leads_do(
    asking: TestClient, notes: list[int], endpoint: ModelEndpoint
) -> None:
    endpoint.answer = SLIPS
    api = f"/api/v1{BASE}"
    asked = asking.post(f"{api}/assistant/names", json={"note_ids": notes})
    assert asked.status_code == 202
    run = asking.get(f"{api}/runs/{asked.json()['id']}").json()
    assert run["status"] == "done"
    assert run["result"]["name"] == "Wrong sums"


def test_an_outage_leaves_the_page_as_it_is(database: Database, with_model: Settings) -> None:
    make_noted_project(database, TEXTS)
    with_model.assistant_url = "http://127.0.0.1:1/v1"
    with serving(with_model, follow_redirects=False) as client:
        client.post(f"{BASE}/settings/assistant", data={"allowed": "true"})
        assert "can't be reached just now" in unescape(answered(client, [1, 2]))
        assert client.get(GROUPS).status_code == 200
