"""Hostile text in a browser: nothing runs, nothing leaves, it is shown as it is."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.sync_api import Page, expect

from server.db import Database
from server.schema import upgrade
from server.settings import Settings
from tests.application import listening
from tests.attack import hostile_project
from tests.attack.corpus import MARK, MARKUP, POLYGLOT
from tests.attack.hostile_project import SLUG, Hostile
from tests.attack.pages import DRAWN, FILES, filled
from tests.browser.conftest import Watch

pytestmark = pytest.mark.only_looks
ANSWERS = r"the server responded with a status of (403|404|409|422)"
WATCHED = """
window.minded = []
addEventListener('securitypolicyviolation', event => window.minded.push(event.violatedDirective))
"""
ACTIVE = """
() => {
  const leads = /^((form)?action|(xlink:)?href|src|data|poster|(data-)?hx-(get|post)|data-chart)$/
  const away = value => new URL(value, location).origin !== location.origin
  const acts = (element, {name, value}) => /^(on|(data-)?hx-on)|^srcdoc$/.test(name)
    || (leads.test(name) && !value.startsWith('#') && away(value)
      && !(element.localName === 'a' && /^https?:/.test(value)))
  return [...document.querySelectorAll('*')].flatMap(element => [...element.attributes]
    .filter(attribute => acts(element, attribute))
    .map(({name, value}) => `${element.localName} ${name}=${value.slice(0, 80)}`))
}
"""
"""What would act; a link to elsewhere, which somebody has to press, may stand."""
PLANTED = (
    "script:not([src]), iframe, base, object, embed, #escaped, foreignObject, "
    "meta[http-equiv=refresh], link:not([href^='/static/']), body h1 + h1"
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Hostile]]:
    """A server whose every text is an attack; and what to look at."""
    settings = Settings(data=tmp_path_factory.mktemp("hostile") / "data")
    database = Database.from_url(settings.database_url)
    upgrade(database)
    found = hostile_project.fill(database)
    database.dispose()
    with listening(settings.data) as url:
        with httpx2.Client(base_url=url, timeout=60) as client:
            hostile_project.diagnose(client)
        yield url, found


def look(page: Page, url: str) -> list[str]:
    """Open a page and return what is wrong with it."""
    answer = page.goto(url)
    page.wait_for_load_state("networkidle")
    wrong = [f"acts: {one}" for one in page.evaluate(ACTIVE)]
    wrong += [f"minded: {one}" for one in page.evaluate("() => window.minded")]
    if answer is not None and answer.status >= 500:
        wrong.append("an error of the server's own")
    if page.title() == MARK or page.locator(PLANTED).count():
        wrong.append("what was written became a part of the page")
    if urlsplit(page.url).netloc != urlsplit(url).netloc:
        wrong.append(f"the page was led away to {page.url}")
    return wrong


def wrong_with(page: Page, urls: list[str]) -> dict[str, list[str]]:
    """Open pages one after the other."""
    page.add_init_script(WATCHED)
    return {url: told for url in urls if (told := look(page, url))}


def test_nothing_runs_and_nothing_leaves(
    page: Page, hostile: tuple[str, Hostile], watch: Watch
) -> None:
    url, found = hostile
    watch.expect(ANSWERS)
    assert wrong_with(page, [url + filled(path, found) for path in DRAWN]) == {}


def test_a_file_that_is_opened_from_disk_runs_nothing(
    page: Page, hostile: tuple[str, Hostile], watch: Watch, tmp_path: Path
) -> None:
    url, found = hostile
    watch.expect("left the server: file:")
    kept = []
    for number, path in enumerate(FILES):
        answer = page.request.get(url + filled(path, found))
        assert answer.status == 200, path
        suffix = urlsplit(path).path.rsplit("/", 1)[-1]
        file = tmp_path / f"{number}.{suffix}"
        file.write_bytes(answer.body())
        kept.append(file.as_uri())
    assert wrong_with(page, kept) == {}


def test_the_text_is_shown_as_it_is(page: Page, hostile: tuple[str, Hostile]) -> None:
    url, found = hostile
    page.goto(f"{url}/projects/{SLUG}/read/{found.trace}")
    expect(page.locator("main")).to_contain_text(MARKUP[0])
    expect(page.locator("main")).to_contain_text("{{ 7 * 7 }}")
    expect(page.locator("aside")).to_contain_text("<img src=x onerror=")
    expect(page.locator("#others")).to_contain_text(MARKUP[0])
    page.goto(f"{url}/projects/{SLUG}/queue")
    expect(page.locator("main")).to_contain_text(POLYGLOT)
