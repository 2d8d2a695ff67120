"""Runs: imports, draft groups and other long work, how far each is and how it ended."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from server.api.fields import JsonObject, PathId
from server.api.limits import LimitedRoute
from server.api.pages import Page, SpanQuery
from server.models.run import RunStatus
from server.routes.screen import AnnotatorScreen, Reader
from server.services import runs
from server.views import listings

router = APIRouter(prefix="/projects/{slug}/runs", tags=["runs"], route_class=LimitedRoute)


def _last_line(error: str) -> str:
    """Leave a traceback to the log and the screens."""
    lines = error.strip().splitlines()
    return lines[-1] if lines else ""


class RunBody(BaseModel):
    """One run."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    kind: Annotated[str, Field(examples=["import"])]
    status: RunStatus
    parameters: JsonObject
    seed: int
    progress_done: int
    progress_total: Annotated[int | None, Field(description="null while nobody knows.")]
    progress_text: str
    cancel_requested: bool
    result: JsonObject
    error: Annotated[
        str, BeforeValidator(_last_line), Field(description="Why it failed, in one line.")
    ]
    created_by: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@router.get("")
def list_runs(
    screen: Reader,
    span: SpanQuery,
    kind: Annotated[str | None, Query(max_length=40, pattern="^[a-z_]+$")] = None,
    status: RunStatus | None = None,
) -> Page[RunBody]:
    """Runs, the latest first."""
    found = listings.runs(screen.session, screen.member, span, kind=kind, status=status)
    return Page[RunBody].of(found)


@router.get("/{run_id}")
def show_run(screen: Reader, run_id: PathId) -> RunBody:
    """One run. Ask again until `status` is done, failed or cancelled."""
    return RunBody.model_validate(runs.find(screen.session, screen.member, run_id))


@router.post("/{run_id}/cancel")
def cancel_run(screen: AnnotatorScreen, run_id: PathId) -> RunBody:
    """Ask a run to stop; what it finished stays."""
    return RunBody.model_validate(runs.cancel(screen.session, screen.member, run_id))
