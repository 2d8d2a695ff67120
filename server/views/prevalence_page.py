"""The page of prevalence: modes × groups, what changed between versions, what is left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from sqlmodel import Session

from analysis.frames import TRACE_ID
from analysis.prevalence import ModePrevalence, prevalence_by
from analysis.prevalence_table import COLUMNS, change_rows
from server.errors import Invalid
from server.models.base import stored_id
from server.models.project import Member
from server.queries.filters import Filters
from server.views.answers import Answer, FileFormat
from server.views.filter_bar import FilterBar, filter_bar, url
from server.views.population import Population
from server.views.prevalence import PrevalenceTable, RateSample, prevalence_table, rate_sample
from server.views.prevalence_changes import VersionChanges, version_changes
from server.views.prevalence_pivot import (
    Group,
    Pivot,
    PivotBuilder,
    judged_traces,
    strategy_words,
)
from server.views.sampling_frame import FrameNotice, frame_notice
from server.views.saturation_page import Download

PAGE_FIELDS = ("by", "before", "after")
LENS = "prevalence"


@dataclass(frozen=True)
class CountRow:
    """One mode on the traces that feed no rate: present of decided, for each way of drawing."""

    mode_id: int
    name: str
    hue: int
    counts: tuple[str, ...]


@dataclass(frozen=True)
class NotCounted:
    """What stands on traces that were not drawn by chance: counts, and no rates."""

    traces: int
    groups: tuple[Group, ...]
    rows: tuple[CountRow, ...]


@dataclass(frozen=True)
class PrevalencePage:
    bar: FilterBar
    active: tuple[tuple[str, str], ...]
    """The filters as fields of a form."""
    table: PrevalenceTable
    pivot: Pivot
    changes: VersionChanges | None
    not_counted: NotCounted | None
    frame: FrameNotice | None
    downloads: tuple[Download, ...]
    reading: str
    only_own: bool
    can_lead: bool


@dataclass(frozen=True)
class _Found:
    """Everything that page and files are made of."""

    sample: RateSample
    pivot: Pivot
    changes: VersionChanges | None
    not_counted: NotCounted | None

    @property
    def reading(self) -> str:
        """The most common modes in one sentence, over how many traces."""
        rows = [row for row in self.pivot.rows if row.cells[0].estimate][:3]
        if not rows:
            return "No mode is labelled yet on a trace that was drawn by chance."
        told = ", ".join(
            f"{row.name} {100 * row.cells[0].share:.0f} % ({row.cells[0].interval})" for row in rows
        )
        traces = self.pivot.groups[0].traces
        noun = "trace" if traces == 1 else "traces"
        how = ", each by its weight" if self.sample.is_weighted else ""
        return f"Most common over {traces:,} judged {noun} drawn by chance{how}: {told}."


def _found(population: Population, by: str, before: str, after: str) -> _Found:
    def read() -> _Found:
        sample = rate_sample(population.sampling)
        traces = judged_traces(population, by)
        return _Found(
            sample,
            PivotBuilder(population, sample, traces, by).table(),
            version_changes(population, sample, traces, before, after),
            _not_counted(population, sample),
        )

    return population.counted_of_traces(("prevalence by", by, before, after), read)


def prevalence_page(
    session: Session,
    member: Member,
    filters: Filters,
    *,
    by: str,
    before: str,
    after: str,
    base: str,
) -> PrevalencePage:
    """Build the page: columns are the values of `by`, changes go from version `before` to `after`.

    Raises:
        Invalid: A filter names what the project does not have, or there is no such field.
    """
    population, path = Population(session, member, filters), f"{base}/prevalence"
    found = _found(population, by, before, after)
    named = (("by", by), ("before", before), ("after", after))
    keep = [(name, value) for name, value in named if value]
    return PrevalencePage(
        bar=filter_bar(session, member, filters, action=path, names=population.names, keep=keep),
        active=tuple(filters.to_query()),
        table=prevalence_table(population),
        pivot=found.pivot,
        changes=found.changes,
        not_counted=found.not_counted,
        frame=frame_notice(population, found.sample.trace_ids),
        downloads=tuple(
            Download(kind.value.upper(), url(f"{path}/{kind}", [*filters.to_query(), *keep]))
            for kind in (FileFormat.JSON, FileFormat.CSV)
        ),
        reading=found.reading,
        only_own=member.is_blind,
        can_lead=member.may_lead,
    )


def prevalence_answer(
    session: Session, member: Member, filters: Filters, *, by: str, before: str, after: str
) -> Answer:
    """Return what goes out: the same numbers as files.

    Raises:
        Invalid: A filter names what the project does not have, or there is no such field.
    """
    population = Population(session, member, filters)
    found = _found(population, by, before, after)
    _check_versions(found.changes, before, after)
    names = {stored_id(mode): mode.name for mode in population.modes}
    rows = [
        {
            "mode": row.name,
            "group": group.label,
            "present": cell.present,
            "n": cell.n,
            "prevalence": cell.estimate.value if cell.estimate else None,
            "low": cell.estimate.low if cell.estimate else None,
            "high": cell.estimate.high if cell.estimate else None,
            "method": cell.estimate.method if cell.estimate else None,
        }
        for row in found.pivot.rows
        for group, cell in zip(found.pivot.groups, row.cells, strict=True)
    ]
    changes = None
    if found.changes:
        changed = change_rows(found.changes.found)
        changes = {
            "before": found.changes.before,
            "after": found.changes.after,
            "rows": [{**row, "mode": names[int(str(row["mode"]))]} for row in changed],
        }
    return Answer(
        lens=LENS,
        parameters={
            "project": member.project.slug,
            "filters": filters.to_json(),
            "group_by": by or None,
        },
        n=found.pivot.groups[0].traces,
        results={"rows": rows, "changes": changes},
        reading=found.reading,
        table=pd.DataFrame(rows, columns=list(COLUMNS)),
    )


def _check_versions(changes: VersionChanges | None, before: str, after: str) -> None:
    known = [version for version, _ in changes.versions] if changes else []
    for version in (before, after):
        if version and version not in known:
            told = ", ".join(known) or "fewer than two"
            raise Invalid(f"No judged trace is of version «{version}»; there are: {told}.")


def _not_counted(population: Population, sample: RateSample) -> NotCounted | None:
    labels = population.labels[~population.labels[TRACE_ID].isin(sample.trace_ids)]
    if labels.empty:
        return None
    drawn = dict(zip(population.sampling[TRACE_ID], population.sampling["sampled_by"], strict=True))
    of_trace = {
        trace_id: strategy_words(drawn.get(trace_id, "")) for trace_id in labels[TRACE_ID].unique()
    }
    modes = population.modes
    pivot = prevalence_by(labels, of_trace, modes=[stored_id(mode) for mode in modes])
    rows = tuple(
        CountRow(
            stored_id(mode),
            mode.name,
            mode.colour,
            tuple(_count(row[stored_id(mode)]) for row in pivot.values()),
        )
        for mode in modes
    )
    sizes: Sequence[str] = list(of_trace.values())
    groups = tuple(Group(str(name), sizes.count(str(name)), "") for name in pivot)
    return NotCounted(len(of_trace), groups, rows)


def _count(found: ModePrevalence) -> str:
    return f"{found.n_present:,} of {found.estimate.n:,}" if found.estimate.n else "–"
