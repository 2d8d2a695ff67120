"""How errors are answered: a page, a notice for htmx, or JSON."""

import json
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server import storage
from server.db import SAFE_METHODS
from server.errors import FaultbookError, Invalid, NotFound, SignedOut, Unexpected
from server.render import is_fragment
from server.request_log import request_id, route_of
from server.routes.navigation import came_from, go_to
from server.routes.principal import principal
from server.routes.screen import show_page
from server.views.facts import Facts
from server.views.failure import failure, plain_detail
from server.views.shell import Shell, bare_shell, shell

_log = structlog.get_logger()


def show_error(request: Request, error: FaultbookError) -> Response:
    """Answer with the error's sentence and details in the form the client reads."""
    response = _answer(request, error)
    if "retry_after_s" in error.detail:
        response.headers["Retry-After"] = str(error.detail["retry_after_s"])
    return response


def _answer(request: Request, error: FaultbookError) -> Response:
    if _wants_json(request):
        body = {"status": error.status, "message": error.message, **plain_detail(error)}
        return JSONResponse({"error": body}, status_code=error.status)
    if isinstance(error, SignedOut) and request.method in SAFE_METHODS:
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return go_to(request, f"/sign-in?{urlencode({'next': target})}")
    view = failure(error, back=came_from(request) or "/", project_path=_project_path(request))
    return show_page(
        request,
        "error.html",
        view,
        _shell(request),
        blocks=("notice",),
        status=error.status,
        headers=_notice_headers(error) if is_fragment(request) else {},
    )


def _wants_json(request: Request) -> bool:
    is_program = f"{request.url.path}/".startswith("/api/")
    return is_program or request.headers.get("accept", "").startswith("application/json")


def _notice_headers(error: FaultbookError) -> dict[str, str]:
    told = {"announce": {"message": error.message, "undo": False, "level": "error"}}
    if "seen" in error.detail:
        told["stale"] = {"seen": error.detail["seen"]}
    return {
        "HX-Trigger": json.dumps(told),
        "HX-Retarget": "#notice",
        "HX-Reswap": "innerHTML show:window:top",
    }


def _project_path(request: Request) -> str:
    parts = request.url.path.split("/")
    return "/".join(parts[:3]) if parts[1:2] == ["projects"] and len(parts) > 2 else ""


def _shell(request: Request) -> Shell:
    """Keep the rail around an error inside a project, as far as that can still be found out."""
    slug = _project_path(request).removeprefix("/projects/")
    try:
        with request.app.state.database.reading() as session:
            who = principal(request, session)
            try:
                member = who.member_in(session, slug)
            except NotFound:
                member = None
            facts = None if member is None else Facts(session, member)
            return shell(session, member, "error", who.user, facts)
    except (SQLAlchemyError, FaultbookError):
        return bare_shell("error")


class FailuresAnswered:
    """Answers what no handler expected with a page, inside the guards around every request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = ended = False

        async def watched(message: Message) -> None:
            nonlocal began, ended
            began = True
            ended = message["type"] == "http.response.body" and not message.get("more_body")
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if scope["type"] != "http":
                raise
            _log.exception("a request failed", method=scope["method"], route=route_of(scope))
            if began and not ended:
                raise  # the connection breaks, so that nobody takes a part for the whole
            if not began:
                request, error = Request(scope, receive), Unexpected(request_id(scope))
                response = await run_in_threadpool(show_error, request, error)
                await response(scope, receive, send)


def answer_errors(app: FastAPI) -> None:
    """Register the handlers: whatever goes wrong is answered with a sentence."""

    @app.exception_handler(FaultbookError)
    def refused(request: Request, error: FaultbookError) -> Response:
        return show_error(request, error)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        found = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'][1:])}: {problem['msg']}"
            for problem in error.errors()
        )
        return show_error(request, Invalid(f"The form does not fit: {found}. Nothing was changed."))

    @app.exception_handler(DataError)
    def unstorable(request: Request, _error: DataError) -> Response:
        return show_error(
            request,
            Invalid(
                "The form holds something that the database can't keep, such as a NUL character "
                "or a number far too large. Nothing was changed."
            ),
        )

    def not_stored(request: Request, error: Exception) -> Response:
        return show_error(request, storage.told_of(error))

    for kind in storage.KINDS:
        app.add_exception_handler(kind, not_stored)

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        failure = FaultbookError(str(error.detail))
        failure.status = error.status_code
        return show_error(request, failure)
