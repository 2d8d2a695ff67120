"""Reading with the keyboard: menus that take the next keys, folds, search, notices that end."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from server import schema
from server.db import Database
from server.services import demo
from server.settings import Settings
from tests.browser.conftest import Watch
from tests.browser.pages import PROJECT
from tests.processes import running


@pytest.fixture
def read(tmp_path: Path, page: Page) -> Iterator[str]:
    """A fresh demo, open at the first trace to read; its address."""
    settings = Settings(data=tmp_path / "data")
    database = Database.from_url(settings.database_url)
    schema.upgrade(database)
    demo.load(database, settings, lambda *_: None)
    database.dispose()
    with running("serve", "--no-login", "--port", 0, "--data", settings.data) as server:
        page.goto(f"{server.answer['url']}{PROJECT}/read")
        yield page.url


def test_the_number_after_g_is_a_place_and_no_verdict(page: Page, read: str) -> None:
    page.keyboard.press("g")
    page.keyboard.type("21")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url != read)
    expect(page.locator(".place summary")).to_contain_text("21 of 100")
    page.goto(read)
    expect(page.locator("#verdict button[aria-pressed=true]")).to_have_count(0)


def test_o_opens_and_closes_the_current_step(page: Page, read: str) -> None:
    fold = page.locator("#step-2 details.fold")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(fold).to_have_attribute("open", "")
    page.keyboard.press("o")
    expect(fold).not_to_have_attribute("open", "")


def test_slash_searches_and_brackets_walk_through_the_hits(page: Page, read: str) -> None:
    word = "second"
    page.keyboard.press("/")
    page.keyboard.type(word)
    page.keyboard.press("Enter")
    expect(page.locator("mark.hit").first).to_have_text(word, ignore_case=True)
    expect(page.locator("nav.subbar")).to_contain_text("1 of")
    page.keyboard.press("]")
    expect(page.locator("nav.subbar")).to_contain_text("2 of")
    expect(page.locator("#hit-2")).to_be_in_viewport()
    page.keyboard.press("[")
    expect(page.locator("nav.subbar")).to_contain_text("1 of")


def test_no_verdict_yet_is_said_until_there_is_one(page: Page, read: str, watch: Watch) -> None:
    watch.expect("status of 422")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#kept")).to_contain_text("No verdict yet")
    page.keyboard.press("1")
    expect(page.locator("#kept")).to_be_hidden()
    page.keyboard.press("Control+Enter")
    page.wait_for_url(lambda url: url != read)
