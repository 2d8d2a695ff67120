"""Statements over webhooks and their outbox."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.models.user import Webhook
from server.models.webhook import WebhookDelivery


def of_project(project_id: int) -> SelectOfScalar[Webhook]:
    """The webhooks of a project, the oldest first."""
    return select(Webhook).where(Webhook.project_id == project_id).order_by(col(Webhook.id))


def listening(project_id: int) -> SelectOfScalar[Webhook]:
    """Those that have not been removed by their project; a paused one keeps its events waiting."""
    return of_project(project_id)


def one(project_id: int, webhook_id: int) -> SelectOfScalar[Webhook]:
    """One webhook, if it is of the project."""
    return of_project(project_id).where(Webhook.id == webhook_id)


def due(now: datetime, furthest: Sequence[datetime]) -> SelectOfScalar[WebhookDelivery]:
    """Deliveries whose time has come and whose webhook is on, the longest waiting first.

    After n tries nothing waits beyond `furthest[n]`: what does was written before the clock was
    set back.
    """
    next_try_at = col(WebhookDelivery.next_try_at)
    too_far = (
        sa.and_(col(WebhookDelivery.tries) == tries, next_try_at > latest)
        for tries, latest in enumerate(furthest)
    )
    return (
        select(WebhookDelivery)
        .join(Webhook, col(Webhook.id) == col(WebhookDelivery.webhook_id))
        .where(sa.or_(next_try_at <= now, *too_far), col(Webhook.disabled_at).is_(None))
        .order_by(next_try_at, col(WebhookDelivery.id))
    )


def log(project_id: int) -> SelectOfScalar[WebhookDelivery]:
    """The deliveries of a project, the latest first."""
    return (
        select(WebhookDelivery)
        .join(Webhook, col(Webhook.id) == col(WebhookDelivery.webhook_id))
        .where(Webhook.project_id == project_id)
        .order_by(col(WebhookDelivery.id).desc())
    )


def waiting(project_id: int) -> sa.Select[int, int]:
    """Webhook and how many deliveries wait for it."""
    return (
        sa.select(col(WebhookDelivery.webhook_id), sa.func.count())
        .join(Webhook, col(Webhook.id) == col(WebhookDelivery.webhook_id))
        .where(col(Webhook.project_id) == project_id, col(WebhookDelivery.next_try_at).is_not(None))
        .group_by(col(WebhookDelivery.webhook_id))
    )
