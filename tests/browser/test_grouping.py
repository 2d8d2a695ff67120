"""Group by mouse and by keys in a real browser: drag, tick, brush, split, and what others do."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from server.services.demo import SLUG
from server.settings import Settings
from tests.application import listening

GROUPS = f"/projects/{SLUG}/groups"


@pytest.fixture
def grouped_url(staged: Settings, tmp_path: Path) -> Iterator[str]:
    """A copy of the staged project with its suggestions, to decide in."""
    shutil.copytree(staged.data, tmp_path / "data")
    with listening(tmp_path / "data") as url:
        yield f"{url}{GROUPS}"


def count_of(mode: Locator) -> int:
    return int(mode.locator(".num").inner_text())


def grown(mode: Locator, before: int, by: int) -> None:
    """Wait until a mode holds that many notes more."""
    expect(mode.locator(".num")).to_have_text(str(before + by))


def test_notes_are_placed_by_mouse_and_by_keys(page: Page, grouped_url: str) -> None:
    page.goto(grouped_url)
    first, second = (page.locator(".mode-rows > li").nth(place) for place in (0, 1))
    before = count_of(first), count_of(second)

    # A whole group is dragged onto a mode.
    card = page.locator(".group-card").last
    notes = len(card.locator("[data-all-notes]").input_value().split(","))
    card.locator("header").drag_to(first.locator("summary"))
    grown(first, before[0], notes)
    page.keyboard.press("u")
    grown(first, before[0], 0)

    # Keys: O opens the list of the group, the arrows tick two, and the digit places both.
    page.locator(".group-card").first.focus()
    page.keyboard.press("o")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator("#chosen-count")).to_have_text("2 notes ticked")
    page.keyboard.press("Escape")
    expect(page.locator("#chosen")).to_be_hidden()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("2")
    grown(second, before[1], 2)

    brush(page)
    ticked = int(re.sub(r"\D", "", page.locator("#chosen-count").inner_text()))
    assert ticked == page.locator(".map [data-note]").count()
    # Another cut keeps what is ticked.
    page.locator("#granularity-slider").fill("1")
    expect(page).to_have_url(re.compile("granularity=1"))
    expect(page.locator("#chosen-count")).to_have_text(f"{ticked} notes ticked")
    page.keyboard.press("1")
    grown(first, 0, ticked)


def brush(page: Page) -> None:
    """Draw a rectangle over the whole map."""
    box = page.locator(".map").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2, steps=4)
    page.mouse.up()
    expect(page.locator("#chosen")).to_be_visible()
