"""A real server, a real Chromium, and a watch that fails a test on anything the browser minds."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    WebError,
    expect,
)

from server import schema
from server.db import Database
from server.services import demo
from server.settings import Settings
from tests.application import listening
from tests.browser import stage
from tests.browser.chromium import launch_options
from tests.processes import Running, running

HERE = Path(__file__).parent

expect.set_options(timeout=30_000)  # a busy machine is no failure, and an idle one does not wait


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here drives a browser."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium, without calls home."""
    return {**browser_type_launch_args, **launch_options()}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """The size that pages are designed for; tests of other sizes say so."""
    return {**browser_context_args, "viewport": {"width": 1440, "height": 900}}


@dataclass
class Watch:
    """What the browser minded, and what a test expects it to mind."""

    problems: list[str] = field(default_factory=list)
    _expected: list[str] = field(default_factory=list)

    def expect(self, pattern: str) -> None:
        """Let problems that match `pattern` pass, such as the 409 that a test provokes."""
        self._expected.append(pattern)

    @property
    def unexpected(self) -> list[str]:
        return [
            problem
            for problem in self.problems
            if not any(re.search(pattern, problem) for pattern in self._expected)
        ]

    def console(self, message: ConsoleMessage) -> None:
        # htmx reports a request that was given up because the page was left or asked again.
        given_up = re.match(r"htmx:(sendAbort|afterRequest)\b", message.text)
        if message.type in ("error", "warning") and not given_up:
            self.problems.append(f"{message.type}: {message.text} ({message.location['url']})")

    def web_error(self, error: WebError) -> None:
        self.problems.append(f"script error: {error.error}")

    def request(self, request: Request) -> None:
        if not re.match(r"http://127\.0\.0\.1:|blob:http://127\.0\.0\.1:", request.url):
            self.problems.append(f"left the server: {request.url[:200]}")


@pytest.fixture
def watch(context: BrowserContext) -> Iterator[Watch]:
    """Fails the test on console errors, CSP reports, script errors and foreign requests."""
    watch = Watch()
    told = {"console": watch.console, "weberror": watch.web_error, "request": watch.request}
    for event, listener in told.items():
        context.on(event, listener)
    yield watch
    for event, listener in told.items():
        context.remove_listener(event, listener)
    assert watch.unexpected == []


@pytest.fixture(autouse=True)
def _always_watch(watch: Watch) -> None:
    """No test goes unwatched."""


@pytest.fixture(scope="module")
def looking(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[BrowserContext]:
    """One tab for the tests of a module that only look: opening one takes longer than looking."""
    context = browser.new_context(**browser_context_args)
    context.new_page()
    yield context
    context.close()


@pytest.fixture
def context(request: pytest.FixtureRequest) -> BrowserContext:
    """A browser without a past; marked `only_looks`, a test takes the one of its module."""
    if request.node.get_closest_marker("only_looks"):
        shared: BrowserContext = request.getfixturevalue("looking")
        return shared
    fresh: BrowserContext = request.getfixturevalue("new_context")()
    return fresh


@pytest.fixture
def page(context: BrowserContext, browser_context_args: dict[str, Any]) -> Page:
    """A tab of the usual size."""
    page = context.pages[0] if context.pages else context.new_page()
    page.set_viewport_size(browser_context_args["viewport"])
    return page


@pytest.fixture(scope="session")
def first_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the first demo project and nothing else."""
    settings = Settings(data=tmp_path_factory.mktemp("first-demo") / "data")
    database = Database.from_url(settings.database_url)
    schema.upgrade(database)
    demo.load(database, settings, lambda *_: None)
    database.dispose()
    return settings.data


@pytest.fixture(scope="session")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A data directory with the demo, read and coded in part."""
    return stage.fill(Settings(data=tmp_path_factory.mktemp("staged") / "data"))


@pytest.fixture(scope="session")
def staged_url(staged: Settings) -> Iterator[str]:
    """Where it is served; tests that change things take `server`."""
    with listening(staged.data) as url:
        yield url


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """A server process, as people start it, on an empty data directory of the test's own."""
    with running("serve", "--no-login", "--port", 0, "--data", tmp_path / "data") as process:
        yield process


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Where an empty data directory of the test's own is served, without a process of its own."""
    with listening(tmp_path / "data") as url:
        yield url
