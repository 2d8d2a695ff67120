"""A model drafts a judge's prompt: from train alone, marked as a machine's, sent nowhere."""

import json

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from server.db import Database
from server.models.event import Event
from server.models.mode import FailureMode
from tests import exported
from tests.model_endpoint import ModelEndpoint, saying

BASE = f"/projects/{exported.SLUG}"


@pytest.fixture
def draft_path(asking: TestClient, database: Database) -> str:
    """Where drafts for the mode Slip are, in a project whose lead allowed to ask."""
    with database.writing() as session:
        exported.fill(session)
        slip = session.exec(select(FailureMode).where(FailureMode.name == exported.SLIP)).one()
    asking.post(f"{BASE}/settings/assistant", data={"allowed": "true"})
    return f"{BASE}/modes/{slip.id}/judge-draft"


def test_a_draft_comes_from_the_definition_and_train_alone(
    asking: TestClient, draft_path: str, endpoint: ModelEndpoint, database: Database
) -> None:
    endpoint.answer = saying("You judge sums. <script>alert(1)</script>")
    assert "No draft yet" in asking.get(draft_path).text
    asking.post(draft_path)
    sent = json.dumps(endpoint.asked[0])
    assert "At least one sum is wrong." in sent
    assert "How much is 1+1?" in sent  # train
    for elsewhere in ("Is 7 prime?", "Say hello.", "Nobody has labelled this."):  # test, dev
        assert elsewhere not in sent
    page = asking.get(draft_path).text
    assert '<span class="badge">machine</span>' in page
    assert "version 2 of the definition and 3 train examples" in page
    assert "You judge sums. &lt;script&gt;" in page
    assert "asked by Lead" in page
    with database.reading() as session:
        event = session.exec(select(Event).where(Event.kind == "assistant.asked")).one()
    assert sorted(event.payload["traces"]) == ["t-1", "t-2", "t-4"]


def test_drafts_say_what_they_are_and_stay_when_the_model_goes(
    asking: TestClient, draft_path: str, endpoint: ModelEndpoint
) -> None:
    endpoint.answer = saying("You judge sums.")
    asking.post(draft_path)
    run = asking.get(f"/api/v1{BASE}/runs?kind=assistant").json()["items"][0]
    file = asking.get(f"{draft_path}/{run['id']}")
    assert file.headers["content-type"].startswith("text/plain")
    assert file.text.startswith("<!-- A machine's draft: tiny-1 at 127.0.0.1")
    assert "Nobody has checked it." in file.text
    assert file.text.endswith("You judge sums.\n")
    assert asking.get(f"{draft_path}/999").status_code == 404
    asking.post(f"{BASE}/settings/assistant")
    page = asking.get(draft_path).text
    assert "You judge sums." in page
    assert "Draft a prompt" not in page
    assert asking.post(draft_path).status_code == 403
