"""Every page of a project full of attacks, as it is sent: nothing of them is markup or an address.

What scripts then make of it is watched in a browser by `tests/browser/test_hostile.py`.
"""

import re
from urllib.parse import urlsplit

import sqlalchemy as sa
from lxml import html
from sqlmodel import SQLModel

from tests.attack.conftest import Attacked
from tests.attack.corpus import MARK
from tests.attack.hostile_project import is_hostile, text_columns
from tests.attack.pages import every_page, filled

LEADING = {
    "href",
    "src",
    "action",
    "formaction",
    "xlink:href",
    "data",
    "poster",
    "hx-get",
    "hx-post",
}
RUNNING = re.compile(r"(on|(data-)?hx-on)|srcdoc$|style$")
PLANTED = "iframe|base|object|embed|style|math|video|foreignObject"
UNUSED = {
    *(
        "attachment",
        "embedding",
        "gold_label",
        "gold_verdict",
        "invitation",
        "lease",
        "mode_example",
    ),
    *("otlp_span", "rejection", "signal", "sketch", "skip", "token_features", "token_series"),
    *("mode_example", "tokenizer"),
}
"""Tables without a row here: their texts are our own, or tried by tests of their own."""


def wrong_with(text: str) -> list[str]:
    """Return what of a page would act, or lead away by itself."""
    found = []
    for element in html.fromstring(text).iter():
        if not isinstance(element.tag, str):
            continue
        if element.tag == "script" and not element.get("src", "").startswith("/static/"):
            found.append(f"script {element.text}")
        if element.tag in PLANTED.split("|") or element.get("id") == "escaped":
            found.append(element.tag)
        for name, value in element.items():
            parts = urlsplit(value) if name in LEADING else None
            away = parts and (parts.netloc or parts.scheme)
            pressed = element.tag == "a" and parts and parts.scheme in ("http", "https")
            if RUNNING.match(name) or (away and not pressed):
                found.append(f"{element.tag} {name}={value[:80]}")
    return found


def test_no_page_holds_anything_that_was_written_as_markup(attacked: Attacked) -> None:
    wrong, shown = {}, 0
    for path in every_page():
        answer = attacked.client.get(filled(path, attacked.found))
        assert answer.status_code < 500, path
        if "html" not in answer.headers.get("content-type", "") or not answer.text:
            continue
        shown += MARK in answer.text
        if told := wrong_with(answer.text):
            wrong[path] = told
    assert wrong == {}
    assert shown > 50, "most pages show some of it"


def test_a_link_to_where_a_trace_came_from_is_one_only_where_it_is_a_web_address(
    attacked: Attacked,
) -> None:
    page = html.fromstring(attacked.client.get("/projects/hostile/read/2").text)
    assert [href for href in page.xpath("//@href") if "javascript" in href.lower()[:20]] == []


def test_every_text_that_others_write_is_an_attack_here(attacked: Attacked) -> None:
    harmless = []
    with attacked.database.reading() as session:
        for table in SQLModel.metadata.sorted_tables:
            for column in text_columns(table):
                found = session.execute(sa.select(column).distinct()).scalars().all()
                if any(value and not is_hostile(value) for value in found):
                    harmless.append(f"{table.name}.{column.name}")
                elif table.name not in UNUSED:
                    assert session.execute(sa.select(sa.func.count()).select_from(table)).scalar()
    # The diagnosis was written after the rest, by a local person, and says the same.
    assert set(harmless) <= {"event.summary", "annotator.name"}
