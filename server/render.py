"""Templates: the Jinja environment, its filters, and pages or named blocks of them."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2_fragments.fastapi import Jinja2Blocks
from markupsafe import Markup

from server.assets import shipped

_MARKUP = re.compile(
    r"[\\`*\[\]|~$#@]|_(?!\w)|(?<!\w)_|:(?=//)|(?<=www)\.|^[-+=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


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


def plain_markdown(text: str) -> Markup:
    """Text as one line of Markdown in which nothing is markup: no HTML, links, lists or images."""
    line = _CONTROL.sub("\ufffd", " ".join(text.split()))
    marked = _MARKUP.sub(r"\\\g<0>", line)
    # Written through Markup, so that the environment does not escape it once more.
    return Markup(marked.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))  # noqa: S704


def drawing(svg: str) -> Markup:
    """SVG that `vl_convert` drew, which escapes what data brings along, to stand in a template."""
    return Markup(svg)  # noqa: S704


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(shipped("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
        auto_reload=False,  # a page is made of twenty files, each looked for on disk otherwise
    )
    environment.globals["static"] = static
    for function in (percent, count, clock, day, plural, plain_markdown):
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
