"""Webhooks against a receiver that listens: signed, kept until delivered, never sent inside."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from fastapi.testclient import TestClient
from sqlmodel import select

from server.db import Database
from server.errors import Conflict, Invalid
from server.models.base import stored_id, utc_now
from server.models.label import LabelValue
from server.models.user import Webhook
from server.models.verdict import VerdictValue
from server.models.webhook import WebhookDelivery
from server.outgoing import Undelivered, checked, post
from server.services import events, labels, modes, verdicts, webhooks
from server.services.webhook_sending import DISABLED_AFTER, WAITS, send_due
from server.settings import Settings
from tests.factories import SLUG, make_project, member

ALL = ["gold", "label", "mode", "verdict"]


class Receiver(HTTPServer):
    """Keeps what it is sent, and answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?a=b"

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhooks": True, "webhooks_private": True})


def added(database: Database, settings: Settings, url: str, topics: list[str]) -> webhooks.Made:
    with database.writing() as session:
        return webhooks.create(session, member(session), settings, url, topics)


def due_now(database: Database) -> None:
    with database.writing() as session:
        waits = sa.column("next_try_at").is_not(None)
        session.execute(sa.update(WebhookDelivery).where(waits).values(next_try_at=utc_now()))


def test_decisions_are_told_signed_and_in_order(
    database: Database, settings: Settings, receiver: Receiver
) -> None:
    trace_ids = make_project(database)
    secret = added(database, settings, receiver.url, ALL).secret
    only_modes = added(database, settings, receiver.url, ["mode"])
    with database.writing() as session:
        lead = member(session)
        mode = stored_id(modes.create(session, lead, "Slip"))
        verdicts.decide(session, lead, trace_ids[0], VerdictValue.FAIL)
        labels.label(session, lead, trace_ids[0], {mode: LabelValue.PRESENT})
        events.undo(session, lead)
    assert receiver.got == []  # nothing is sent before the commit
    assert send_due(database, settings) == 5
    assert sorted(told["topics"][0] for told in receiver.told) == [
        *("label", "label", "mode", "mode", "verdict")
    ]
    headers, body = next(one for one in receiver.got if json.loads(one[1])["topics"] == ["label"])
    told = json.loads(body)
    assert told["project"] == SLUG
    assert told["event"]["kind"] == "trace.labelled"
    assert told["changes"][0]["after"]["value"] == "present"
    stamp, given = (part.partition("=")[2] for part in headers["Faultbook-Signature"].split(","))
    expected = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert given == expected
    assert only_modes.secret not in body.decode()
    assert send_due(database, settings) == 0  # once is enough


def test_what_fails_is_tried_again_and_pauses_the_webhook(
    database: Database, settings: Settings, receiver: Receiver
) -> None:
    make_project(database)
    made = added(database, settings, receiver.url, ["mode"])
    receiver.status = 302  # redirects are failures, and are not followed
    with database.writing() as session:
        for name in ("One", "Two", "Three"):
            modes.create(session, member(session), name)
    before = utc_now()
    assert send_due(database, settings) == 3
    with database.reading() as session:
        row = session.exec(select(WebhookDelivery)).all()[0]
        assert (row.tries, row.status, row.delivered_at) == (1, 302, None)
        assert row.next_try_at is not None
        assert row.next_try_at >= before + WAITS[0]
    assert send_due(database, settings) == 0
    for _ in range(len(WAITS) + 1):
        due_now(database)
        send_due(database, settings)
    with database.reading() as session:
        webhook = session.get_one(Webhook, made.webhook.id)
        assert webhook.disabled_at is not None
        assert webhook.failures >= DISABLED_AFTER
    receiver.status = 200
    with database.writing() as session:
        webhooks.switch(session, member(session), stored_id(made.webhook), on=True)
        modes.create(session, member(session), "Four")
    due_now(database)
    assert send_due(database, settings) >= 1
    assert receiver.told[-1]["event"]["kind"] == "mode.created"


