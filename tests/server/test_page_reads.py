"""What a page asks of the database does not grow with what the project holds."""

import sqlalchemy as sa
from fastapi.testclient import TestClient

from server.app import create_app
from server.db import Database
from server.importers.base import ImportOptions
from server.jobs import Jobs
from server.models.base import stored_id
from server.models.label import LabelValue
from server.models.verdict import VerdictValue
from server.services import batches, groupings, imports, labels, modes, notes, verdicts
from server.services.modes import Wording
from server.settings import Settings
from tests.factories import SLUG, make_project, member

PAGES = (
    "",
    "/traces",
    "/adjudication",
    "/adjudication/1/1",
    "/agreement",
    "/batches/new",
    "/coverage",
    "/cold-start",
    "/groups",
    "/modes",
    "/modes/1",
    "/modes/1/split",
    "/modes/together",
    "/labels/matrix",
    "/prevalence",
    "/regression",
    "/report",
    "/lenses",
    "/models",
    "/taxonomies",
    "/evaluation-sets",
    "/settings/lenses",
    "/settings/tokenizers",
    "/saturation",
    "/exports",
    "/judges",
    "/imports",
    "/settings",
    "/lifecycle",
)
MOST = 42
"""Statements a page may send, those of the rail and of finding out who asks included."""
MOST_OF_THE_REPORT = 52
"""It says what all other pages say, and compares failure modes with signals."""

MOST_OF_A_NOTE = 17
"""Its answer holds the notes and no other part of the page."""


def add_some(database: Database, trace_ids: list[int], round_number: int) -> None:
    """Add a batch, a mode with two wordings, readings with notes and labels, and an import."""
    with database.writing() as session:
        lead = member(session)
        batches.create_from(session, lead, trace_ids, f"batch {round_number}")
        mode = stored_id(modes.create(session, lead, f"mode {round_number}"))
        modes.redefine(session, lead, mode, Wording(definition="said anew"), version=1)
        for person in (lead, member(session, "Annotator A")):
            for trace_id in trace_ids:
                verdicts.decide(session, person, trace_id, VerdictValue.FAIL)
                note = notes.add_note(session, person, trace_id, f"note {round_number}")
                groupings.place(session, lead, [stored_id(note)], mode)
                verdicts.submit(session, person, trace_id)
                labels.label(session, person, trace_id, {mode: LabelValue.PRESENT})
        imports.stage(session, lead, f"file-{round_number}.jsonl", ImportOptions())
        imports.stage(session, member(session, "Annotator B"), "other.jsonl", ImportOptions())


def sent_for(client: TestClient, path: str, *, note: str = "") -> int:
    """Return how many statements a page sends, or a `note` that is saved on it."""
    sent: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    engine = client.app.state.database.engine
    url = f"/projects/{SLUG}{path}"
    sa.event.listen(engine, "before_cursor_execute", count)
    try:
        if note:
            answer = client.post(url, data={"text": note}, headers={"HX-Request": "true"})
        else:
            answer = client.get(url)
        assert answer.status_code == 200
    finally:
        sa.event.remove(engine, "before_cursor_execute", count)
    return len(sent)


def test_pages_send_no_more_statements_for_a_fuller_project(
    settings: Settings, database: Database
) -> None:
    # Not entered as a context: what looks after runs would send statements of its own.
    client = TestClient(create_app(settings, jobs=Jobs.immediate(), runs_jobs=False))
    trace_ids = make_project(database, traces=8)
    add_some(database, trace_ids[:2], 1)
    before = {path: sent_for(client, path) for path in PAGES}
    for round_number in range(2, 5):
        add_some(database, trace_ids[2 * round_number - 2 : 2 * round_number], round_number)
    assert {path: sent_for(client, path) for path in PAGES} == before
    assert before.pop("/report") <= MOST_OF_THE_REPORT
    assert max(before.values()) <= MOST
    assert sent_for(client, f"/read/{trace_ids[0]}/notes", note="one more") <= MOST_OF_A_NOTE
    client.app.state.database.dispose()
