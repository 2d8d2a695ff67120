"""Two browsers and twenty clients on one project, and a server that is killed while they work."""

import re
import signal
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from playwright.sync_api import Error as PlaywrightError

from server.db import Database
from server.services import accounts
from server.settings import Settings
from tests import readers
from tests.application import listening
from tests.browser.conftest import Watch
from tests.factories import SLUG
from tests.processes import running

CLIENTS = 20
TRACES = 60
READ_BY_BROWSER = 2
EMAIL, PASSWORD = "person-0@example.org", "correct horse battery"
KILLED_AFTER = 20
"""Notes that were acknowledged by then."""
Opened = Callable[[str, readers.Person], Page]


def serve(settings: Settings, port: int = 0) -> tuple[object, ...]:
    on_it = ("--data", settings.data, "--database", settings.database_url)
    return ("serve", "--port", port, *on_it)


@pytest.fixture
def url(settings: Settings) -> Iterator[str]:
    """Where a server answers that people sign in to, on the test's database."""
    with listening(settings.data, database=settings.database_url, no_login=False) as url:
        yield url


@pytest.fixture
def opened(new_context: Callable[[], BrowserContext], watch: Watch) -> Opened:
    """Open Read in a browser of somebody's own, who is signed in."""

    def opened(url: str, person: readers.Person) -> Page:
        context = new_context()
        context.on("console", watch.console)
        context.on("weberror", watch.web_error)
        context.add_cookies([{"name": "faultbook_session", "value": person.cookie, "url": url}])
        page = context.new_page()
        page.goto(f"{url}/projects/{SLUG}/read")
        expect(page.locator("html.js")).to_be_attached()
        return page

    return opened


def write(page: Page, text: str) -> None:
    """Write a note by keyboard, without saving it."""
    page.keyboard.press("e")
    page.locator("#field-text").fill(text)


def read_one(page: Page, text: str) -> None:
    """Judge, note, and go to the next trace."""
    before = page.url
    page.keyboard.press("1")
    expect(page.locator("#verdict-pass")).to_have_attribute("aria-pressed", "true")
    write(page, text)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(lambda url: url != before)
    expect(page.locator("html.js")).to_be_attached()


def reads(page: Page) -> bool:
    """Whether somebody has a trace before them; the clients may have been faster."""
    return re.search(r"/read/\d+$", page.url) is not None


def edit(page: Page, text: str) -> None:
    page.locator("#notes").get_by_text("edit", exact=True).click()
    page.get_by_label("Edit note").fill(text)


def test_two_browsers_and_twenty_clients_lose_and_double_nothing(
    database: Database, url: str, opened: Opened
) -> None:
    first, second, *others = readers.batch_to_read(database, TRACES, CLIENTS + 2)
    written = []
    pages = [opened(url, first), opened(url, second)]
    with readers.Crowd(url, others) as crowd:
        for number in range(READ_BY_BROWSER):
            for page, person in zip(pages, (first, second), strict=True):
                if reads(page):
                    written.append(f"{person.name} in a browser, {number}")
                    read_one(page, written[-1])
        crowd.join()
    # What they were given last is theirs still: they finish, and nothing is left.
    for page in pages:
        while reads(page):
            written.append(f"the last of {page.url}")
            read_one(page, written[-1])
        expect(page.locator("main")).to_contain_text(re.compile("All read|Nothing left"))
    readers.check_each_read_once(database, crowd, written)


@pytest.mark.sqlite
def test_of_two_tabs_that_change_a_note_neither_loses_its_text(
    database: Database, url: str, opened: Opened, watch: Watch
) -> None:
    watch.expect("status of 409")
    (person,) = readers.batch_to_read(database, 2, 1)
    page = opened(url, person)
    write(page, "first words")
    page.keyboard.press("Control+s")
    expect(page.locator("#notes")).to_contain_text("first words")
    other = page.context.new_page()
    other.goto(page.url)
    edit(other, "words of one tab")
    other.keyboard.press("Control+s")
    expect(other.locator("#notes .plain-text")).to_have_text("words of one tab")
    edit(page, "words of the other tab")
    page.keyboard.press("Control+s")
    expect(page.locator("#notes [role=alert]")).to_contain_text("words of one tab")
    expect(page.get_by_label("Edit note")).to_have_value("words of the other tab")
    page.get_by_label("Edit note").press("Control+s")
    expect(page.locator("#notes .plain-text")).to_have_text("words of the other tab")


@pytest.mark.sqlite
def test_a_server_killed_while_people_type_and_click_keeps_what_it_acknowledged(
    database: Database, settings: Settings, opened: Opened, watch: Watch
) -> None:
    watch.expect("htmx:|ERR_CONNECTION|net::")
    person, *others = readers.batch_to_read(database, TRACES, CLIENTS + 1)
    with running(*serve(settings)) as server:
        url = server.answer["url"]
        page = opened(url, person)
        address = page.url
        page.keyboard.press("1")
        expect(page.locator("#verdict-pass")).to_have_attribute("aria-pressed", "true")
        write(page, "saved before")
        page.keyboard.press("Control+s")
        expect(page.locator("#notes")).to_contain_text("saved before")
        with readers.Crowd(url, others) as crowd:
            write(page, "typed while it died")
            crowd.wait_for_notes(KILLED_AFTER)
            server.end(signal.SIGKILL)
    with running(*serve(settings, urlsplit(url).port or 0)):
        page.goto(address)
        expect(page.locator("#verdict-pass")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#field-text")).to_have_value("typed while it died")
        page.locator("#field-text").press("Control+s")
        expect(page.locator("#notes")).to_contain_text("typed while it died")
    readers.check_kept(database, [*crowd.notes, "saved before", "typed while it died"])


@pytest.mark.sqlite
def test_who_is_signed_out_while_typing_comes_back_to_the_trace_and_the_text(
    database: Database, url: str, opened: Opened, watch: Watch
) -> None:
    watch.expect("status of 401|Response Status Error Code 401")
    (person,) = readers.batch_to_read(database, 2, 1)
    with database.writing() as session:
        user = accounts.find_by_email(session, EMAIL)
        user.password_hash = accounts.hashed_password(PASSWORD)
    page = opened(url, person)
    trace = page.url
    write(page, "typed while the session ended")
    page.context.clear_cookies()
    page.keyboard.press("Control+s")
    expect(page.locator("[data-save-state]")).to_have_text("not saved")
    page.locator("#sign-in-again").click()
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(trace)
    expect(page.locator("#field-text")).to_have_value("typed while the session ended")


@pytest.mark.sqlite
def test_what_is_typed_survives_a_reload_and_the_crash_of_its_tab(
    database: Database, url: str, opened: Opened, watch: Watch
) -> None:
    (person,) = readers.batch_to_read(database, 2, 1)
    page = opened(url, person)
    trace = page.url
    write(page, "typed before the reload")
    page.reload()
    expect(page.locator("#field-text")).to_have_value("typed before the reload")
    page.locator("#field-text").fill("typed before the crash")
    watch.expect("chrome://crash")
    with page.expect_event("crash"), pytest.raises(PlaywrightError):
        page.goto("chrome://crash")
    again = page.context.new_page()
    again.goto(trace)
    expect(again.locator("#field-text")).to_have_value("typed before the crash")
    expect(again.locator("[data-draft-state]").first).to_contain_text("Draft restored")
    again.locator("#field-text").press("Control+s")
    expect(again.locator("#notes")).to_contain_text("typed before the crash")
    expect(again.locator("#notes article")).to_have_count(1)
