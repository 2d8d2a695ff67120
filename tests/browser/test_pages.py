"""Each page: complete, accessible in light and dark, without sideways scrolling on a phone."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi.routing import APIRoute
from playwright.sync_api import Page, ViewportSize, expect

from server.app import ROUTERS
from server.services import demo
from server.settings import Settings
from tests.browser import stage
from tests.browser.conftest import Watch
from tests.browser.pages import NOT_PAGES, PAGES, path_of

pytestmark = pytest.mark.only_looks
DESK: ViewportSize = {"width": 1440, "height": 900}
KEYS_SHEET = Path(__file__).with_name("keys_sheet.js").read_text()
"""Presses every key to no effect; tells which of them the `?` sheet lacks, and which are dead."""
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVERY_RULE = {"type": "tag", "values": AXE_TAGS}
RULES_OF_COLOUR = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}


@pytest.fixture(scope="module")
def trace_id(staged: Settings) -> int:
    return stage.read_trace_id(staged)


def visit(page: Page, url: str, watch: Watch, name: str, trace_id: int) -> None:
    if name == "error":
        watch.expect("status of 404")
    page.goto(url + path_of(name, trace_id))


def shape(path: str) -> str:
    """Return a path with a star for whatever is an id in it."""
    return re.sub(r"\{\w+\}|(?<=/)\d+", "*", path).partition("?")[0]


def test_every_page_is_looked_at() -> None:
    pages = {shape(path) for path in PAGES.values()}
    paths = {
        route.path.replace("{slug}", demo.SLUG)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and "GET" in route.methods and route.path not in NOT_PAGES
    }
    assert len(paths) > 10
    assert {path for path in paths if shape(path) not in pages} == set(), "add it to pages.py"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_and_accessible_in_every_look(
    page: Page, staged_url: str, watch: Watch, trace_id: int, name: str
) -> None:
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    visit(page, staged_url, watch, name, trace_id)
    expect(page).to_have_title(re.compile("Misguided attention|Faultbook"))
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator("main")).to_have_count(1)
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, RULES_OF_COLOUR) == [], "in the dark"
    page.set_viewport_size({"width": 400, "height": 800})
    expect(page.locator("html"), "scrolls sideways").to_have_js_property("scrollWidth", 400)
    assert violations(page) == [], "on a phone"
    page.set_viewport_size(DESK)
    sheet = page.evaluate(KEYS_SHEET)
    assert sheet == {"missing": [], "dead": []}, "the sheet of keys against those that work"


def violations(page: Page, rules: Mapping[str, object] = EVERY_RULE) -> list[str]:
    """Return what axe finds, in words short enough to read in a failure."""
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate("options => axe.run(options)", options)["violations"]
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for rule in found
        for node in rule["nodes"][:4]
    ]
