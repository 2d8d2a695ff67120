"""A project full of real notes: what people wrote about failed retail agents (agentrx)."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from fastapi.testclient import TestClient

from server.db import Database
from server.models.base import stored_id
from server.models.verdict import VerdictValue
from server.services import notes, projects, verdicts
from tests.factories import PROJECT_NAME, SLUG, make_trace, member

NOTES = Path(__file__).parents[1] / "data" / "agentrx-notes" / "annotations.jsonl"
BASE = f"/projects/{SLUG}"
GROUPS = f"{BASE}/groups"
HTMX = {"HX-Request": "true"}


def note_texts() -> list[str]:
    """The 39 notes."""
    with NOTES.open(encoding="utf-8") as lines:
        return [json.loads(line)["note"] for line in lines]


def make_noted_project(database: Database, texts: list[str] | None = None) -> list[int]:
    """A project `try-me` with a failed trace per note of Annotator A; returns the notes' ids."""
    with database.writing() as session:
        project = projects.create(session, PROJECT_NAME)
        alice = member(session, "Annotator A")
        ids = []
        for number, text in enumerate(note_texts() if texts is None else texts):
            trace_id = stored_id(make_trace(session, project, f"trace-{number}"))
            verdicts.decide(session, alice, trace_id, VerdictValue.FAIL)
            ids.append(stored_id(notes.add_note(session, alice, trace_id, text)))
        return ids


@dataclass(frozen=True)
class Card:
    """A draft group as the page offers it."""

    notes: tuple[int, ...]
    offered: str
    html: str


def suggest(client: TestClient, *, again: bool = False) -> None:
    """Let draft groups be made."""
    data = {"again": "true"} if again else {}
    assert client.post(f"{GROUPS}/suggestions", data=data).status_code == 200


def cards(client: TestClient, granularity: float | None = None) -> list[Card]:
    """The draft groups on the page, in its order."""
    params = {} if granularity is None else {"granularity": str(granularity)}
    page = client.get(GROUPS, params=params)
    assert page.status_code == 200
    found = re.findall(r"<article .*?</article>", page.text, re.S)
    return [_card(html) for html in found]


def _card(html: str) -> Card:
    ids = re.search(r'data-(?:all-)?notes(?: value)?="([\d,]+)"', html)
    assert ids
    offer = re.search(r'data-key-label="Add to ([^"]+)"', html)
    notes_ = tuple(int(part) for part in ids.group(1).split(","))
    return Card(notes_, offer.group(1) if offer else "", html)


def run_id(client: TestClient) -> int:
    """The run behind the suggestions on the page."""
    found = re.search(r'name="run" value="(\d+)"', client.get(GROUPS).text)
    assert found
    return int(found.group(1))


def joined(ids: tuple[int, ...]) -> str:
    return ",".join(map(str, ids))
