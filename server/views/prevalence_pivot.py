"""Prevalence of each mode in each group of traces: models, versions, strategies, dimensions."""

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from analysis.estimates import Estimate
from analysis.frames import TRACE_ID
from analysis.percentages import percent, percents
from analysis.prevalence import ModePrevalence, prevalence, prevalence_by
from server.frames import BATCH_ID, SAMPLED_BY
from server.models.base import stored_id
from server.models.mode import FailureMode
from server.queries import populations, sampling_pool
from server.queries.filters import DIMENSION
from server.views.coverage import in_order
from server.views.dimensions import dimension_names
from server.views.filter_bar import url
from server.views.population import Population
from server.views.prevalence import RateSample
from server.views.tally import STRATEGIES

ALL = "all"
OTHER = "other"
STRATEGY = "strategy"
CHOSEN = "chosen"
MOST_GROUPS = 12
_TICK = 0.25


@dataclass(frozen=True)
class JudgedTrace:
    """A trace that somebody judged, and what it is grouped by."""

    id: int
    item: str
    version: str
    group: str


@dataclass(frozen=True)
class Cell:
    """One mode in one group; `estimate` is None where nobody decided it there."""

    present: int
    n: int
    estimate: Estimate | None
    share: float
    interval: str
    bar: tuple[float, float, float]
    """Value and interval in per cent of the bar."""
    words: str
    href: str


@dataclass(frozen=True)
class PivotRow:
    mode_id: int
    name: str
    hue: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Group:
    """A column: how it is called, and how many traces that feed rates are in it."""

    label: str
    traces: int
    href: str


@dataclass(frozen=True)
class Pivot:
    by: str
    choices: tuple[tuple[str, str], ...]
    groups: tuple[Group, ...]
    """The first is all of them together."""
    rows: tuple[PivotRow, ...]
    beyond: int
    """Groups that count as «other»."""
    axis_end: float
    """The share at which bars end."""


def choices(population: Population) -> tuple[tuple[str, str], ...]:
    """Return what traces may be grouped by: value and label."""
    names = dimension_names(population.session, population.member)
    fields = [*sampling_pool.FIELDS, *(DIMENSION + name for name in names)]
    named = [(name, name.removeprefix(DIMENSION).replace("_", " ")) for name in fields]
    return (("", "nothing: all together"), (STRATEGY, "sampling strategy"), *named)


def judged_traces(population: Population, by: str) -> list[JudgedTrace]:
    """Return the judged traces in the order of time, with the group that each is in.

    To somebody blind these are the traces whose verdict they submitted.

    Raises:
        Invalid: There is no such field.
    """
    names = [by] if by and by != STRATEGY else []
    rows = population.session.execute(populations.judged(population.project_id, names)).all()
    if population.member.is_blind:
        own = set(population.verdicts[TRACE_ID])
        rows = [row for row in rows if row[0] in own]
    how = dict(zip(population.sampling[TRACE_ID], population.sampling[SAMPLED_BY], strict=True))
    return [
        JudgedTrace(
            row[0],
            row[1],
            row[2],
            str(row[3]) if names else strategy_words(how.get(row[0], "")),
        )
        for row in rows
    ]


def strategy_words(sampled_by: str) -> str:
    """Say how a trace was drawn."""
    if sampled_by == CHOSEN:
        return "chosen by hand"
    return STRATEGIES.get(sampled_by, sampled_by.replace("_", " ")) or "in no batch"


