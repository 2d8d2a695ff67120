"""The list of traces, batches made from it, and what the command palette finds."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Response

from server.queries.filters import Filters
from server.routes.screen import LeadScreen, Reader
from server.services import batches
from server.views.facts import Facts
from server.views.palette import palette
from server.views.trace_signals import FIELD
from server.views.traces import PAGE_FIELDS, trace_list

router = APIRouter(prefix="/projects/{slug}", tags=["traces"])


@router.get("/traces")
def list_traces(screen: Reader) -> Response:
    """One page of the traces that the filters in the URL mean."""
    fields = screen.request.query_params
    filters = Filters.from_query(fields.multi_items(), ignoring=PAGE_FIELDS)
    columns = fields.getlist(FIELD)
    facts, base = Facts(screen.session, screen.member), screen.url()
    view = trace_list(
        screen.session, screen.member, filters, fields, base=base, columns=columns, facts=facts
    )
    return screen.show("traces/list.html", view, section="traces", facts=facts)


@router.post("/traces/batch")
def make_batch(
    screen: LeadScreen,
    trace: Annotated[list[str], Form(default_factory=list)],
    name: Annotated[str, Form()] = "",
) -> Response:
    """Make a batch of the ticked traces."""
    ids = batches.ids_of(screen.session, screen.member, trace)
    batch = batches.create_from(screen.session, screen.member, ids, name)
    message = f"{batch.name}: {len(set(ids))} traces to read"
    return screen.redirect(f"/traces?batch={batch.id}", message=message, undo=True)


@router.get("/palette.json")
def find(screen: Reader, text: Annotated[str, Query(max_length=200)] = "") -> list[dict[str, Any]]:
    """Traces and failure modes by name."""
    found = palette(screen.session, screen.member, text, base=screen.url())
    return [entry._asdict() for entry in found]
