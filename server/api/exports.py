"""Exports: labels, notes and verdicts as a stream."""

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from server.api.filters import FiltersQuery
from server.api.limits import LimitedRoute
from server.db import StreamSessionDep
from server.routes.screen import Reader
from server.services import exports
from server.services.exports import Format

router = APIRouter(prefix="/projects/{slug}/exports", tags=["exports"], route_class=LimitedRoute)

_CONTENT: dict[str, dict[str, str]] = {format.media_type.partition(";")[0]: {} for format in Format}


@router.get("/{format}", response_class=StreamingResponse, responses={200: {"content": _CONTENT}})
def download_export(
    screen: Reader, session: StreamSessionDep, format: Format, filters: FiltersQuery
) -> StreamingResponse:
    """The traces that the filters mean with everything decided on them, as far as you may see it.

    `trace_id` is the external id here. csv: one row a trace; jsonl: one object a trace;
    label_bundle: a zip of taxonomy, labels, examples and manifest for evaluators.
    """
    export = exports.prepare(session, screen.member, format, filters)
    disposition = f'attachment; filename="{export.file_name}"'
    return StreamingResponse(
        export.pieces,
        media_type=format.media_type,
        headers={"Content-Disposition": disposition},
    )
