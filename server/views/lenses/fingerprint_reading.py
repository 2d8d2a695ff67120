"""What the fingerprints say in words: archetypes, weak and expensive axes, what to do next."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from analysis.charts.theme import TRACES
from analysis.fingerprint.archetypes import Archetype, Fingerprint
from analysis.fingerprint.axes import Thresholds
from analysis.percentages import percent, percents
from analysis.thresholds import thresholds_in_words
from server.views.lenses.base import (
    Cell,
    Change,
    Evidence,
    NextStep,
    Question,
    Reading,
    SideTable,
)
from server.views.lenses.population import where

_SHOWN = 15
_WEAK_SHOWN = 10


@dataclass(frozen=True)
class Fingered:
    """The fingerprints of one facet."""

    facet: str
    keys: tuple[str, str, str]
    """What groups, axes and facets are, as keys of filters."""
    axes: pd.DataFrame
    """As `analysis.fingerprint.axes.axis_table` gives it, with the link of each row."""
    fingerprints: tuple[Fingerprint, ...]
    slopes: pd.DataFrame

    @property
    def axes_are(self) -> str:
        """What the axes are, in words: task, category."""
        return self.keys[1].removeprefix("params.").removeprefix("tags.")

    @property
    def n(self) -> int:
        """Traces that enter."""
        return int(self.axes["n"].sum())

    @cached_property
    def axis_order(self) -> list[str]:
        """Axes with the most traces first."""
        return list(self.axes.groupby("axis")["n"].sum().sort_values(ascending=False).index)

    @cached_property
    def group_order(self) -> list[str]:
        """Groups, the best on average first."""
        means = {one.group: one.mean_accuracy.value for one in self.fingerprints}
        ranked = sorted(means, key=lambda name: (-_known(means[name]), name))
        return ranked

    def kind_of(self, group: str) -> str:
        """Return the archetype of a group."""
        return next(one.archetype.value for one in self.fingerprints if one.group == group)

    def with_axes(self, axes: pd.DataFrame) -> "Fingered":
        """Return the same with other columns."""
        return replace(self, axes=axes)


def reading(facets: Sequence[Fingered], cuts: Thresholds, question: Question) -> Reading:
    """Say what kind each group is, the weak axes first among what to look at."""
    named = [(one, found) for one in facets for found in one.fingerprints]
    kinds = Counter(found.archetype for _, found in named)
    decided = [kind for kind in Archetype if kind is not Archetype.TOO_FEW and kinds[kind]]
    top = decided[0] if decided else None
    return Reading(
        sentence=_sentence(facets, named, kinds, cuts),
        pattern=top.value if top and len(named) == 1 else "",
        evidence=tuple(_evidence(one, found, question) for one, found in _ranked(named)[:_SHOWN]),
        next_steps=_next(named, kinds, facets, question),
        thresholds=thresholds_in_words(cuts),
        tables=tuple(
            table for table in (_weak(facets, question), _expensive(facets, question)) if table
        ),
        warnings=_warnings(facets, named),
        headline=tuple(_headline(one, found) for one, found in _ranked(named)[:_SHOWN]),
    )


def _ranked(named: list[tuple[Fingered, Fingerprint]]) -> list[tuple[Fingered, Fingerprint]]:
    order = list(Archetype)
    return sorted(
        named,
        key=lambda pair: (order.index(pair[1].archetype), -_known(pair[1].mean_accuracy.value)),
    )


def _sentence(
    facets: Sequence[Fingered],
    named: list[tuple[Fingered, Fingerprint]],
    kinds: Counter[Archetype],
    cuts: Thresholds,
) -> str:
    if kinds[Archetype.TOO_FEW] == len(named):
        most = max((found.axes for _, found in named), default=0)
        return (
            f"Not enough data: {most} axes with {cuts.fewest_traces} traces or more, "
            f"{cuts.fewest_axes} needed."
        )
    if len(named) == 1:
        (found,) = [found for _, found in named]
        mean = found.mean_accuracy
        return (
            f"{found.group} is {_an(found.archetype)}: accuracy {percent(mean.value)} on average "
            f"over {found.axes} axes ({percents(mean.low, mean.high)}, n = {found.n:,}). "
            f"{found.archetype.implication}"
        )
    parts = [f"{kinds[kind]} {kind.value}" for kind in Archetype if kinds[kind]]
    weak = sum(int(one.axes["weak"].sum()) for one in facets)
    best = max((found for _, found in named), key=lambda one: _known(one.mean_accuracy.value))
    mean = best.mean_accuracy
    return (
        f"Of {len(named)} groups: {', '.join(parts)}. {best.group} is right most often, "
        f"{percent(mean.value)} on average over {best.axes} axes ({percents(mean.low, mean.high)}, "
        f"n = {best.n:,}). {weak} weak axes in all."
    )


def _an(kind: Archetype) -> str:
    if kind is Archetype.MIXED:
        return "mixed"
    return f"{'an' if kind.value[0] == 'I' else 'a'} {kind.value}"


def _evidence(one: Fingered, found: Fingerprint, question: Question) -> Evidence:
    mean = found.mean_accuracy
    parts = [
        f"mean {mean.value:.2f} ({mean.low:.2f}–{mean.high:.2f})",
        f"cohort {found.cohort_accuracy:.2f}",
        f"sd {found.sd_accuracy:.2f}",
        f"best third {found.best_third:.2f}",
        f"cut off on {found.truncated_axes} of {found.axes} axes",
    ]
    if not math.isnan(found.tokens_relative):
        parts.append(f"tokens × {found.tokens_relative:.2f}")
    if not found.axes:
        parts = ["no axis with enough traces"]
    name = " · ".join(part for part in (one.facet, found.group) if part)
    text = f"{name}: {', '.join(parts)} (n = {found.n:,})"
    own = where(one.keys[0], found.group) | where(one.keys[2], one.facet)
    return Evidence(found.archetype.value, text, question.traces_url(own) if question.base else "")


def _next(
    named: list[tuple[Fingered, Fingerprint]],
    kinds: Counter[Archetype],
    facets: Sequence[Fingered],
    question: Question,
) -> tuple[NextStep, ...]:
    steps = []
    for kind in Archetype:
        if not kinds[kind] or (kind is Archetype.MIXED and len(kinds) > 1):
            continue
        groups = [found.group for _, found in named if found.archetype is kind]
        more = f" and {len(groups) - 3} more" if len(groups) > 3 else ""
        steps.append(NextStep(f"{', '.join(groups[:3])}{more} ({kind.value}): {kind.implication}"))
    if question.base and any(one.axes["weak"].any() for one in facets):
        steps.append(
            NextStep("Find where weak axes break", "surface", question.lens_url("surface"))
        )
    if question.base and any(one.axes["expensive"].any() for one in facets):
        href = question.lens_url("compression")
        steps.append(NextStep("See whether expensive axes repeat themselves", "compression", href))
    return tuple(steps)


def _weak(facets: Sequence[Fingered], question: Question) -> SideTable | None:
    rows = _marked(facets, "weak", "accuracy")
    if not rows:
        return None
    cells = tuple(
        (
            Cell(f"{row['group']} · {row['axis']}", str(row[TRACES])),
            Cell(f"{row['accuracy']:.2f} ({row['low']:.2f}–{row['high']:.2f})", is_number=True),
            Cell(f"{row['cohort_accuracy']:.2f}", is_number=True),
            Cell("surface", _lens(question, "surface", one, row)),
        )
        for one, row in rows[:_WEAK_SHOWN]
    )
    note = f"{len(rows)} in all; 95 % intervals, n from {min(int(row['n']) for _, row in rows)} on."
    return SideTable("Weak axes", ("axis", "accuracy", "cohort", ""), cells, note)


def _expensive(facets: Sequence[Fingered], question: Question) -> SideTable | None:
    rows = _marked(facets, "expensive", "tokens_relative", ascending=False)
    if not rows:
        return None
    cells = tuple(
        (
            Cell(f"{row['group']} · {row['axis']}", str(row[TRACES])),
            Cell(
                f"×{row['tokens_relative']:.1f} ({row['tokens_low']:.1f}–{row['tokens_high']:.1f})",
                is_number=True,
            ),
            Cell("compression", _lens(question, "compression", one, row)),
        )
        for one, row in rows[:_WEAK_SHOWN]
    )
    note = f"{len(rows)} in all; median tokens against the cohort's, 95 % intervals."
    return SideTable("Expensive axes", ("axis", "tokens", ""), cells, note)


def _marked(
    facets: Sequence[Fingered], mark: str, by: str, *, ascending: bool = True
) -> list[tuple[Fingered, dict[str, Any]]]:
    found = []
    for one in facets:
        own = one.axes[one.axes[mark] & ~one.axes["few"]]
        gaps = own["accuracy"] - own["cohort_accuracy"] if by == "accuracy" else own[by]
        ordered = own.loc[gaps.sort_values(ascending=ascending).index]
        found += [(one, {str(k): v for k, v in row.items()}) for row in ordered.to_dict("records")]
    return found


def _lens(question: Question, lens: str, one: Fingered, row: dict[str, Any]) -> str:
    if not question.base:
        return ""
    group, axis = where(one.keys[0], str(row["group"])), where(one.keys[1], str(row["axis"]))
    return question.lens_url(lens, group | axis | where(one.keys[2], one.facet))


def _warnings(
    facets: Sequence[Fingered], named: list[tuple[Fingered, Fingerprint]]
) -> tuple[str, ...]:
    found = []
    if all(len(one.fingerprints) == 1 for one in facets):
        found.append(
            "One group alone is its own cohort: tokens and weak axes say nothing against others."
        )
    few = sum(int(one.axes["few"].sum()) for one in facets)
    if few:
        found.append(f"{few:,} of the groups' axes rest on few traces: they are drawn hollow.")
    noisy = [
        pair.group
        for _, pair in named
        if pair.archetype is Archetype.TASK_SPECIALIST and pair.n < 200
    ]
    if noisy:
        found.append(
            f"The sd of {', '.join(noisy[:3])} includes chance: small axes differ by luck."
        )
    return tuple(found)


def _headline(one: Fingered, found: Fingerprint) -> Change:
    mean = found.mean_accuracy
    name = " · ".join(part for part in (one.facet, found.group) if part)
    if math.isnan(mean.value):
        return Change(f"mean accuracy, {name}", None, n=found.n, unit="%")
    return Change(f"mean accuracy, {name}", mean.value, mean.low, mean.high, found.n, "%")


def _known(value: float) -> float:
    return -1.0 if math.isnan(value) else value