def test_a_sender_that_dies_loses_nothing(
    database: Database, settings: Settings, receiver: Receiver
) -> None:
    make_project(database)
    added(database, settings, receiver.url, ["mode"])
    with database.rehearsing() as session:  # what is not committed is not told
        modes.create(session, member(session), "Never decided")
    with database.writing() as session:
        modes.create(session, member(session), "Slip")
    # The process ends behind the commit, and the next one between claim and delivery.
    fresh = Database.from_url(settings.database_url)
    assert send_due(fresh, settings, is_over=iter([False, True]).__next__) == 0
    assert send_due(fresh, settings) == 0  # claimed; the claim has not run out
    due_now(fresh)
    assert send_due(fresh, settings) == 1
    fresh.dispose()
    assert [told["changes"][0]["after"]["name"] for told in receiver.told] == ["Slip"]


def test_a_clock_that_is_set_back_puts_nothing_off(
    database: Database, settings: Settings, receiver: Receiver
) -> None:
    """A new delivery does not wait for the old time; one that failed waits no longer than ever."""
    make_project(database)
    added(database, settings, receiver.url, ["mode"])
    with time_machine.travel("2026-01-01T13:00:00Z", tick=False) as clock:
        receiver.status = 500
        with database.writing() as session:
            modes.create(session, member(session), "Fails")
        assert send_due(database, settings) == 1
        clock.shift(-1)
        assert send_due(database, settings) == 0, "it waits its ten seconds"
        receiver.status = 200
        with database.writing() as session:
            modes.create(session, member(session), "Is new")
        clock.move_to("2026-01-01T12:00:00Z")
        assert send_due(database, settings) == 2
        assert send_due(database, settings) == 0, "once is enough"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "https://user:word@example.org/",
        "https://",
        "javascript:alert(1)",
        "https://example.org/\r\nX: y",
        "https://example.org:99999/",
    ],
)
def test_addresses_that_do_not_fit_are_refused(url: str) -> None:
    with pytest.raises(Invalid, match="does not fit"):
        checked(url, allow_private=False)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]",
     "0.0.0.0", "2130706433", "[fd00::1]", "224.0.0.1", "100.64.0.1"],
)  # fmt: skip
def test_private_addresses_are_not_reached(host: str) -> None:
    with pytest.raises(Undelivered, match="no public address"):
        post(f"https://{host}/", b"", {}, allow_private=False)


def test_they_are_off_unless_the_server_turns_them_on(database: Database) -> None:
    make_project(database)
    assert not Settings().webhooks
    with pytest.raises(Conflict, match="FAULTBOOK_WEBHOOKS"):
        added(database, Settings(), "https://example.org/", ["mode"])


def test_page_and_api(
    client: TestClient, database: Database, settings: Settings, receiver: Receiver
) -> None:
    make_project(database)
    base, api = f"/projects/{SLUG}/webhooks", f"/api/v1/projects/{SLUG}/webhooks"
    refused = client.post(base, data={"url": "mailto:x", "topics": ["mode"]})
    assert refused.status_code == 422
    assert "does not fit" in refused.text
    page = client.post(base, data={"url": receiver.url, "topics": ["mode", "label"]}).text
    secret = page.split("faultbook_hook_")[1].split("<")[0]
    assert secret not in client.get(base).text
    (one,) = client.get(api).json()
    assert (one["topics"], one["on"], "secret" in one) == (["label", "mode"], True, False)
    client.post(f"{base}/{one['id']}/test")
    send_due(database, settings)
    assert receiver.told[-1]["topics"] == ["test"]
    assert (
        client.get(api.replace("webhooks", "webhook-deliveries")).json()[0]["state"] == "delivered"
    )
    client.post(f"{base}/{one['id']}/switch")
    assert client.post(f"{api}/{one['id']}/test").status_code == 422
    made = client.post(api, json={"url": receiver.url, "topics": ["gold"]}).json()
    assert made["secret"].startswith("faultbook_hook_")
    assert client.delete(f"{api}/{made['id']}").status_code == 204
    client.post(f"{base}/{one['id']}/remove")
    assert client.get(api).json() == []
