"""Group with many notes: lists show their beginning, and give the rest when asked."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from server.db import Database
from server.models.note import Note
from server.settings import Settings
from server.views.groups import NOTES_SHOWN, SHOWN
from server.views.note_map import MOST_POINTS
from tests.application import serving
from tests.databases import Databases, Prefilled
from tests.server.noted import GROUPS, HTMX, cards, joined, make_noted_project, suggest

SUBJECTS = (
    *("a refund", "the weather", "a password", "a piano lesson", "the train", "a broken lamp"),
    *("two tickets", "the dentist", "a tax form", "a lost dog", "the printer", "a hotel room"),
    *("a wedding cake", "the thermostat"),
)
TWINS = 15


def fill(settings: Settings) -> None:
    """Put notes on many subjects in, each said twice, the first fifteen times, and group them."""
    texts = [text for text in SUBJECTS for _ in range(2)] + [SUBJECTS[0]] * (TWINS - 2)
    without_model = settings.model_copy(update={"embedding_model": "no-model"})  # words will do
    with serving(without_model) as client:
        make_noted_project(client.app.state.database, texts)  # type: ignore[attr-defined]  # Starlette's app
        suggest(client)


@pytest.fixture(scope="module")
def grouped(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Prefilled:
    """The notes with suggestions, once for all tests."""
    return databases.prefilled(tmp_path_factory.mktemp("grouped") / "data", fill)


@pytest.fixture
def settings(tmp_path: Path, databases: Databases, grouped: Prefilled) -> Iterator[Settings]:
    with databases.settings(tmp_path / "data", grouped) as settings:
        yield settings.model_copy(update={"embedding_model": "no-model"})


@pytest.fixture
def ids(database: Database) -> list[int]:
    """The notes that the suggestions were made of."""
    with database.reading() as session:
        return [note for note in session.exec(select(Note.id).order_by(Note.id)) if note]


def listed(html: str) -> list[int]:
    return [int(note) for note in re.findall(r'<li class="note-row" id="note-(\d+)"', html)]


def path_of_more(html: str, name: str) -> str:
    found = re.search(rf'id="{name}" href="([^"]+)"', html)
    assert found
    return found.group(1).replace("&amp;", "&")


def test_a_long_group_lists_its_first_notes_and_the_rest_when_asked(
    client: TestClient, ids: list[int]
) -> None:
    card = next(card for card in cards(client, 1) if len(card.notes) == TWINS)
    first = listed(card.html)
    assert len(first) == NOTES_SHOWN
    path = path_of_more(card.html, f"group-{min(card.notes)}-more")
    part, page = client.get(path, headers=HTMX).text, client.get(path).text
    assert "<html" not in part
    assert 'name="notes"' in part
    assert part.count("autofocus") == 1  # whoever asked by keys goes on from there
    assert "<html" in page
    assert 'name="notes"' not in page
    for rest in (part, page):
        assert sorted(first + listed(rest)) == sorted(card.notes)
    # Where people decided meanwhile there is no such group, and the answer says so.
    client.post(f"{GROUPS}/accept", data={"notes": joined(card.notes), "name": "Refund"})
    gone = client.get(path, headers=HTMX)
    assert gone.status_code == 404
    assert "not suggested any more" in gone.text
    # Under the mode it is the same.
    rows = client.get(GROUPS).text.partition('id="mode-1"')[2].partition("</details>")[0]
    assert len(listed(rows)) == NOTES_SHOWN
    more = client.get(path_of_more(rows, "mode-1-more"), headers=HTMX).text
    assert sorted(listed(rows) + listed(more)) == sorted(card.notes)
    assert more.count("take out") == TWINS - NOTES_SHOWN


def test_more_groups_come_by_pages_and_stay_after_a_decision(
    client: TestClient, ids: list[int]
) -> None:
    page = client.get(GROUPS, params={"granularity": 1}).text
    assert page.count("<article ") == SHOWN
    path = path_of_more(page, "more-groups")
    more = client.get(path, headers=HTMX | {"HX-Trigger": "more-groups"}).text
    assert more.count("<article ") == len(SUBJECTS)
    assert 'id="modes"' not in more  # what stands beside the board does not change
    shown = cards(client, 1)
    decided = client.post(
        f"{GROUPS}/accept?granularity=1",
        data={"notes": joined(shown[-1].notes), "name": "One"},
        headers=HTMX | {"HX-Current-URL": f"http://testserver{path}"},
    ).text
    assert decided.count("<article ") == len(SUBJECTS) - 1


def test_the_map_of_very_many_draws_some_and_says_so(
    client: TestClient, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "evenly chosen" not in client.get(GROUPS).text
    assert len(ids) < MOST_POINTS
    monkeypatch.setattr("server.views.note_map.MOST_POINTS", 20)
    page = client.get(GROUPS).text
    # Every third of 41: 1, 4, … 40.
    drawn = re.findall(r'<a href="#note-(\d+)" tabindex="-1" data-note', page)
    assert [int(note) for note in drawn] == ids[::3]
    assert "14 of 41 notes, evenly chosen" in page


def test_lists_of_what_is_not_there_are_refused(client: TestClient, ids: list[int]) -> None:
    assert client.get(f"{GROUPS}/notes?mode=99").status_code == 404
    assert client.get(f"{GROUPS}/notes?group=x").status_code == 404
    client.cookies.set("faultbook_acting", "Annotator%20B")
    assert "lead's screen" in client.get(f"{GROUPS}/notes?mode=1").text.replace("&#39;", "'")
