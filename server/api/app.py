"""The API as an application of its own under /api/v1, on the state of the server around it."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.security import HTTPBearer
from starlette.datastructures import State

from server import __version__
from server.api import (
    agreement,
    assistance,
    batches,
    bulk_labels,
    codebook,
    comments,
    corrections,
    events,
    exports,
    gold,
    groupings,
    imports,
    judges,
    label_imports,
    labels,
    lenses,
    me,
    modes,
    notes,
    outcome_rules,
    projects,
    queue,
    reports,
    runs,
    splits,
    traces,
    verdicts,
    webhooks,
)
from server.api.failures import RESPONSES, answer_errors_as_json
from server.errors import Invalid
from server.routes.multipart import BODY_LIMIT

PATH = "/api/v1"
ROUTERS: Sequence[APIRouter] = (
    me.router,
    projects.router,
    traces.router,
    notes.router,
    comments.router,
    verdicts.router,
    queue.router,
    codebook.sending,
    label_imports.sending,
    codebook.router,
    modes.router,
    groupings.router,
    assistance.router,
    labels.router,
    bulk_labels.router,
    agreement.router,
    gold.router,
    batches.router,
    imports.sending,
    imports.router,
    exports.router,
    reports.router,
    splits.router,
    lenses.router,
    judges.sending,
    judges.router,
    outcome_rules.router,
    corrections.router,
    runs.router,
    events.router,
    webhooks.router,
)
_ABOUT = """\
Read traces, write notes, verdicts and labels, import and export.

Show an API token (your account page makes one) as `Authorization: Bearer …`. Lists come in parts
of at most 500: give `next` as `after`. Steps and characters are counted from 0, as stored; the
sentences of errors count steps from 1, as the screens do. What an annotator may not see yet on
the screens of a blind project, this API withholds too.
"""

_shown = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="An API token. A browser's session cookie does as well.",
)


async def _documented(request: Request, _shown: Annotated[object, Depends(_shown)]) -> None:
    """Refuse query fields that the schema does not know: a misspelt filter would find everything.

    The schema is also told how to sign in; who that is, routes find out by themselves.
    """
    if not request.query_params:
        return
    api: FastAPI = request.app
    path, method = request.scope["route"].path_format, request.method.lower()
    # In this thread: the framework writes the schema once, and two at once spoil it.
    parameters = api.openapi()["paths"][path][method].get("parameters", [])
    known = [parameter["name"] for parameter in parameters if parameter["in"] == "query"]
    unknown = sorted(set(request.query_params) - set(known))
    if unknown:
        told = ", ".join(known) or "none"
        raise Invalid(f"There is no query field «{unknown[0]}» here. There are: {told}.")


def create_api(state: State) -> FastAPI:
    """Build the API on the state of the application that it is mounted in."""
    api = FastAPI(
        title="Faultbook",
        summary="Find out how an LLM system fails.",
        description=_ABOUT,
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=RESPONSES,
        dependencies=[Depends(_documented)],
        max_body_size=BODY_LIMIT,
    )
    api.state = state
    for router in ROUTERS:
        api.include_router(router)
    answer_errors_as_json(api, ROUTERS)
    return api
