"""Ten edits of one note at once, in several processes: one is saved, the others keep both texts."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlmodel import select

from server.db import Database
from server.models.note import Note
from server.settings import Settings
from tests import readers
from tests.factories import SLUG
from tests.processes import running
from tests.torture.conftest import ROUNDS
from tests.torture.report import Row

pytestmark = pytest.mark.timeout(3_600)
AT_ONCE = 10


def send(url: str, person: readers.Person, method: str, path: str, body: Any) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    headers = {
        "Authorization": f"Bearer {person.secret}",
        "Content-Type": "application/json",
    }
    connection.request(method, f"/api/v1/projects/{SLUG}{path}", json.dumps(body), headers)
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    return answer.status, told


def test_of_edits_at_once_one_is_saved_and_the_others_are_told_both_texts(
    database: Database, settings: Settings, row: Row
) -> None:
    (person,) = readers.batch_to_read(database, 1, 1)
    on_it = ("--data", settings.data, "--database", settings.database_url)
    workers = () if database.takes_turns else ("--workers", 4)
    row.rounds = ROUNDS
    with running("serve", "--port", 0, *on_it, *workers) as server:
        url = server.answer["url"]
        _, note = send(url, person, "POST", "/notes", {"trace_id": 1, "text": "first"})
        path = f"/notes/{note['id']}"
        for number in range(ROUNDS):
            texts = [f"text {one} of round {number}" for one in range(AT_ONCE)]
            version = note["version"]

            def edit(text: str, version: int = version) -> tuple[int, Any]:
                return send(url, person, "PATCH", path, {"text": text, "version": version})

            with ThreadPoolExecutor(AT_ONCE) as pool:
                answers = dict(zip(texts, pool.map(edit, texts), strict=True))
            (saved,) = [text for text, (status, _) in answers.items() if status == 200]
            note = answers.pop(saved)[1]
            for text, (status, told) in answers.items():
                assert status == 409
                assert (told["error"]["yours"], told["error"]["theirs"]) == (text, saved)
            row.add(acknowledged=1)
    with database.reading() as session:
        assert list(session.exec(select(Note.text))) == [saved]
