"""Metrics for Prometheus, for whoever shows the server's own token for them."""

import secrets

from fastapi import APIRouter, Request, Response

from server.db import SessionDep
from server.errors import Forbidden, NotFound
from server.metrics import CONTENT_TYPE
from server.settings import Settings
from server.views.measures import measures

router = APIRouter(tags=["health"])


@router.get("/metrics")
def show_metrics(request: Request, session: SessionDep) -> Response:
    """Requests of this server, and the state of its work; only where a token is set."""
    settings: Settings = request.app.state.settings
    if not settings.metrics_token:
        raise NotFound("There is no such page.")
    shown = request.headers.get("authorization", "")
    if not secrets.compare_digest(shown.encode(), f"Bearer {settings.metrics_token}".encode()):
        raise Forbidden("Metrics need FAULTBOOK_METRICS_TOKEN as a bearer token.")
    told = request.app.state.request_metrics.exposition(measures(session, settings))
    return Response(told, media_type=CONTENT_TYPE)
