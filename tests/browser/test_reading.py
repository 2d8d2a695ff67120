"""Reading with the keyboard: menus that take the next keys, folds, search, notices that end."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.application import listening
from tests.browser.conftest import Watch
from tests.browser.pages import PROJECT


@pytest.fixture
def read(first_demo: Path, tmp_path: Path, page: Page) -> Iterator[str]:
    """A fresh demo, open at the first trace to read; its address."""
    data = shutil.copytree(first_demo, tmp_path / "data")
    with listening(data) as url:
        page.goto(f"{url}{PROJECT}/read")
        expect(page.locator("html.js")).to_be_attached()
        yield page.url


def test_the_number_after_g_is_a_place_and_no_verdict(page: Page, read: str) -> None:
    page.keyboard.press("g")
    page.keyboard.type("21")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url != read)
    expect(page.locator(".place summary")).to_contain_text("21 of 100")
    page.goto(read)
    expect(page.locator("#verdict button[aria-pressed=true]")).to_have_count(0)


def test_o_opens_and_closes_the_current_step_and_m_the_minimal_repro(page: Page, read: str) -> None:
    fold = page.locator("#step-2 details.fold")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(fold).to_have_attribute("open", "")
    page.keyboard.press("o")
    expect(fold).not_to_have_attribute("open", "")
    # M goes to the text of the minimal repro, also where that is open already.
    page.keyboard.press("2")
    repro = page.get_by_label("Least input that still fails")
    expect(page.locator("#verdict-details")).to_be_attached()
    for _ in range(2):
        page.keyboard.press("m")
        expect(repro).to_be_focused()
        page.keyboard.press("Escape")


def test_slash_searches_and_brackets_walk_through_the_hits(page: Page, read: str) -> None:
    word = "second"
    page.keyboard.press("/")
    page.keyboard.type(word)
    page.keyboard.press("Enter")
    expect(page.locator("mark.hit").first).to_have_text(word, ignore_case=True)
    for key, place in (("]", "1 of"), ("[", "2 of"), ("", "1 of")):
        expect(page.locator("nav.subbar")).to_contain_text(place)
        expect(page.locator(f"#hit-{place[0]}")).to_be_in_viewport()
        expect(page.locator("html.js")).to_be_attached()
        if key:
            page.keyboard.press(key)


def test_no_verdict_yet_is_said_until_there_is_one(page: Page, read: str, watch: Watch) -> None:
    watch.expect("status of 422")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#kept")).to_contain_text("No verdict yet")
    page.keyboard.press("1")
    expect(page.locator("#kept")).to_be_hidden()
    page.keyboard.press("Control+Enter")
    page.wait_for_url(lambda url: url != read)


def write_note(page: Page, text: str) -> None:
    page.keyboard.press("e")
    page.keyboard.type(text)
    page.keyboard.press("Control+s")
    expect(page.locator("#notes")).to_contain_text(text)
    expect(page.locator("#field-text")).to_have_value("")
    page.keyboard.press("Escape")


@pytest.mark.parametrize("chord", ["Control+s", "Control+Enter"])
def test_saving_while_a_note_is_edited_saves_that_note(page: Page, read: str, chord: str) -> None:
    page.keyboard.press("1")
    write_note(page, "First words")
    page.get_by_text("edit", exact=True).click()
    page.get_by_label("Edit note").fill("Other words")
    page.keyboard.press(chord)
    expect(page.locator("#notes .plain-text")).to_have_text("Other words")
    expect(page.locator("#edit-1-toggle")).to_be_focused()
    assert page.url == read


def test_a_verdict_changed_in_another_tab_is_shown_and_decided_again(
    page: Page, read: str, watch: Watch
) -> None:
    watch.expect("status of 409")
    other = page.context.new_page()
    other.goto(read)
    other.keyboard.press("2")
    expect(other.locator("#verdict-fail")).to_have_attribute("aria-pressed", "true")
    # This page knows of no verdict yet.
    page.keyboard.press("d")
    expect(page.locator("#kept")).to_contain_text("changed to «fail» meanwhile")
    expect(page.locator("#verdict-fail")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("d")
    expect(page.locator("#verdict-defer")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#kept")).to_be_hidden()


def test_what_is_typed_without_a_server_stays_and_is_said(
    page: Page, read: str, watch: Watch
) -> None:
    watch.expect("htmx:|ERR_INTERNET_DISCONNECTED")
    page.keyboard.press("e")
    page.keyboard.type("Written in a tunnel")
    page.context.set_offline(True)
    page.keyboard.press("Control+s")
    expect(page.locator("#toasts")).to_contain_text("did not answer")
    expect(page.locator("#field-text")).to_have_value("Written in a tunnel")
    expect(page.locator("[data-save-state]")).to_have_text("not saved, retrying")
    page.context.set_offline(False)
    expect(page.locator("#notes")).to_contain_text("Written in a tunnel")
    expect(page.locator("#notes article")).to_have_count(1)


def test_undo_and_redo_keep_focus_scrolling_and_unsent_text(page: Page, read: str) -> None:
    page.keyboard.press("2")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("f")
    expect(page.locator("#step-2 .flag")).to_have_count(1)
    write_note(page, "Taken back")
    page.locator("#field-text").fill("Not sent yet")
    page.set_viewport_size({"width": 1440, "height": 400})
    page.locator("#step-2").focus()
    page.evaluate("scrollTo(0, 60)")
    page.evaluate("window.sameDocument = true")
    state = "[document.activeElement.id, scrollY > 0 && scrollY, window.sameDocument]"
    before = page.evaluate(state)
    assert before[0] == "step-2"
    for key, told, notes in (
        ("u", "Undone: note «Taken back»", 0),
        ("u", "Undone: first failing step", 0),
        ("Shift+u", "Redone: first failing step", 0),
        ("Shift+u", "Redone: note «Taken back»", 1),
    ):
        page.keyboard.press(key)
        expect(page.locator("#toasts")).to_contain_text(told)
        expect(page.locator("#notes article")).to_have_count(notes)
        expect(page.locator("#step-2 .flag")).to_have_count(int("step" not in told or key != "u"))
        assert page.evaluate(state) == before
    expect(page.locator("#field-text")).to_have_value("Not sent yet")


def test_two_tabs_of_a_trace_share_what_is_not_sent(page: Page, read: str) -> None:
    other = page.context.new_page()
    other.goto(read)
    page.locator("#field-text").fill("Begun in one tab")
    expect(other.locator("#field-text")).to_have_value("Begun in one tab")
    page.locator("#field-text").press("Control+s")
    expect(page.locator("#notes")).to_contain_text("Begun in one tab")
    expect(other.locator("#field-text")).to_have_value("")


@pytest.mark.parametrize(
    ("key", "shifted", "pressed"),
    [("1", False, "pass"), ("&", False, "pass"), ("1", True, None)],
    ids=["qwerty", "azerty", "azerty with shift"],
)
def test_digits_count_by_their_place_on_the_keyboard(
    page: Page, read: str, key: str, shifted: bool, pressed: str | None
) -> None:
    # With Shift a digit is another key: on Label it says absent instead of present.
    page.locator("body").dispatch_event(
        "keydown", {"key": key, "code": "Digit1", "shiftKey": shifted, "bubbles": True}
    )
    page.keyboard.press("e")
    expect(page.locator("#field-text")).to_be_focused()
    expect(page.locator("#verdict button[aria-pressed=true]")).to_have_count(1 if pressed else 0)
    if pressed:
        expect(page.locator(f"#verdict-{pressed}")).to_have_attribute("aria-pressed", "true")
