"""How errors are answered: a page, a notice for htmx, or JSON."""

import json
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from server.db import SAFE_METHODS
from server.errors import FaultbookError, NotFound, SignedOut
from server.render import is_fragment, render
from server.routes.navigation import came_from, go_to
from server.routes.principal import principal
from server.routes.screen import VERSION
from server.services import projects
from server.views.failure import failure, plain_detail
from server.views.shell import Shell, bare_shell, shell


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
    context = {
        "view": failure(error, back=came_from(request) or "/", project_path=_project_path(request)),
        "shell": _shell(request),
        "flash": None,
        "swap": False,
    }
    headers = _notice_headers(error) if is_fragment(request) else {}
    return render(
        request, "error.html", context, blocks=("notice",), status=error.status, headers=headers
    )


def _wants_json(request: Request) -> bool:
    is_program = f"{request.url.path}/".startswith("/api/")
    return is_program or request.headers.get("accept", "").startswith("application/json")


def _notice_headers(error: FaultbookError) -> dict[str, str]:
    told = {"announce": {"message": error.message, "undo": False, "level": "error"}}
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
                member = who.member_of(session, projects.find(session, slug))
            except NotFound:
                member = None
            return shell(session, member, "error", VERSION, who.user)
    except (SQLAlchemyError, FaultbookError):
        return bare_shell("error", VERSION)
