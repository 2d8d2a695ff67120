"""Pages about all that was read: built at once where that is little, else computed by a job.

What a job found is kept in a file for the state of the data, so that it is computed once.
"""

import gzip
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session

from server.errors import NotFound
from server.event_log import head
from server.models.project import Member
from server.models.run import AnalysisRun, RunKind
from server.queries import frames as frame_queries
from server.queries import lens_populations as queries
from server.queries.filters import Filters
from server.settings import Settings
from server.views.facts import Facts
from server.views.filter_bar import url
from server.views.freshness import Freshness, why_pending
from server.views.regression import PAGE_FIELDS, RegressionPage, regression_page
from server.views.report import Report, report
from server.views.runs import run_view
from server.views.transitions import TransitionsPage, transitions_page

AT_ONCE = 10_000
"""Verdicts and labels of a project whose pages are built while the request waits."""
_PAGE, _QUERY = "page", "query"
_DIGITS = 20

Progress = Callable[[int, int | None, str], None]
Fields = Sequence[tuple[str, str]]
Page = Report | RegressionPage | TransitionsPage
Build = Callable[[Session, Member, Fields, Progress], Page]


@dataclass(frozen=True)
class LongPage:
    """A page by its name, which is its path in the project, too."""

    name: str
    title: str
    build: Build
    adapter: TypeAdapter[Any]


def _report(session: Session, member: Member, _fields: Fields, progress: Progress) -> Report:
    progress(0, 2, "the event log")
    log = head(session, member.project_id)
    progress(1, 2, "rates, agreement, transitions and versions")
    return report(session, member, log)


def _regression(
    session: Session, member: Member, fields: Fields, progress: Progress
) -> RegressionPage:
    progress(0, None, "items in both")
    asked = dict(fields)
    return regression_page(
        session,
        member,
        Filters.from_query(list(fields), ignoring=PAGE_FIELDS),
        **{name: asked.get(name, "") for name in PAGE_FIELDS},
        base=f"/projects/{member.project.slug}",
    )


def _transitions(
    session: Session, member: Member, fields: Fields, progress: Progress
) -> TransitionsPage:
    progress(0, None, "steps of the traces read")
    asked = dict(fields)
    cell = {name: asked.get(name, "") for name in ("before", "failed")}
    return transitions_page(session, member, **cell)


LONG_PAGES = {
    page.name: page
    for page in (
        LongPage("report", "Report", _report, TypeAdapter(Report)),
        LongPage("regression", "Regression", _regression, TypeAdapter(RegressionPage)),
        LongPage("transitions", "Transitions", _transitions, TypeAdapter(TransitionsPage)),
    )
}


@dataclass(frozen=True)
class ComputedPage:
    """A page that a job has built, as its run keeps it."""

    digest: str
    result: dict[str, Any]
    content: Any

    def write(self, path: Path) -> None:
        """Write the whole page; readers see all of it or none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".part")
        half.write_bytes(gzip.compress(json.dumps(self.content).encode(), 5))
        half.replace(path)


class PageAtHand:
    """A long page as a member asks for it, and whatever there is of it."""

    def __init__(
        self, session: Session, member: Member, settings: Settings, name: str, fields: Fields
    ) -> None:
        self.session = session
        self.member = member
        self.long = LONG_PAGES[name]
        self.fields = tuple(fields)
        self._data = settings.data

    @cached_property
    def is_light(self) -> bool:
        """Whether the page is built while the request waits."""
        found = frame_queries.decisions(self.member.project_id, AT_ONCE + 1)
        return int(self.session.execute(found).scalar_one()) <= AT_ONCE

    @cached_property
    def digest(self) -> str:
        """What names the page of the data as they are now."""
        return _digest(self.session, self.member, self.long.name, self.fields)

    @property
    def parameters(self) -> dict[str, Any]:
        """What a run needs to build the same."""
        return {_PAGE: self.long.name, _QUERY: [list(field) for field in self.fields]}

    @property
    def path(self) -> str:
        """Where the page is, inside the project."""
        return url(f"/{self.long.name}", self.fields)

    @cached_property
    def page(self) -> Page | None:
        """The page with what is known of its age; None while there is none to show."""
        if self.is_light:
            return self.long.build(self.session, self.member, self.fields, _untold)
        kept = self._kept
        return replace(kept[0], freshness=self.freshness) if kept else None

    @property
    def report(self) -> Report:
        """The report, or the earlier one that is shown until there is a new one.

        Raises:
            NotFound: There is none yet.
        """
        if not isinstance(self.page, Report):
            raise NotFound("The report is not computed yet: open its page, which does that.")
        return self.page

    @property
    def run(self) -> AnalysisRun | None:
        """The latest run that computes the page of the data as they are now."""
        return self._runs[0] if self._runs else None

    @property
    def why_pending(self) -> str:
        """What to do where there is no page yet."""
        return why_pending(self.run, f"{self.long.title} takes", "page")

    @cached_property
    def freshness(self) -> Freshness:
        """How old what is shown is, and how far a newer one is."""
        base = f"/projects/{self.member.project.slug}"
        kept, run = self._kept, self.run
        is_old = kept is None or kept[1].input_digest != self.digest
        return Freshness(
            title=self.long.title,
            at=kept[1].finished_at if kept else None,
            is_old=is_old,
            run=run_view(self.session, self.member, run) if run and is_old else None,
            url=base + self.path,
            compute_url=base + url(f"/{self.long.name}/compute", self.fields),
        )

    @cached_property
    def _runs(self) -> Sequence[AnalysisRun]:
        found = queries.runs_for(self.member.project_id, self.digest, RunKind.PAGE)
        return self.session.exec(found).all()

    @cached_property
    def _kept(self) -> tuple[Page, AnalysisRun] | None:
        """The page of the data as they are now, else the latest earlier one."""
        question = self.digest.partition(":")[0]
        answers = queries.answers(self.member.project_id, question, RunKind.PAGE)
        found = self.session.exec(answers).all()
        for run in sorted(found, key=lambda run: run.input_digest != self.digest):
            path = self._data / run.artefact
            if run.artefact and path.is_file():
                kept = json.loads(gzip.decompress(path.read_bytes()))
                page: Page = self.long.adapter.validate_python(kept)
                return page, run
        return None


def built(
    session: Session, member: Member, parameters: Mapping[str, Any], progress: Progress
) -> ComputedPage:
    """Build the page that the parameters of a run name."""
    long = LONG_PAGES[parameters[_PAGE]]
    fields = [(str(name), str(value)) for name, value in parameters[_QUERY]]
    digest = _digest(session, member, long.name, fields)
    page = long.build(session, member, fields, progress)
    content = long.adapter.dump_python(page, mode="json")
    return ComputedPage(digest, {"path": url(f"/{long.name}", fields)}, content)


def _digest(session: Session, member: Member, name: str, fields: Fields) -> str:
    """Name a page as a member sees it, a colon, and the state of what it rests on."""
    facts = Facts(session, member)
    sight = [facts.scope, member.role.value, member.may_lead]
    signals = queries.last_done(member.project_id, RunKind.SIGNALS)
    project = member.project
    said = [project.slug, project.name, project.description, project.settings]
    state = [facts.state, session.execute(signals).scalar_one(), said]
    return f"{_hash([name, list(fields), sight])}:{_hash(state)}"


def _hash(value: Any) -> str:
    written = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(written.encode()).hexdigest()[:_DIGITS]


def _untold(_done: int, _total: int | None, _text: str) -> None:
    """A page that is built at once tells nobody how far it is."""
