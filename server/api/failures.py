"""Errors of the API: one JSON shape, whatever went wrong and whatever the client accepts."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from server import storage
from server.errors import FaultbookError, Invalid, Unexpected
from server.request_log import request_id
from server.views.failure import plain_detail


class Problem(BaseModel):
    """One field of a request that does not fit."""

    field: Annotated[str, Field(examples=["body.text"])]
    message: Annotated[str, Field(examples=["Field required"])]


class ErrorBody(BaseModel):
    """What went wrong. A 409 also holds `yours` and `theirs`, or `blocking` decisions."""

    model_config = ConfigDict(extra="allow")

    status: Annotated[int, Field(examples=[404])]
    message: Annotated[str, Field(description="A sentence for people.")]
    problems: Annotated[
        list[Problem], Field(description="With 422: the fields that do not fit.")
    ] = []


class Error(BaseModel):
    """The one shape of every error."""

    error: ErrorBody


def _described(status: int, description: str) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Error, "description": description}}


RESPONSES: dict[int | str, dict[str, Any]] = {
    **_described(400, "The request cannot be read."),
    **_described(401, "No token, or one that is unknown, revoked or expired."),
    **_described(403, "Role, scope or a read-only project forbid it."),
    **_described(404, "There is none, or you do not take part in its project."),
    **_described(409, "Somebody was faster, or it is over; both versions are in the body."),
    **_described(413, "The body is too large."),
    **_described(422, "A field does not fit; the sentence says which and what would."),
    **_described(429, "Too many wrong tokens; `Retry-After` says how many seconds to wait."),
    **_described(503, "The database cannot be used now; `Retry-After` says when to try again."),
    **_described(507, "The server's disk is full; nothing was kept."),
}
"""What every operation may answer besides its result."""


def _answer(
    status: int,
    message: str,
    detail: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = {"status": status, "message": message, **(detail or {})}
    return JSONResponse({"error": body}, status_code=status, headers=dict(headers or {}))


def refuse(error: FaultbookError) -> Response:
    """Answer with an error's sentence and details."""
    headers = {}
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if "retry_after_s" in error.detail:
        headers["Retry-After"] = str(error.detail["retry_after_s"])
    return _answer(error.status, error.message, plain_detail(error), headers)


def _invalid(error: RequestValidationError) -> Response:
    problems = [
        {"field": ".".join(str(part) for part in found["loc"]), "message": found["msg"]}
        for found in error.errors()
    ]
    told = "; ".join(f"{problem['field']}: {problem['message']}" for problem in problems)
    message = f"The request does not fit: {told}. Nothing was changed."
    return refuse(Invalid(message, detail={"problems": problems}))


def _allowed(request: Request, routers: Sequence[APIRouter]) -> str:
    """Return every method of a path; the framework names those of the first route only."""
    path = request.scope["path"].removeprefix(request.scope["root_path"])
    found = {
        method
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute) and route.path_regex.match(path)
        for method in route.methods or ()
    }
    return ", ".join(sorted(found))


def _http(request: Request, error: HTTPException, routers: Sequence[APIRouter]) -> Response:
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = _allowed(request, routers)
    message = str(error.detail)
    if message == HTTPStatus(error.status_code).phrase:
        message = f"{message}: {request.method} {request.url.path}."
    return _answer(error.status_code, message, headers=headers)


def answer_errors_as_json(api: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Register the handlers that keep the promise of one shape."""

    @api.exception_handler(FaultbookError)
    def refused(_request: Request, error: FaultbookError) -> Response:
        return refuse(error)

    @api.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> Response:
        return _invalid(error)

    def not_stored(_request: Request, error: Exception) -> Response:
        return refuse(storage.told_of(error))

    for kind in storage.KINDS:
        api.add_exception_handler(kind, not_stored)

    @api.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        return _http(request, error, routers)

    @api.exception_handler(Exception)
    def unexpected(request: Request, _error: Exception) -> Response:
        return refuse(Unexpected(request_id(request.scope)))
