"""Sending what the outbox holds: claimed, sent, written down; tried again with longer waits."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from server import __version__
from server.db import Database
from server.models.base import stored_id, utc_now
from server.models.user import Webhook
from server.models.webhook import WebhookDelivery
from server.outgoing import Undelivered, post
from server.queries import webhooks as queries
from server.services.webhooks import body_of, signature
from server.settings import Settings

WAITS = tuple(timedelta(seconds=s) for s in (10, 60, 300, 1_800, 7_200, 21_600, 43_200))
"""After each failed try; behind the last one the delivery is given up."""
DISABLED_AFTER = 20
"""Failed tries in a row, over all deliveries of a webhook."""
CLAIM = timedelta(minutes=2)
"""How long a sender that died keeps a delivery from being sent again."""
_CLOCKS_DIFFER = timedelta(minutes=1)
"""At most, between machines that share a database."""
_AT_ONCE = 20
_TOLD = 500


@dataclass(frozen=True)
class _Claimed:
    delivery_id: int
    webhook_id: int
    url: str
    secret: str
    topics: str
    body: bytes


def send_due(
    database: Database, settings: Settings, *, is_over: Callable[[], bool] = lambda: False
) -> int:
    """Send everything whose time has come; returns how many tries were made.

    A delivery may come twice where a sender dies between sending and writing that down: its id
    stays the same.
    """
    tries = 0
    while not is_over():
        with database.reading() as session:
            if session.exec(_due().limit(1)).first() is None:
                return tries
        with database.writing() as session:
            claimed = [_claim(session, row) for row in _free(session)]
        for one in claimed:
            if is_over():
                return tries  # the claim runs out, and another sender takes it
            _send(database, settings, one)
            tries += 1
    return tries


def _due() -> SelectOfScalar[WebhookDelivery]:
    now = utc_now()
    waits = (timedelta(), *(max(wait, CLAIM) for wait in (*WAITS, CLAIM)))
    return queries.due(now, [now + wait + _CLOCKS_DIFFER for wait in waits])


def _free(session: Session) -> list[WebhookDelivery]:
    statement = _due().limit(_AT_ONCE)
    return list(session.exec(statement.with_for_update(skip_locked=True, of=WebhookDelivery)))


def _claim(session: Session, row: WebhookDelivery) -> _Claimed:
    webhook = session.get_one(Webhook, row.webhook_id)
    row.next_try_at = utc_now() + CLAIM
    row.tries += 1
    session.add(row)
    return _Claimed(
        stored_id(row),
        row.webhook_id,
        webhook.url,
        webhook.secret,
        row.topics,
        body_of(session, webhook, row),
    )


def _send(database: Database, settings: Settings, one: _Claimed) -> None:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"Faultbook/{__version__}",
        "Faultbook-Delivery": str(one.delivery_id),
        "Faultbook-Topics": one.topics,
        "Faultbook-Signature": signature(one.secret, int(time.time()), one.body),
    }
    status: int | None = None
    try:
        status, answer = post(one.url, one.body, headers, allow_private=settings.webhooks_private)
        error = "" if 200 <= status < 300 else f"answered {status}: {answer[:_TOLD]}"
    except Undelivered as refused:
        error = str(refused)[:_TOLD]
    with database.writing() as session:
        _write_down(session, one, status, error)


def _write_down(session: Session, one: _Claimed, status: int | None, error: str) -> None:
    row, webhook = (
        session.get(WebhookDelivery, one.delivery_id),
        session.get(Webhook, one.webhook_id),
    )
    if row is None or webhook is None:
        return  # removed meanwhile
    now = utc_now()
    row.status, row.error = status, error
    if not error:
        row.delivered_at, row.next_try_at, webhook.failures = now, None, 0
    else:
        row.next_try_at = now + WAITS[row.tries - 1] if row.tries <= len(WAITS) else None
        webhook.failures += 1
        if webhook.failures >= DISABLED_AFTER:
            webhook.disabled_at = now
    session.add_all((row, webhook))
