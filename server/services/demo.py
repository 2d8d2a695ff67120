"""The demo project: real traces with an LLM judge's verdicts, and a first batch to read."""

from sqlmodel import Session

from server import demo
from server.db import Database
from server.errors import NotFound
from server.models.project import Project
from server.models.trace import TraceSource
from server.services import batches, imports, projects
from server.services.batches import Strategy
from server.services.import_runs import Progress
from server.settings import Settings

NAME = "Misguided attention"
SLUG = projects.slug_of(NAME)
DESCRIPTION = (
    "Well-known puzzles with one changed detail: models answer the famous version from memory."
)
BATCH_SIZE = 100
SEED = 0
_STATE = "demo"
_LOADING, _LOADED = "loading", "loaded"


def load(database: Database, settings: Settings, progress: Progress) -> bool:
    """Load the demo unless it is there already; returns whether it was loaded now.

    A load that was killed goes on where it stopped. A project of that name which is not the demo
    is left alone.
    """
    with database.writing() as session:
        project = _found_or_made(session)
        if project.settings.get(_STATE) != _LOADING:
            return False
    options = imports.options_from(settings, format_name="judged-runs", mapping={}, dimensions=())
    imports.import_path(
        database,
        settings,
        SLUG,
        demo.TRACES,
        options,
        progress,
        source=TraceSource.BENCHMARK,
    )
    with database.writing() as session:
        _draw_first_batch(session)
    return True


def _found_or_made(session: Session) -> Project:
    try:
        return projects.find(session, SLUG)
    except NotFound:
        project = projects.create(session, NAME, description=DESCRIPTION)
        project.settings = {_STATE: _LOADING}
        session.add(project)
        session.flush()
        return project


def _draw_first_batch(session: Session) -> None:
    project = projects.find(session, SLUG)
    batches.create(
        session,
        projects.local_member(session, project),
        strategy=Strategy.RANDOM_BY_MODEL,
        size=BATCH_SIZE,
        seed=SEED,
        by_system=True,
    )
    project.settings = {**project.settings, _STATE: _LOADED}
    session.add(project)
