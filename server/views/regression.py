"""Regression: the same items in two versions or models, what newly fails and what is mended."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from sqlmodel import Session

from analysis.frames import MODE, TRACE_ID, VALUE, LabelValue
from analysis.regression import AFTER, BEFORE, Regression, regressions
from server.errors import Invalid
from server.models.base import stored_id
from server.models.project import Member
from server.models.verdict import VerdictValue
from server.queries.filters import Filters
from server.sampling.feasible import name_of
from server.views.answers import Answer, FileFormat
from server.views.filter_bar import FilterBar, filter_bar, url
from server.views.freshness import Freshness
from server.views.population import Population
from server.views.prevalence_pivot import STRATEGY, JudgedTrace, choices, judged_traces
from server.views.saturation_page import Download
from server.views.tally import seen_verdicts, verdict_by_trace

PAGE_FIELDS = ("by", "before", "after")
LENS = "regression"
VERSION, MODEL = "pipeline_version", "model"
_VERDICT = 0
"""Stands for the verdict among the ids of modes."""
_VERDICT_NAME = "Verdict: fail"
_LISTED = 50
_COLUMNS = (
    *("mode", "n", "newly_failing", "fixed", "still_failing", "still_absent"),
    *("difference", "low", "high", "p"),
)


@dataclass(frozen=True)
class ChangedItem:
    """An item that changed, with its runs side by side; no link where one of them is missing."""

    item: str
    href: str


@dataclass(frozen=True)
class RegressionRow:
    mode_id: int | None
    """None for the verdict."""
    name: str
    hue: int
    found: Regression
    change: str
    interval: str
    p: str
    is_clear: bool
    """Whether the interval leaves 0 out."""
    newly_failing: tuple[ChangedItem, ...]
    fixed: tuple[ChangedItem, ...]

    @property
    def unpaired(self) -> int:
        """Items that are in no pair."""
        return self.found.only_one + self.found.tied


@dataclass(frozen=True)
class Comparison:
    """What was compared with what."""

    by: str
    choices: tuple[tuple[str, str], ...]
    groups: tuple[tuple[str, int], ...]
    """The values of `by` with their judged traces: versions oldest first."""
    before: str
    after: str
    shared: int
    """Items that have a judged run in both."""
    rows: tuple[RegressionRow, ...]
    reading: str


@dataclass(frozen=True)
class RegressionPage:
    bar: FilterBar
    active: tuple[tuple[str, str], ...]
    comparison: Comparison
    downloads: tuple[Download, ...]
    listed: int
    """How many items of a cell are named at most; files name all."""
    only_own: bool
    can_lead: bool
    freshness: Freshness | None = None
    """Where a job computed it."""


def compare(population: Population, by: str, before: str, after: str) -> Comparison:
    """Compare two values of a field, the two latest versions where nothing is named.

    Raises:
        Invalid: There is no such field.
    """
    traces, by = _grouped(population, by)
    sizes: dict[str, int] = {}
    for trace in traces:
        if trace.group:
            sizes[trace.group] = sizes.get(trace.group, 0) + 1
    old, new = _chosen(sizes, by, before, after)
    told = tuple(one for one in choices(population) if one[0] not in ("", STRATEGY))
    groups = tuple(sizes.items())
    if not old:
        return Comparison(by, told, groups, "", "", 0, (), _nothing(by, sizes))
    runs = {BEFORE: _runs(traces, old), AFTER: _runs(traces, new)}
    shared = len(runs[BEFORE].keys() & runs[AFTER].keys())
    rows = _rows(population, traces, {old: BEFORE, new: AFTER}, runs)
    return Comparison(by, told, groups, old, new, shared, rows, _reading(rows, old, new, shared))


def _grouped(population: Population, by: str) -> tuple[list[JudgedTrace], str]:
    if by:
        return judged_traces(population, by), by
    traces = _matching(population, judged_traces(population, VERSION))
    if len({trace.group for trace in traces} - {""}) > 1:
        return traces, VERSION
    return _matching(population, judged_traces(population, MODEL)), MODEL


def _matching(population: Population, traces: list[JudgedTrace]) -> list[JudgedTrace]:
    if not population.filters:
        return traces
    return [trace for trace in traces if trace.id in population.matching]


def _chosen(sizes: Mapping[str, int], by: str, before: str, after: str) -> tuple[str, str]:
    """Return what is compared: of versions the latest two, of anything else the largest two."""
    if len(sizes) < 2:
        return "", ""
    names = list(sizes) if by == VERSION else sorted(sizes, key=lambda name: sizes[name])
    if before in names and after in ("", before):
        after = next(name for name in reversed(names) if name != before)
    new = after if after in names else names[-1]
    others = [name for name in names if name != new]
    return (before if before in others else others[-1]), new


def _runs(traces: Sequence[JudgedTrace], group: str) -> dict[str, int]:
    """The first run of each item in a group."""
    found: dict[str, int] = {}
    for trace in traces:
        if trace.group == group and trace.item:
            found.setdefault(trace.item, trace.id)
    return found


def _rows(
    population: Population,
    traces: Sequence[JudgedTrace],
    side_of: Mapping[str, str],
    runs: Mapping[str, Mapping[str, int]],
) -> tuple[RegressionRow, ...]:
    sides: dict[Hashable, str] = {t.id: side_of[t.group] for t in traces if t.group in side_of}
    items: dict[Hashable, Hashable] = {trace.id: trace.item for trace in traces if trace.item}
    seen = population.modes if population.member.sees_modes else ()
    modes = {stored_id(mode): mode for mode in seen}
    labels = population.combined_labels[[TRACE_ID, MODE, VALUE]]
    values = pd.concat([_verdicts(population), labels[labels[MODE].isin(modes)]])
    base = f"/projects/{population.member.project.slug}/compare"
    rows = []
    for found in regressions(values, sides, items):
        mode = modes.get(int(str(found.mode)))
        name, hue = (mode.name, mode.colour) if mode else (_VERDICT_NAME, 1)
        mode_id = stored_id(mode) if mode else None
        rows.append(_row(found, mode_id, name, hue, runs, base))
    return tuple(sorted(rows, key=_rank))


def _verdicts(population: Population) -> pd.DataFrame:
    said = verdict_by_trace(seen_verdicts(population))
    known = {
        VerdictValue.FAIL.value: LabelValue.PRESENT.value,
        VerdictValue.PASS.value: LabelValue.ABSENT.value,
    }
    given = said[said.isin(list(known))]
    return pd.DataFrame({TRACE_ID: given.index, MODE: _VERDICT, VALUE: given.map(known).to_numpy()})


def _rank(row: RegressionRow) -> tuple[bool, bool, float, str]:
    value = row.found.difference.estimate.value
    size = 0.0 if math.isnan(value) else abs(value)
    return (row.mode_id is not None, not row.is_clear, -size, row.name)


def _row(
    found: Regression,
    mode_id: int | None,
    name: str,
    hue: int,
    runs: Mapping[str, Mapping[str, int]],
    base: str,
) -> RegressionRow:
    estimate, p_value = found.difference.estimate, found.difference.p_value
    return RegressionRow(
        mode_id=mode_id,
        name=name,
        hue=hue,
        found=found,
        change=_points(estimate.value) if found.n else "",
        interval=f"{_points(estimate.low)} to {_points(estimate.high)}" if found.n else "",
        p="" if not found.n else "< 0.001" if p_value < 0.001 else f"{p_value:.3f}",
        is_clear=bool(found.n) and not estimate.low <= 0 <= estimate.high,
        newly_failing=_items(found.newly_failing, runs, base),
        fixed=_items(found.fixed, runs, base),
    )


def _items(
    items: Sequence[Hashable], runs: Mapping[str, Mapping[str, int]], base: str
) -> tuple[ChangedItem, ...]:
    return tuple(
        ChangedItem(
            str(item),
            url(
                base,
                [("left", str(runs[BEFORE][str(item)])), ("right", str(runs[AFTER][str(item)]))],
            ),
        )
        for item in items
    )


def _points(share: float) -> str:
    """Percentage points with a sign; 0 has none."""
    points = f"{100 * share:+.0f}"
    return points[1:] if points in ("+0", "-0") else points.replace("-", "−")


def _nothing(by: str, sizes: Mapping[str, int]) -> str:
    told = f"all are of {next(iter(sizes))}" if sizes else "none tells it"
    return f"Two are needed to compare by {name_of(by)}; of the judged traces {told}."


def _reading(rows: Sequence[RegressionRow], old: str, new: str, shared: int) -> str:
    if not shared:
        return f"No item was judged both in {old} and in {new}: nothing can be paired."
    clear = [row for row in rows if row.is_clear]
    told = "; ".join(
        f"{row.name} {row.change} points ({row.interval}): "
        f"{len(row.found.newly_failing):,} newly failing, {len(row.found.fixed):,} fixed, "
        f"of {row.found.n:,}"
        for row in clear
    )
    noun = "item" if shared == 1 else "items"
    over = f"{shared:,} {noun} judged in {old} and in {new}"
    return f"{over}. Clear changes: {told}." if told else f"{over}. No change is clear of chance."


def regression_page(
    session: Session,
    member: Member,
    filters: Filters,
    *,
    by: str,
    before: str,
    after: str,
    base: str,
) -> RegressionPage:
    """Build the page.

    Raises:
        Invalid: A filter names what the project does not have, or there is no such field.
    """
    population = Population(session, member, filters)
    comparison = compare(population, by, before, after)
    named = (("by", by), ("before", before), ("after", after))
    keep = [(name, value) for name, value in named if value]
    path = f"{base}/regression"
    return RegressionPage(
        bar=filter_bar(session, member, filters, action=path, names=population.names, keep=keep),
        active=tuple(filters.to_query()),
        comparison=comparison,
        downloads=tuple(
            Download(kind.value.upper(), url(f"{path}/{kind}", [*filters.to_query(), *keep]))
            for kind in (FileFormat.JSON, FileFormat.CSV)
        ),
        listed=_LISTED,
        only_own=member.is_blind,
        can_lead=member.may_lead,
    )


def regression_answer(
    session: Session, member: Member, filters: Filters, *, by: str, before: str, after: str
) -> Answer:
    """Return what goes out: the same numbers as files, with every item that changed.

    Raises:
        Invalid: A filter names what the project does not have, or there is no such field or value.
    """
    found = compare(Population(session, member, filters), by, before, after)
    known = [name for name, _ in found.groups]
    for name in (before, after):
        if name and name not in known:
            told = ", ".join(known) or "none"
            raise Invalid(f"No judged trace has {found.by} «{name}»; there are: {told}.")
    rows = [_as_json(row) for row in found.rows]
    return Answer(
        lens=LENS,
        parameters={
            "project": member.project.slug,
            "filters": filters.to_json(),
            "by": found.by,
            "before": found.before,
            "after": found.after,
        },
        n=found.shared,
        results={"rows": rows},
        reading=found.reading,
        table=pd.DataFrame(
            [{name: row[name] for name in _COLUMNS} for row in rows], columns=list(_COLUMNS)
        ),
    )


def _as_json(row: RegressionRow) -> dict[str, object]:
    found = row.found
    estimate = found.difference.estimate
    measured = estimate.measured
    return {
        "mode": row.name,
        "n": found.n,
        "newly_failing": len(found.newly_failing),
        "fixed": len(found.fixed),
        "still_failing": found.still_failing,
        "still_absent": found.still_absent,
        "difference": estimate.value if measured else None,
        "low": estimate.low if measured else None,
        "high": estimate.high if measured else None,
        "p": found.difference.p_value if measured else None,
        "only_one": found.only_one,
        "tied": found.tied,
        "items": {
            "newly_failing": [one.item for one in row.newly_failing],
            "fixed": [one.item for one in row.fixed],
        },
    }
