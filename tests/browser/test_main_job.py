"""The main job in a real browser: import, read, note, group, merge, undo, label, export."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from server.demo import TRACES as DEMO_TRACES
from tests.processes import Running

READ = 10
BOATS = (
    "Plans several boat crossings although everybody fits into the boat at once",
    "Ferries the cargo across the river one by one, the boat takes all of it",
    "Builds a schedule of boat crossings that nobody needs",
    "Starts the classic river crossing with the boat, one trip is enough",
    "Sends the boat back and forth across the river for no reason",
)
RIDDLES = (
    "Gives the stock answer of the riddle, the wording was changed",
    "Answers the original riddle by heart",
    "Does not notice that the riddle was altered",
    "Recites the known answer of the riddle",
    "The riddle was reworded, the answer is the old one",
)
NOTES = [text for pair in zip(BOATS, RIDDLES, strict=True) for text in pair]
PROJECT = "/projects/puzzles"


def saved(page: Page) -> None:
    """Wait until the page says that everything is on disk."""
    expect(page.locator("[data-save-state]")).to_contain_text("saved")


def arrived(page: Page, path: str) -> None:
    """Wait for a page that a key or a button leads to, scripts included."""
    expect(page).to_have_url(re.compile(path))
    page.wait_for_load_state()


def import_file(page: Page, url: str, file: Path) -> None:
    page.goto(url)
    page.get_by_label("Name").fill("Puzzles")
    page.get_by_role("button", name="Create and import traces").click()
    arrived(page, f"{PROJECT}/imports$")
    page.locator("#files").set_input_files(file)
    expect(page.locator("#import")).to_contain_text("Recognised as Judged runs")
    expect(page.locator("#import article")).to_have_count(5)
    page.wait_for_load_state()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#import")).to_contain_text("416", timeout=30_000)


def draw_batch(page: Page, url: str, size: int) -> None:
    page.goto(f"{url}{PROJECT}/read")
    page.get_by_label("How many traces").fill(str(size))
    page.keyboard.press("Control+Enter")
    arrived(page, rf"{PROJECT}/read/\d+$")


def select_first_words(page: Page, step: Locator) -> str:
    """Select words of a step with the mouse, as a reader does; returns them."""
    run = step.locator("[data-at]").first
    run.scroll_into_view_if_needed()
    box = run.bounding_box()
    assert box is not None
    page.mouse.dblclick(box["x"] + 3, box["y"] + min(box["height"], 20) / 2)
    quoted = page.locator("#note-anchor blockquote")
    expect(quoted).to_have_text(re.compile(r"\w"))
    return quoted.inner_text().strip("“”")


def read_one(page: Page, text: str) -> str:
    """Fail a trace at its last step and write an anchored note, by keys; returns the quote."""
    page.wait_for_load_state()
    here = page.url
    page.keyboard.press("2")
    expect(page.locator("#verdict-fail")).to_have_attribute("aria-pressed", "true")
    answer = page.locator("[data-step]").last
    quote = select_first_words(page, answer)
    page.keyboard.press("e")
    expect(page.locator("#text, textarea[name=text]").first).to_be_focused()
    page.keyboard.insert_text(text)
    page.keyboard.press("Control+s")
    expect(page.locator("#notes")).to_contain_text(text)
    expect(page.locator("#notes blockquote").first).to_contain_text(quote)
    page.locator(".step[data-item]").last.focus()
    page.keyboard.press("f")
    expect(page.locator("#first-failure-step")).not_to_have_value("")
    page.wait_for_load_state()
    page.keyboard.press("Control+Enter")
    expect(page).not_to_have_url(here)
    return quote


def accept_group(page: Page, words: str, name: str) -> None:
    """Make a failure mode of the suggested group that has a word, by keys."""
    card = page.locator(".group-card", has_text=words).first
    card.focus()
    page.keyboard.press("n")
    field = card.get_by_label("Name").first
    expect(field).to_be_focused()
    page.keyboard.insert_text(name)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#modes")).to_contain_text(name)


@pytest.fixture
def url(server: Running) -> str:
    """Where a process answers that was started as people start it."""
    address: str = server.answer["url"]
    return address


@pytest.fixture
def reading(page: Page, url: str) -> Page:
    """A project with the demo's traces and a batch of ten of them."""
    import_file(page, url, DEMO_TRACES)
    draw_batch(page, url, READ)
    return page


def test_the_main_job(reading: Page, url: str, tmp_path: Path) -> None:
    page = reading
    quotes = [read_one(page, text) for text in NOTES]
    assert all(quotes)
    expect(page.locator("main")).to_contain_text("10 traces of the 10")

    page.goto(f"{url}{PROJECT}/groups")
    expect(page.locator(".group-card").first).to_be_visible(timeout=120_000)
    accept_group(page, "boat", "Needless crossings")
    accept_group(page, "riddle", "Stock answers")

    merge_and_undo(page, url)
    label_first(page, url)
    check_export(page, url, tmp_path)


def merge_and_undo(page: Page, url: str) -> None:
    page.goto(f"{url}{PROJECT}/groups")
    page.keyboard.press("m")
    arrived(page, r"/modes/merge")
    page.get_by_label("Merge this mode").select_option(label="Stock answers")
    page.get_by_label("into this one").select_option(label="Needless crossings")
    expect(page.locator("#merge-preview")).to_contain_text("Stock answers")
    page.keyboard.press("Control+Enter")
    expect(page.locator("body")).to_contain_text("Merged «Stock answers» into")
    assert modes_shown(page, url) == {"Needless crossings"}
    page.keyboard.press("u")
    expect(page.locator("body")).to_contain_text("Undone: ")
    assert modes_shown(page, url) == {"Needless crossings", "Stock answers"}


def modes_shown(page: Page, url: str) -> set[str]:
    page.goto(f"{url}{PROJECT}/groups")
    listed = page.locator("#modes").inner_text()
    return {name for name in ("Needless crossings", "Stock answers") if name in listed}


def label_first(page: Page, url: str) -> None:
    """Label one trace with keys: the first mode present, the second absent."""
    page.goto(f"{url}{PROJECT}/labels")
    expect(page.locator("#label-rows")).to_be_visible()
    page.keyboard.press("1")
    first = page.locator("#label-rows .label-present").first
    expect(first).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Shift+Digit2")
    second = page.locator("#label-rows .label-absent").nth(1)
    expect(second).to_have_attribute("aria-pressed", "true")
    saved(page)


def check_export(page: Page, url: str, folder: Path) -> None:
    page.goto(f"{url}{PROJECT}/exports?format=csv")
    with page.expect_download() as started:
        page.keyboard.press("d")
    file = folder / "labels.csv"
    started.value.save_as(file)
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 416
    columns = rows[0].keys()
    crossings = next(name for name in columns if name.endswith("Needless crossings"))
    stock = next(name for name in columns if name.endswith("Stock answers"))
    labelled = [row for row in rows if row[crossings] or row[stock]]
    assert [(row[crossings], row[stock]) for row in labelled] == [("1", "0")]
