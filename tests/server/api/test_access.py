"""Every route of the API as every role, with every lack of scope; a new route needs a row here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from httpx2 import Response

from server.api.app import ROUTERS
from server.services.tokens import Scope
from tests.databases import Databases
from tests.server.api.conftest import API, HERE, Caller, Peopled, Team, worked_on

FILE = ("new.jsonl", b'{"id": "new", "messages": [{"role": "user", "content": "Hi"}]}')
SLUG_PATH = "/projects/{slug}"


class Least(IntEnum):
    """The least somebody has to be."""

    SIGNED_IN = 0
    VIEWER = 1
    ANNOTATOR = 2
    LEAD = 3


LEVELS = {
    "alice": Least.LEAD,
    "bob": Least.ANNOTATOR,
    "vera": Least.VIEWER,
    "charlie": Least.SIGNED_IN,
}


@dataclass(frozen=True)
class Row:
    """What a route asks for; ids in paths are filled in from the made-up project."""

    least: Least
    scope: Scope | None
    body: dict[str, Any] | None = None
    files: dict[str, Any] = field(default_factory=dict)


READ = Row(Least.VIEWER, Scope.READ)
WRITE = Row(Least.ANNOTATOR, Scope.ANNOTATE)
LEAD = Row(Least.LEAD, Scope.LEAD)


def lead(**body: Any) -> Row:
    return Row(Least.LEAD, Scope.LEAD, body)


def write(**body: Any) -> Row:
    return Row(Least.ANNOTATOR, Scope.ANNOTATE, body)


ROWS: dict[tuple[str, str], Row] = {
    ("GET", "/me"): Row(Least.SIGNED_IN, None),
    ("GET", "/projects"): Row(Least.SIGNED_IN, Scope.READ),
    ("POST", "/projects"): Row(Least.SIGNED_IN, Scope.LEAD, {"name": "Another"}),
    ("GET", SLUG_PATH): READ,
    ("GET", f"{SLUG_PATH}/traces"): READ,
    ("GET", f"{SLUG_PATH}/traces/{{trace_id}}"): READ,
    ("GET", f"{SLUG_PATH}/lenses"): READ,
    ("GET", f"{SLUG_PATH}/lenses/{{lens}}"): READ,
    ("POST", f"{SLUG_PATH}/lenses/{{lens}}/runs"): WRITE,
    ("GET", f"{SLUG_PATH}/notes"): READ,
    ("POST", f"{SLUG_PATH}/notes"): write(trace_id=1, text="x"),
    ("GET", f"{SLUG_PATH}/notes/{{note_id}}"): READ,
    ("PATCH", f"{SLUG_PATH}/notes/{{note_id}}"): write(text="y", version=1),
    ("DELETE", f"{SLUG_PATH}/notes/{{note_id}}"): WRITE,
    ("GET", f"{SLUG_PATH}/comments"): READ,
    ("POST", f"{SLUG_PATH}/comments"): write(trace_id=1, text="x"),
    ("PATCH", f"{SLUG_PATH}/comments/{{comment_id}}"): write(text="y", version=1),
    ("DELETE", f"{SLUG_PATH}/comments/{{comment_id}}"): WRITE,
    ("GET", f"{SLUG_PATH}/verdicts"): READ,
    ("PUT", f"{SLUG_PATH}/traces/{{trace_id}}/verdict"): write(value="pass"),
    ("POST", f"{SLUG_PATH}/traces/{{trace_id}}/verdict/submit"): WRITE,
    ("GET", f"{SLUG_PATH}/queue"): READ,
    ("POST", f"{SLUG_PATH}/queue/claim"): WRITE,
    ("POST", f"{SLUG_PATH}/queue/claims/{{trace_id}}/renew"): WRITE,
    ("POST", f"{SLUG_PATH}/queue/claims/{{trace_id}}/skip"): WRITE,
    ("DELETE", f"{SLUG_PATH}/queue/claims/{{trace_id}}"): WRITE,
    ("GET", f"{SLUG_PATH}/modes"): READ,
    ("POST", f"{SLUG_PATH}/modes"): lead(name="New mode"),
    ("GET", f"{SLUG_PATH}/modes/{{mode_id}}"): READ,
    ("PATCH", f"{SLUG_PATH}/modes/{{mode_id}}"): lead(name="Other name"),
    ("PUT", f"{SLUG_PATH}/modes/{{mode_id}}/definition"): lead(definition="d", version=1),
    ("POST", f"{SLUG_PATH}/modes/{{mode_id}}/merge"): lead(into=2),
    ("PUT", f"{SLUG_PATH}/modes/{{mode_id}}/parent"): lead(parent_id=2),
    ("PUT", f"{SLUG_PATH}/modes/{{mode_id}}/status"): lead(status="draft"),
    ("PUT", f"{SLUG_PATH}/modes/{{mode_id}}/owner"): lead(owner_id=None),
    ("PUT", f"{SLUG_PATH}/modes/{{mode_id}}/decision"): lead(decision="watch", impact=2),
    ("POST", f"{SLUG_PATH}/modes/{{mode_id}}/split"): lead(
        parts=[{"name": "one"}, {"name": "other"}], notes=[]
    ),
    ("GET", f"{SLUG_PATH}/codebook/together"): READ,
    ("POST", f"{SLUG_PATH}/codebook/import"): Row(
        Least.LEAD, Scope.LEAD, files={"file": ("team.qdc", b"no codebook")}
    ),
    ("POST", f"{SLUG_PATH}/modes/{{mode_id}}/retire"): LEAD,
    ("GET", f"{SLUG_PATH}/groupings"): READ,
    ("PUT", f"{SLUG_PATH}/groupings"): lead(mode_id=1, note_ids=[1]),
    ("DELETE", f"{SLUG_PATH}/groupings/{{note_id}}"): LEAD,
    ("POST", f"{SLUG_PATH}/assistant/names"): lead(note_ids=[1]),
    ("POST", f"{SLUG_PATH}/assistant/judge-prompts"): lead(mode_id=1),
    ("GET", f"{SLUG_PATH}/labels"): READ,
    ("PUT", f"{SLUG_PATH}/traces/{{trace_id}}/labels"): write(values={"1": "present"}),
    ("POST", f"{SLUG_PATH}/labels/bulk"): write(mode_id=1, value="present"),
    ("POST", f"{SLUG_PATH}/judge-labels"): lead(judge="j", labels=[]),
    ("POST", f"{SLUG_PATH}/label-imports"): Row(
        Least.LEAD, Scope.LEAD, files={"file": ("labels.csv", b"no labels")}
    ),
    ("GET", f"{SLUG_PATH}/agreement"): READ,
    ("GET", f"{SLUG_PATH}/gold"): READ,
    ("PUT", f"{SLUG_PATH}/traces/{{trace_id}}/gold/{{mode_id}}"): lead(value="absent", reason="r"),
    ("DELETE", f"{SLUG_PATH}/traces/{{trace_id}}/gold/{{mode_id}}"): LEAD,
    ("PUT", f"{SLUG_PATH}/traces/{{trace_id}}/gold-verdict"): lead(value="fail", reason="r"),
    ("DELETE", f"{SLUG_PATH}/traces/{{trace_id}}/gold-verdict"): LEAD,
    ("GET", f"{SLUG_PATH}/batches"): READ,
    ("POST", f"{SLUG_PATH}/batches"): lead(size=1),
    ("POST", f"{SLUG_PATH}/imports"): Row(Least.LEAD, Scope.INGEST, files={"file": FILE}),
    ("GET", f"{SLUG_PATH}/imports"): READ,
    ("GET", f"{SLUG_PATH}/imports/{{import_id}}"): READ,
    ("GET", f"{SLUG_PATH}/imports/{{import_id}}/refused"): READ,
    ("GET", f"{SLUG_PATH}/exports/{{format}}"): READ,
    ("GET", f"{SLUG_PATH}/report/{{kind}}"): READ,
    ("POST", f"{SLUG_PATH}/report"): WRITE,
    ("GET", f"{SLUG_PATH}/regression"): READ,
    ("POST", f"{SLUG_PATH}/exports/{{format}}"): lead(why="to try"),
    ("GET", f"{SLUG_PATH}/splits"): READ,
    ("POST", f"{SLUG_PATH}/splits"): lead(),
    ("POST", f"{SLUG_PATH}/splits/test"): lead(why="to look"),
    ("GET", f"{SLUG_PATH}/judges"): READ,
    ("GET", f"{SLUG_PATH}/judges/{{judge_id}}"): READ,
    ("POST", f"{SLUG_PATH}/judge-verdicts"): lead(judge="j", verdicts=[]),
    ("POST", f"{SLUG_PATH}/judge-verdicts/import"): Row(
        Least.LEAD, Scope.LEAD, files={"file": ("judge.csv", b"no verdicts")}
    ),
    ("POST", f"{SLUG_PATH}/judges/{{judge_id}}/test"): lead(why="to measure"),
    ("GET", f"{SLUG_PATH}/outcome-rules"): READ,
    ("PUT", f"{SLUG_PATH}/outcome-rules"): lead(rules=[]),
    ("GET", f"{SLUG_PATH}/corrected-outcomes"): READ,
    ("POST", f"{SLUG_PATH}/corrected-outcomes"): lead(outcome="correct", reason="r"),
    ("PUT", f"{SLUG_PATH}/traces/{{trace_id}}/outcome"): write(outcome="correct", reason="r"),
    ("GET", f"{SLUG_PATH}/runs"): READ,
    ("GET", f"{SLUG_PATH}/runs/{{run_id}}"): READ,
    ("POST", f"{SLUG_PATH}/runs/{{run_id}}/cancel"): WRITE,
    ("GET", f"{SLUG_PATH}/events"): LEAD,
    ("GET", f"{SLUG_PATH}/webhooks"): LEAD,
    ("POST", f"{SLUG_PATH}/webhooks"): lead(url="https://example.org/", topics=["mode"]),
    ("GET", f"{SLUG_PATH}/webhook-deliveries"): LEAD,
    ("POST", f"{SLUG_PATH}/webhooks/{{webhook_id}}/test"): LEAD,
    ("DELETE", f"{SLUG_PATH}/webhooks/{{webhook_id}}"): LEAD,
    ("POST", f"{SLUG_PATH}/undo"): WRITE,
    ("POST", f"{SLUG_PATH}/redo"): WRITE,
}
ROUTES = [
    (method, route.path)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods)
]
IN_PROJECT = [(method, path) for method, path in ROUTES if path.startswith(SLUG_PATH)]
every_route = pytest.mark.parametrize(("method", "path"), ROUTES)


def make_up(team: Team) -> None:
    team.bob.send("POST", "/notes", {"trace_id": team.traces[0], "text": "n"}, status=201)
    team.alice.send("POST", "/comments", {"trace_id": team.traces[0], "text": "c"}, status=201)
    for name in ("first", "second"):
        team.alice.send("POST", "/modes", {"name": name}, status=201)
    team.alice.send("POST", f"{API}/projects", {"name": "Other"}, status=201)


@pytest.fixture(scope="module")
def peopled(
    peopled: Peopled, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Peopled:
    """The team's project with a note and a mode, each with the id that paths name."""
    return worked_on(peopled, databases, tmp_path_factory.mktemp("worked") / "data", make_up)


