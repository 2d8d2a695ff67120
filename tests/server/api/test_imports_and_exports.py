"""Files go in through the API and labels come out of it."""

import csv
import io
import json
import zipfile
from typing import Any

import pytest

from server.services.tokens import Scope
from server.settings import Settings
from tests.server.api.conftest import API, HERE, Caller, Team

GOOD = {"id": "new", "model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def sent(caller: Caller, *records: Any, name: str = "new.jsonl", **query: Any) -> Any:
    content = "\n".join(r if isinstance(r, str) else json.dumps(r) for r in records).encode()
    return caller.call("POST", "/imports", params=query, files={"file": (name, content)})


def test_a_file_is_imported_and_watched(team: Team) -> None:
    answer = sent(team.alice, GOOD, "{broken", source="production", pipeline_version="7")
    assert answer.status_code == 202, answer.text
    (begun,) = answer.json()["items"]
    done = team.alice.get(f"/imports/{begun['id']}")
    assert (done["status"], done["file_name"], done["source"]) == (
        "done",
        "new.jsonl",
        "production",
    )
    assert {name: done["counts"][name] for name in ("read", "created", "refused")} == {
        "read": 1,
        "created": 1,
        "refused": 1,
    }
    assert done["refused_url"] == f"{HERE}/imports/{done['id']}/refused"
    refused = team.alice.call("GET", done["refused_url"])
    assert [json.loads(line)["line"] for line in refused.text.splitlines()] == [2]

    run = team.alice.get(f"/runs/{done['run_id']}")
    assert (run["kind"], run["status"], run["error"]) == ("import", "done", "")
    assert team.alice.get("/runs", kind="import", status="done")["items"] == [run]
    team.alice.send("POST", f"/runs/{run['id']}/cancel", status=409)
    assert team.alice.get("/imports")["items"] == [done]
    (trace,) = team.alice.get("/traces", filters='{"trace": "new"}')["items"]
    assert (trace["pipeline_version"], trace["import_id"]) == ("7", done["id"])


def test_the_same_file_again_changes_nothing(team: Team) -> None:
    sent(team.alice, GOOD)
    (again,) = sent(team.alice, GOOD).json()["items"]
    counts = team.alice.get(f"/imports/{again['id']}")["counts"]
    assert (counts["created"], counts["unchanged"]) == (0, 1)


def test_a_mapping_and_dimensions_are_read_from_the_query(team: Team) -> None:
    record = {"key": "k", "q": "Why?", "level": 3}
    answer = sent(
        team.alice,
        record,
        format="table",
        mapping=json.dumps({"external_id": "key", "input": "q"}),
        dimension="level",
    )
    assert answer.status_code == 202, answer.text
    (trace,) = team.alice.get("/traces", filters='{"params.level": 3}')["items"]
    assert (trace["external_id"], trace["dimensions"]) == ("k", {"level": 3})


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"mapping": "{"}, "no JSON"),
        ({"mapping": '{"answer": 3}'}, "JSON object of texts"),
        ({"format": "no-such"}, "no-such"),
        ({"source": "moon"}, "source"),
    ],
)
def test_choices_that_do_not_fit_import_nothing(
    team: Team, settings: Settings, query: dict[str, str], told: str
) -> None:
    answer = sent(team.alice, GOOD, **query)
    assert answer.status_code == 422
    assert told in answer.json()["error"]["message"]
    assert team.alice.get("/imports")["items"] == []
    assert list(settings.uploads.glob("*/*")) == []


def test_a_body_that_is_no_form_is_refused(team: Team) -> None:
    team.alice.send("POST", "/imports", {"file": "x"}, status=422)
    team.alice.send("POST", "/imports", status=422)


def test_a_token_may_do_nothing_but_send_traces_in(team: Team) -> None:
    sender = team.with_scopes("alice", Scope.INGEST)
    assert sent(sender, GOOD).status_code == 202
    assert sender.call("GET", "/imports").status_code == 403
    assert sender.call("GET", "/traces").status_code == 403
    assert sender.call("POST", "/notes", json={"trace_id": 1, "text": "x"}).status_code == 403
    assert sent(team.with_scopes("bob", Scope.INGEST), GOOD).status_code == 403  # no lead


def test_exports_stream_what_the_filters_mean(team: Team) -> None:
    mode = team.alice.send("POST", "/modes", {"name": "Sums"}, status=201)
    values = {str(mode["id"]): "present"}
    team.bob.send("PUT", f"/traces/{team.traces[0]}/labels", {"values": values})

    table = team.alice.call("GET", "/exports/csv", params={"filters": '{"mode": "Sums"}'})
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in table.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff"))))
    assert [row["trace_id"] for row in rows] == ["trace-1"]

    lines = team.alice.call("GET", "/exports/jsonl").text.splitlines()
    assert [json.loads(line)["trace_id"] for line in lines] == ["trace-1", "trace-2", "trace-3"]
    bundle = team.alice.call("GET", "/exports/label_bundle")
    with zipfile.ZipFile(io.BytesIO(bundle.content)) as archive:
        assert archive.testzip() is None
    unknown = team.alice.call("GET", f"{HERE}/exports/doc")
    assert unknown.status_code == 422


def test_exports_are_as_blind_as_the_screens(team: Team) -> None:
    new = {"trace_id": team.traces[0], "text": "secret opinion"}
    team.ben.send("POST", "/notes", new, status=201)
    for format in ("csv", "jsonl"):
        assert "secret opinion" not in team.bob.call("GET", f"/exports/{format}").text
    assert "secret opinion" in team.alice.call("GET", "/exports/jsonl").text


def test_the_schema_lists_every_resource(team: Team) -> None:
    schema = team.client.get(f"{API}/openapi.json").json()
    assert schema["servers"] == [{"url": API}]
    nouns = {path.split("/")[3] for path in schema["paths"] if path.count("/") > 2}
    assert nouns == {
        "traces", "notes", "verdicts", "modes", "labels", "groupings", "batches", "imports",
        "exports", "splits", "outcome-rules", "corrected-outcomes", "runs", "events", "undo",
        "redo", "comments", "queue", "codebook", "judge-labels", "agreement", "assistant", "judges",
        "judge-verdicts", "gold", "label-imports", "lenses", "regression", "report", "webhooks",
        "webhook-deliveries",
    }  # fmt: skip
