"""Charts in a real browser: under the strict policy, by keyboard, in light and dark."""

import re

from playwright.sync_api import Page, expect

from server.services import demo

LENS = f"/projects/{demo.SLUG}/lenses/compression"


def colours(page: Page) -> set[str]:
    """The colours of a chart's texts."""
    read = "marks => marks.map(mark => mark.getAttribute('fill'))"
    return set(page.locator(".chart svg text").evaluate_all(read))


def test_charts_are_drawn_themed_reached_and_let_go(page: Page, staged_url: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(f"{staged_url}{LENS}")
    first = page.locator(".chart svg").first
    expect(first).to_be_visible()
    light = colours(page)
    page.emulate_media(color_scheme="dark")
    expect(first.locator("text").first).not_to_have_attribute("fill", light.pop())

    place = page.locator(".chart").first
    wide = place.bounding_box()
    page.set_viewport_size({"width": 400, "height": 800})
    expect(first).to_have_attribute("width", re.compile(r"^[23]\d\d(\.\d+)?$"))
    assert wide

    mark = page.locator(".chart svg [role=link][tabindex='0']").first
    expect(mark).to_have_attribute("aria-label", re.compile("."))
    names = [one.get_attribute("aria-label") or "" for one in page.locator(".chart [role]").all()]
    assert not [name for name in names if re.search(r"[a-z]_[a-z]+: |few: |traces: ", name)]
    mark.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/(traces|read)"))

    page.go_back()
    expect(page.locator(".chart svg").first).to_be_visible()
    page.get_by_label("group by").select_option("outcome")
    expect(page).to_have_url(re.compile("group_by=outcome"))
    expect(page.locator(".chart svg, .empty, .finding").first).to_be_visible()
