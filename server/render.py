"""Templates: the Jinja environment, its filters, and pages or named blocks of them."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2_fragments.fastapi import Jinja2Blocks

from server.assets import shipped


@cache
def _digest(path: str) -> str:
    return hashlib.sha256((shipped("static") / path).read_bytes()).hexdigest()[:12]


def static(path: str) -> str:
    """Return the URL of a static file; it changes whenever the file does."""
    return f"/static/{path}?v={_digest(path)}"


def percent(share: float, digits: int = 0) -> str:
    """0.314 as "31 %"."""
    return f"{100 * share:.{digits}f} %"


def count(number: int) -> str:
    """12340 as "12,340"."""
    return f"{number:,}"


def clock(moment: datetime) -> str:
    """A moment as its time of day, UTC."""
    return moment.strftime("%H:%M:%S")


def day(moment: datetime) -> str:
    """A moment as date and minute, UTC."""
    return moment.strftime("%Y-%m-%d %H:%M")


def plural(number: int, one: str, many: str = "") -> str:
    """3 and "trace" as "3 traces"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(shipped("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    environment.globals["static"] = static
    for function in (percent, count, clock, day, plural):
        environment.filters[function.__name__] = function
    return environment


_templates = Jinja2Blocks(env=_environment())


def is_fragment(request: Request) -> bool:
    """Whether htmx asks for a part of the page."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-Boosted") != "true"
        and request.headers.get("HX-History-Restore-Request") != "true"
    )


def part(template: str, context: Mapping[str, Any]) -> bytes:
    """Render a template that is a part of pages, to send along with a fragment."""
    rendered: str = _templates.get_template(template).render(dict(context))
    return rendered.encode()


def render(
    request: Request,
    template: str,
    context: Mapping[str, Any],
    *,
    blocks: Sequence[str] = (),
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Render a page, or (where htmx asks and `blocks` are named) only those blocks of it."""
    response: Response = _templates.TemplateResponse(
        request,
        template,
        dict(context),
        status_code=status,
        block_names=list(blocks) if blocks and is_fragment(request) else [],
    )
    response.headers["Vary"] = "HX-Request"
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers.update(headers or {})
    return response