def ask(team: Team, caller: Caller, method: str, path: str) -> Response:
    row = ROWS[method, path]
    url = API + path.format(
        slug="try-me",
        trace_id=team.traces[0],
        note_id=1,
        comment_id=1,
        mode_id=1,
        run_id=1,
        import_id=1,
        judge_id=1,
        format="csv",
        lens="compression",
        kind="json",
        webhook_id=1,
    )
    return caller.call(method, url, json=row.body, files=row.files or None)


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert set(ROWS) == set(ROUTES)
    assert len(ROUTES) == len(set(ROUTES))


def refused(team: Team, method: str, path: str) -> Iterator[tuple[str, Caller, int]]:
    """Everybody whom a route refuses, and with which status."""
    row = ROWS[method, path]
    yield "nobody", Caller(team.client, ""), 401
    yield "a guess", Caller(team.client, "faultbook_guess"), 401
    if row.scope is not None:
        lacking = {Scope.LEAD, Scope.INGEST} if row.scope is Scope.INGEST else {row.scope}
        yield "narrow", team.with_scopes("alice", *(set(Scope) - lacking)), 403
    if row.least is not Least.SIGNED_IN:
        yield "stranger", team.charlie, 404
        yield "elsewhere", team.bound_to("alice", "other"), 404
    for who, level in LEVELS.items():
        if Least.SIGNED_IN < level < row.least:
            yield who, getattr(team, who), 403


