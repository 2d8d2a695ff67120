"""Health, for whoever watches over the server: alive, and ready to work. Nobody signs in here."""

from dataclasses import asdict

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from server.views.health import readiness

router = APIRouter(tags=["health"])


@router.get("/healthz")
def show_health() -> Response:
    """The process answers; it asks nobody else."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz")
def show_readiness(request: Request) -> Response:
    """Database, its revision and the job queue; 503 while any of them is not well."""
    found = readiness(request.app.state.database, request.app.state.jobs)
    status = "ready" if found.is_ready else "not ready"
    body = {"status": status, "checks": asdict(found)}
    return JSONResponse(body, status_code=200 if found.is_ready else 503)