class PivotBuilder:
    """Puts modes × groups together from the labels of the traces that feed rates."""

    def __init__(
        self, population: Population, sample: RateSample, traces: Sequence[JudgedTrace], by: str
    ) -> None:
        self._population = population
        self._sample = sample
        self._by = by
        self._base = f"/projects/{population.member.project.slug}/traces"
        feeds = population.labels[TRACE_ID].isin(sample.trace_ids)
        self._labels = population.labels[feeds]
        decided = set(self._labels[TRACE_ID])
        self._traces = [trace for trace in traces if trace.id in decided]
        self._sizes = Counter(trace.group for trace in self._traces)
        ordered = [name for name, _ in self._sizes.most_common()] if by else []
        self._shown, self._beyond = ordered[:MOST_GROUPS], ordered[MOST_GROUPS:]
        if by == "pipeline_version":
            self._shown.sort(key=list(self._sizes).index)  # the oldest first, as the traces are
        elif by != STRATEGY:
            self._shown.sort(key=lambda value: in_order((value,)))
        self._batches = _batches_by_strategy(population, sample)
        self._names_batches = not bool(feeds.all())

    def table(self) -> Pivot:
        """Return the table, the most common mode first."""
        ids = [stored_id(mode) for mode in self._population.modes]
        weights = self._sample.weights
        every = prevalence(self._labels, modes=ids, weights=weights)
        found = prevalence_by(self._labels, self._groups(), modes=ids, weights=weights)
        columns = [*self._shown, *([OTHER] if self._beyond else [])]
        end = axis_end([every, *found.values()])
        rows = [
            PivotRow(
                stored_id(mode),
                mode.name,
                mode.colour,
                (
                    self._cell(mode, every[stored_id(mode)], None, end),
                    *(
                        self._cell(mode, found[name][stored_id(mode)], name, end)
                        for name in columns
                    ),
                ),
            )
            for mode in self._population.modes
        ]
        rows.sort(key=lambda row: (-row.cells[0].share, row.name))
        groups = (self._group(None), *(self._group(name) for name in columns))
        return Pivot(
            self._by, choices(self._population), groups, tuple(rows), len(self._beyond), end
        )

    def _groups(self) -> dict[Hashable, Hashable]:
        if not self._by:
            return {}
        shown = set(self._shown)
        return {t.id: t.group if t.group in shown else OTHER for t in self._traces}

    def _group(self, name: str | None) -> Group:
        if name is None:
            return Group(ALL, len(self._traces), self._href(None))
        if name == OTHER and self._beyond:
            return Group(OTHER, sum(self._sizes[some] for some in self._beyond), "")
        return Group(name or "none", self._sizes[name], self._href(name))

    def _cell(self, mode: FailureMode, found: ModePrevalence, name: str | None, end: float) -> Cell:
        where = "" if name is None else f", {name or 'none'}"
        href = self._href(name, stored_id(mode))
        return cell_of(found, f"{mode.name}{where}", href, end)

    def _href(self, name: str | None, mode_id: int | None = None) -> str:
        """The list of these traces; empty where no filter finds them."""
        if name is not None and (not name or (name == OTHER and self._beyond)):
            return ""
        of_strategy = name is not None and self._by == STRATEGY
        own: list[tuple[str, str]] = []
        if name is not None and not of_strategy:
            own.append((self._by, name))
        if mode_id is not None:
            own.append(("mode", str(mode_id)))
        if of_strategy or self._names_batches:
            ids = (
                self._batches.get(name or "", []) if of_strategy else chain(*self._batches.values())
            )
            own.extend(("batch", str(batch_id)) for batch_id in ids)
        filters = self._population.filters
        for key in {key for key, _ in own}:
            filters = filters.without(key)
        return url(self._base, [*filters.to_query(), *own])


def cell_of(found: ModePrevalence, about: str, href: str, end: float) -> Cell:
    """Return one cell of a table whose bars end at the share `end`."""
    if not found.estimate.measured:
        return Cell(0, 0, None, 0.0, "", (0.0, 0.0, 0.0), f"{about}: nobody decided", "")
    estimate = found.estimate
    value, low, high = estimate.value, estimate.low, estimate.high
    words = (
        f"{about}: {found.n_present} of {estimate.n} traces, {percent(value)}, "
        f"95 % interval {percents(low, high)} ({estimate.method})"
    )
    bar = (100 * value / end, 100 * low / end, min(100.0, 100 * high / end))
    interval = f"{100 * low:.0f}–{100 * high:.0f}"
    return Cell(found.n_present, estimate.n, estimate, value, interval, bar, words, href)


def axis_end(tables: Sequence[Mapping[Hashable, ModePrevalence]]) -> float:
    """Return the share at which bars end: the next quarter above the highest value.

    Intervals of small groups reach far and are cut there; the numbers tell them.
    """
    shares = [
        found.estimate.value for table in tables for found in table.values() if found.estimate.n
    ]
    return min(1.0, _TICK * max(1, math.ceil(max(shares, default=0) / _TICK)))


def _batches_by_strategy(population: Population, sample: RateSample) -> dict[str, list[int]]:
    drawn = population.sampling
    drawn = drawn[drawn[TRACE_ID].isin(sample.trace_ids)].drop_duplicates(BATCH_ID)
    found: dict[str, list[int]] = {}
    for how, batch_id in zip(drawn[SAMPLED_BY], drawn[BATCH_ID], strict=True):
        found.setdefault(strategy_words(how), []).append(int(batch_id))
    return found
