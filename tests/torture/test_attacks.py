"""Attacks for long: every page of a hostile project in a browser, and texts without end."""

from collections.abc import Iterator
from time import process_time

import pytest
from playwright.sync_api import Page

from server.markdown import parse_json, to_html
from tests.attack.hostile_project import Hostile
from tests.attack.pages import every_page, filled
from tests.browser import conftest as browser
from tests.browser import test_hostile
from tests.browser.conftest import Watch
from tests.browser.test_hostile import ANSWERS, wrong_with

pytestmark = pytest.mark.timeout(3_600)
browser_type_launch_args = browser.browser_type_launch_args
browser_context_args = browser.browser_context_args
context, page, watch = browser.context, browser.page, browser.watch
hostile = test_hostile.hostile
LONG = 40_000
"""Characters of a text; what takes the square of them takes minutes."""
MOST_S = 20.0
RUNS = ("a", " ", "\n", "a ", "[", "(", "<", "*", "_", "`", "\\", '"', "![", "[](", "> ", "- ")
MORE = ("1. ", "| ", "&", "a:", "//", "-", "|-|\n", "a|", "**a", "~~a", "<a ", "&#", "\n- ", "\n>")
JSON = ("[1]{}", "[{}1]", "{{}}", '["{}"]')


def texts() -> Iterator[str]:
    """Texts on which parsers that go back without end show it."""
    for run in (*RUNS, *MORE):
        for end in ("", "!", "\n", "]"):
            yield run * (LONG // len(run)) + end
    for around in JSON:
        yield around.replace("{}", " " * LONG)


def test_no_text_takes_long_to_show() -> None:
    slow = {}
    for text in texts():
        began = process_time()
        to_html(text)
        parse_json(text)
        if (took := process_time() - began) > MOST_S:
            slow[text[:4] + text[-2:]] = round(took, 1)
    assert slow == {}


def test_every_page_of_a_hostile_project_in_a_browser(
    page: Page, hostile: tuple[str, Hostile], watch: Watch
) -> None:
    url, found = hostile
    watch.expect(ANSWERS)
    assert wrong_with(page, [url + filled(path, found) for path in every_page()]) == {}
