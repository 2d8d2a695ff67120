"""Photographs the pages of the demo: `python -m docs.screenshots [--all FOLDER]`.

It makes every picture of the documentation, in `docs/images`, and takes away those that are there
and no longer made. `--all` makes every page at 1440 and 400 pixels, light and dark, in
FOLDER instead. The project's work was done at a fixed time and the server starts at one, so that
the times on a page are the same whenever it is photographed.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Literal, NamedTuple

import time_machine
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from server.settings import Settings
from tests.browser import stage
from tests.browser.chromium import launch_options
from tests.browser.pages import PAGES
from tests.processes import running

IMAGES = Path(__file__).with_name("images")
SIZES = ((1440, 900), (400, 800))
DOCUMENTED_SIZE = (1280, 800)
WORKED_AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
LOOKED_AT = WORKED_AT + timedelta(hours=3)
AT_FIXED_TIME = (
    sys.executable,
    "-c",
    "import os; os.environ['FAULTBOOK_NOTE_MAP'] = 'pca';"
    f"import time_machine; time_machine.travel({LOOKED_AT.timestamp()}, tick=True).start();"
    " from server.cli import app; app()",
)
"""`faultbook` where it always starts at the same time, and no map of notes is on its way."""
COLOURS = 256
"""Of a picture in the documentation: enough for its text and charts, at a third of the size."""

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

README = ("overview", "read", "groups", "lens")
"""Pictures that the README shows in the reader's scheme."""
GUIDES = {
    "label": PAGES["label"],
    "draw": PAGES["draw"],
    "queue": PAGES["queue"],
    "mode": PAGES["mode"],
    "agreement": PAGES["agreement"],
    "adjudicate": PAGES["adjudication"],
    "prevalence": PAGES["prevalence"],
    "saturation": PAGES["saturation"],
    "diagnose": PAGES["diagnose"],
    "import": PAGES["import-mapping"],
    "traces": PAGES["traces-filtered"],
    "exports": PAGES["exports"],
}
"""Pictures of the guides, light, by name, with the page that each shows."""

WIDE = {"agreement", "traces"}
"""Those whose tables need the room."""


class Picture(NamedTuple):
    """One page in one look."""

    file_name: str
    path: str
    width: int
    height: int
    scheme: Scheme


def documented() -> Iterator[Picture]:
    """Return the pictures that the documentation shows."""
    for name, scheme in product(README, SCHEMES):
        yield Picture(f"{name}-{scheme}.png", PAGES[name], *DOCUMENTED_SIZE, scheme)
    for name, path in GUIDES.items():
        size = SIZES[0] if name in WIDE else DOCUMENTED_SIZE
        yield Picture(f"{name}-light.png", path, *size, "light")


def everything() -> Iterator[Picture]:
    """Return every page in every look."""
    for name, size, scheme in product(PAGES, SIZES, SCHEMES):
        yield Picture(f"{name}-{size[0]}-{scheme}.png", PAGES[name], *size, scheme)


def photograph(browser: Browser, url: str, picture: Picture, file: Path) -> None:
    """Take one picture, once the page is quiet."""
    page = browser.new_page(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme=picture.scheme,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
    )
    page.clock.set_fixed_time(LOOKED_AT)
    page.goto(url + picture.path)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file)
    page.close()


def make_smaller(file: Path) -> None:
    """Write a picture with few colours, which are the same each time."""
    with Image.open(file) as taken:
        # Coverage keeps hues of few pixels, such as the dots of failure modes.
        rare_too = Image.Quantize.MAXCOVERAGE
        few = taken.convert("RGB").quantize(COLOURS, rare_too, dither=Image.Dither.NONE)
    few.save(file, optimize=True)


def main() -> None:
    """Fill a project, serve it, and photograph it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every page in every look")
    every_page: Path | None = parser.parse_args().all
    folder = every_page or IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    wanted = list(everything() if every_page else documented())
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        with time_machine.travel(WORKED_AT, tick=True):
            settings = stage.fill(Settings(data=Path(data)))
        trace_id = stage.read_trace_id(settings)
        browser = playwright.chromium.launch(**launch_options())
        started = ("serve", "--no-login", "--port", 0, "--data", data)
        with running(*started, program=AT_FIXED_TIME) as server:
            for picture in wanted:
                located = picture._replace(path=picture.path.format(trace=trace_id))
                photograph(browser, server.answer["url"], located, folder / picture.file_name)
                sys.stderr.write(f"{folder / picture.file_name}\n")
    if every_page is None:
        keep_only(wanted)


def keep_only(wanted: list[Picture]) -> None:
    """Make the documentation's pictures small, and take away those that were not made now."""
    names = {picture.file_name for picture in wanted}
    for file in IMAGES.glob("*.png"):
        if file.name in names:
            make_smaller(file)
        else:
            file.unlink()


if __name__ == "__main__":
    main()
