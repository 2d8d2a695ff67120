"""Where hostile text is looked for: every page, every lens, every file that is opened as a page."""

from urllib.parse import quote

from server.services import demo
from server.views.lenses.registry import lenses
from tests.attack.corpus import POLYGLOT
from tests.attack.hostile_project import SLUG, Hostile
from tests.browser.pages import PAGES

FURTHER = (
    "/projects/{slug}/read/{trace}/steps/2?raw=true",
    "/projects/{slug}/read/{trace}/modes",
    "/projects/{slug}/labels",
    "/projects/{slug}/queue/batches/1",
    "/projects/{slug}/traces?text=script",
    "/projects/{slug}/traces?model={model}&columns={mark}",
    "/projects/{slug}/models/profile?of={model}",
    "/projects/{slug}/taxonomies/1",
    "/projects/{slug}/taxonomies/beside?second=hostile/1",
    "/projects/{slug}/modes/{mode}/signals",
    "/projects/{slug}/diagnoses/1",
    "/projects/{slug}/exports?format=jsonl",
    "/projects/{slug}/lenses/surface?group_by=model&facet_by=task",
    "/projects/{slug}/prevalence?by={mark}",
    "/projects/{slug}/{mark}",
    "/{mark}",
)
"""What is no page of `PAGES`, or shows other text asked for in another way."""
DRAWN = (
    "/projects/{slug}",
    "/projects/{slug}/read/{trace}",
    "/projects/{slug}/compare?left={trace}&right=2",
    "/projects/{slug}/traces?text=script",
    "/projects/{slug}/groups",
    "/projects/{slug}/modes/{mode}",
    "/projects/{slug}/labels/{trace}",
    "/projects/{slug}/labels/matrix",
    "/projects/{slug}/queue",
    "/projects/{slug}/transitions",
    "/projects/{slug}/diagnoses/1",
    "/projects/{slug}/lenses/surface?group_by=model&facet_by=task",
    "/projects/{slug}/lenses/hazard?facet_by=model_family",
    "/projects/{slug}/lenses/compression",
    "/projects/{slug}/lenses/fingerprint?group_by=model",
    "/projects/{slug}/lenses/diagnose?model={model}",
    "/projects/{slug}/taxonomies/1",
    "/projects/{slug}/imports/1",
    "/projects/{slug}/settings",
    "/projects/{slug}/{mark}",
)
"""Those on which scripts put hostile text somewhere, and one of each other kind."""
FILES = (
    "/projects/{slug}/report/html",
    "/projects/{slug}/diagnoses/1/files/html",
    "/projects/{slug}/lenses/surface/files/html?group_by=model&facet_by=task",
    "/projects/{slug}/lenses/hazard/files/html?facet_by=model_family",
    "/projects/{slug}/lenses/compression/files/html",
    "/projects/{slug}/lenses/surface/files/svg?group_by=model&facet_by=task",
)
"""Pages that people download and open from their disk, where no server says what may run."""


def every_page() -> tuple[str, ...]:
    """Return every page and every lens, as paths to fill in."""
    known = (path.replace(demo.SLUG, "{slug}") for path in PAGES.values())
    asked = (f"/projects/{{slug}}/lenses/{name}" for name in lenses())
    return (*known, *asked, *FURTHER)


def filled(path: str, found: Hostile) -> str:
    """Return a path on the hostile project."""
    return path.format(
        slug=SLUG,
        trace=found.trace,
        mode=found.mode,
        model=quote(found.model, safe=""),
        mark=quote(POLYGLOT, safe=""),
    )