@every_route
def test_a_route_lets_in_whom_it_should_and_nobody_else(team: Team, method: str, path: str) -> None:
    for who, caller, status in refused(team, method, path):
        answer = ask(team, caller, method, path)
        assert answer.status_code == status, who
        assert answer.json()["error"]["status"] == status
    for who, level in reversed(LEVELS.items()):  # the lead's writes come last
        if level >= ROWS[method, path].least:
            answer = ask(team, getattr(team, who), method, path)
            # These are about the thing (no run 1, nothing to undo), not about role or fields.
            about_the_thing = answer.status_code in (404, 409, 422)
            others = "somebody else's" in answer.text
            too_early = "once the lead has opened axial coding" in answer.text
            assert answer.is_success or about_the_thing or others or too_early, (who, answer.text)
            assert "no project" not in answer.text
            assert "problems" not in answer.text


@pytest.mark.parametrize(
    ("close", "told"), [(Team.make_read_only, "read-only"), (Team.archive, "archived")]
)
def test_a_closed_project_is_read_and_not_written(
    team: Team, close: Callable[[Team], None], told: str
) -> None:
    close(team)
    for method, path in IN_PROJECT:
        answer = ask(team, team.alice, method, path)
        if method == "GET":
            assert answer.status_code in (200, 404), path
        else:
            assert answer.status_code == 403, (method, path)
            assert told in answer.json()["error"]["message"]


def test_somebody_unknown_is_told_how_to_show_who_they_are(guarded: TestClient) -> None:
    answer = guarded.get(f"{API}/me")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_stranger_cannot_tell_a_project_from_none(team: Team) -> None:
    hidden = team.charlie.call("GET", HERE)
    missing = team.charlie.call("GET", f"{API}/projects/nowhere")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.text.replace("try-me", "nowhere") == missing.text


def test_an_archived_project_is_told_of_and_out_of_the_list(team: Team) -> None:
    team.archive()
    assert team.alice.get("")["archived_at"] is not None
    slugs = [project["slug"] for project in team.alice.get(f"{API}/projects")["items"]]
    assert slugs == ["other"]
