"""Answers to senders of spans: in the content type of the request, as OTLP/HTTP has it."""

from collections.abc import Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from starlette.exceptions import HTTPException

from server import storage
from server.api.otlp_bodies import content_type
from server.errors import FaultbookError, Unavailable, Unexpected
from server.importers.base import RefusedRecord
from server.importers.spans.otlp_wire import JSON, PROTOBUF
from server.request_log import request_id

_EXAMPLES = 3
_CODES = {
    HTTPStatus.UNAUTHORIZED: 16,
    HTTPStatus.FORBIDDEN: 7,
    HTTPStatus.NOT_FOUND: 5,
    HTTPStatus.METHOD_NOT_ALLOWED: 12,
    HTTPStatus.REQUEST_TIMEOUT: 4,
    HTTPStatus.TOO_MANY_REQUESTS: 8,
    HTTPStatus.SERVICE_UNAVAILABLE: 14,
}
"""google.rpc.Code by HTTP status; what is missing is INVALID_ARGUMENT or INTERNAL."""
_INVALID_ARGUMENT, _INTERNAL = 3, 13


def stored(request: Request, refused: Sequence[RefusedRecord]) -> Response:
    """Answer that spans are on disk, all but those that were refused."""
    if not refused:
        return _written(request, ExportTraceServiceResponse())
    partial = ExportTracePartialSuccess(
        rejected_spans=len(refused), error_message=_reasons(refused)
    )
    return _written(request, ExportTraceServiceResponse(partial_success=partial))


def _reasons(refused: Sequence[RefusedRecord]) -> str:
    reasons = list(
        dict.fromkeys(f"{r.field}: {r.reason}" if r.field else r.reason for r in refused)
    )
    told = " ".join(reasons[:_EXAMPLES])
    more = len(reasons) - _EXAMPLES
    return f"{told} And {more:,} other reasons." if more > 0 else told


def _written(request: Request, message: Message, status: int = 200) -> Response:
    if content_type(request) in PROTOBUF:
        return Response(message.SerializeToString(), status, media_type=PROTOBUF[0])
    return Response(MessageToJson(message, indent=None), status, media_type=JSON)


def refuse(request: Request, error: FaultbookError) -> Response:
    """Answer with a google.rpc.Status that holds the error's sentence."""
    default = _INTERNAL if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else _INVALID_ARGUMENT
    code = _CODES.get(HTTPStatus(error.status), default)
    response = _written(request, Status(code=code, message=error.message), error.status)
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if "retry_after_s" in error.detail:
        response.headers["Retry-After"] = str(error.detail["retry_after_s"])
    return response


def answer_errors(api: FastAPI) -> None:
    """Register the handlers: whatever goes wrong is answered with a Status."""

    @api.exception_handler(FaultbookError)
    def refused(request: Request, error: FaultbookError) -> Response:
        return refuse(request, error)

    def not_writable(request: Request, error: Exception) -> Response:
        # A collector sends again after 503 alone, so a full disk is one, too.
        storage.told_of(error)
        told = "The spans could not be stored now; the server's log says why. Send them again."
        return refuse(request, Unavailable(told, detail={"retry_after_s": 5}))

    for kind in storage.KINDS:
        api.add_exception_handler(kind, not_writable)

    @api.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        failure = FaultbookError(str(error.detail))
        failure.status = error.status_code
        response = refuse(request, failure)
        response.headers.update(error.headers or {})
        return response

    @api.exception_handler(Exception)
    def unexpected(request: Request, _error: Exception) -> Response:
        return refuse(request, Unexpected(request_id(request.scope)))
