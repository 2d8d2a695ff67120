"""Surfaces in words: the pattern, what speaks for it, what to do next."""

import re
from collections.abc import Iterator, Sequence

from analysis.percentages import percent, percents
from analysis.surface.accuracy import ZONES, Thresholds, corrected_accuracy
from analysis.surface.cells import X, Y
from analysis.surface.patterns import Cliff, Pattern, SurfacePattern
from analysis.thresholds import thresholds_in_words
from server.queries.surface_views import words_of
from server.views.lenses.base import (
    Cell,
    Change,
    Evidence,
    NextStep,
    Question,
    Reading,
    SideTable,
)
from server.views.lenses.surface_overlay import Laid, overlay_name, overlay_table
from server.views.lenses.surface_study import Part, Study

_CLIFFS_TOLD = 5
SPENT = re.compile(r"^(?!.*(max|limit)).*(tokens|turns|steps|duration_s)$")
"""Axes that an attempt makes itself, instead of the problem."""


def surface_reading(
    studies: Sequence[tuple[Study, Laid | None]], question: Question, cuts: Thresholds
) -> Reading:
    """Return what the views say; the first one speaks, the others have a line each."""
    study, laid = studies[0]
    found = study.whole.found
    return Reading(
        sentence=_sentence(study, laid),
        pattern="" if found.pattern is Pattern.NOT_ENOUGH else found.pattern,
        evidence=tuple(_evidence(study, laid, cuts)),
        next_steps=tuple(_next_steps(study, laid, question)),
        thresholds=thresholds_in_words(cuts),
        tables=tuple(_tables(studies)),
        warnings=tuple(_warnings(study)),
        headline=_headline(study.whole),
    )


def finding(study: Study) -> str:
    """Return what the surface of all traces of a view shows, as one sentence."""
    found, view = study.whole.found, study.frame.view
    safe = f"{found.safe:,} of {found.decidable:,} cells that could be safe are"
    if not study.whole.surface.n:
        return "Nothing to draw: no trace with a known outcome has both dimensions of this view."
    match found.pattern:
        case Pattern.NOT_ENOUGH if found.decidable:
            return f"Not enough data: only {found.decidable:,} cells with {found.needed} traces."
        case Pattern.NOT_ENOUGH:
            return (
                f"Not enough data: no cell has the {found.needed} traces that it takes to call one "
                f"safe, {found.cells:,} have enough to be drawn full."
            )
        case Pattern.TRUNCATION:
            share = found.truncated_failures
            return (
                f"{percent(share.value)} of the failures ({percents(share.low, share.high)}, "
                f"n = {share.n:,}) are truncated answers: the surface shows the token limit."
            )
        case Pattern.CHAOTIC:
            return (
                f"Accuracy goes up and down along {_ordered(study)} more than chance does "
                f"(p = {_p(found.fit.p)})."
            )
        case Pattern.CLIFF:
            return f"Accuracy falls off a cliff: {cliff_in_words(study, found.cliffs[0])}."
        case Pattern.SLOPE:
            ways = " and ".join(_ways(study, with_ends=True))
            few = "what looks like a cliff has few traces"
            return f"Accuracy {ways}, step by step: {few if found.cliffs else 'there is no cliff'}."
        case Pattern.FRAGILE:
            return f"Hardly any place is safe: {safe}."
        case _:
            return f"{safe.capitalize()}, over {view.name}."


def cliff_in_words(study: Study, cliff: Cliff) -> str:
    """Return a cliff with its place, drop and traces."""
    view = study.frame.view
    other = view.y if cliff.axis == view.x else view.x
    at = f" at {view.label(other)} {cliff.at}" if cliff.at and other else ""
    few = ", few" if cliff.is_few else ""
    return (
        f"from {percents(cliff.high, cliff.low)} between {view.label(cliff.axis)} "
        f"{cliff.before} and {cliff.after}{at} (n = {cliff.n_before:,} and {cliff.n_after:,}{few})"
    )


def _sentence(study: Study, laid: Laid | None) -> str:
    sentence = finding(study)
    if laid is None or not laid.n:
        return sentence
    return (
        f"{sentence} {overlay_name(study)}: {laid.n_outside:,} of {laid.n:,} "
        f"({percents(laid.outside.low, laid.outside.high)}) fall outside the safe zone."
    )


def _evidence(study: Study, laid: Laid | None, cuts: Thresholds) -> Iterator[Evidence]:
    whole, found = study.whole, study.whole.found
    cells, fit = whole.cells, study.whole.found.fit
    counts = cells["zone"].value_counts()
    zones = ", ".join(f"{counts.get(zone, 0):,} {zone}" for zone in ZONES)
    thin = f"; {found.decidable:,} have the {found.needed} traces it takes to be safe"
    yield Evidence("zones", f"{zones}, of {len(cells):,} cells with traces{thin}")
    if study.whole.surface.x.is_ordered or study.whole.surface.y.is_ordered:
        yield from (
            Evidence("accuracy cliff", cliff_in_words(study, one), _cliff_url(study, one))
            for one in found.cliffs[:_CLIFFS_TOLD]
        )
        more = len(found.cliffs) - _CLIFFS_TOLD
        if more > 0:
            yield Evidence("accuracy cliff", f"{more:,} more, drawn as thick lines")
        if not found.cliffs:
            words = f"no neighbours {percent(cuts.cliff_drop)} apart with disjoint intervals"
            yield Evidence("accuracy cliff", words)
        yield Evidence("one way", _one_way(study, found))
        said = "rejected" if fit.p < cuts.chaotic_p else "not rejected"
        yield Evidence("chaotic", f"one way is {said} (bootstrap p = {_p(fit.p)})")
    else:
        yield Evidence("order", "neither dimension has an order: no cliff or slope is looked for")
    cut = found.truncation
    hatched = int(cells["is_hatched"].sum())
    share = f"{percent(cut.value, 1)} of {cut.n:,} ({percents(cut.low, cut.high, 1)})"
    yield Evidence(
        "truncation",
        f"{share}; {hatched:,} cells hatched",
        study.url(whole, outcome="truncated") if hatched else "",
    )
    yield Evidence("guess rate", _guessing(study))
    if laid is not None:
        words = f"{laid.n_outside:,} of {laid.n:,} outside the safe zone"
        yield Evidence("overlay", words, laid.outside_url)


def _guessing(study: Study) -> str:
    guesses, n = study.frame.guesses, len(study.frame.traces)
    parts = []
    if guesses.own:
        parts.append(f"{guesses.own:,} of {n:,} traces tell their own (guess_rate)")
    if guesses.own < n and guesses.rate is not None:
        rest = "the rest" if guesses.own else "all"
        parts.append(f"{guesses.rate:g} for {rest}, from {guesses.source}")
    elif guesses.own < n:
        parts.append("0 for the rest" if guesses.own else "none is set: answers count as free (0)")
    if guesses.refused:
        parts.append(f"{guesses.refused:,} tell none from 0 to below 1 and count without one")
    return "; ".join(parts)


def _one_way(study: Study, found: SurfacePattern) -> str:
    share = found.fit.explained
    ways = " and ".join(_ways(study)) or "goes no way"
    told = (
        "no variation to explain"
        if share != share
        else f"{percent(share)} of the variation along it"
    )
    return f"the best fit that {ways} explains {told}; cells differ with p = {_p(found.differs_p)}"


def _ways(study: Study, *, with_ends: bool = False) -> list[str]:
    fit, view = study.whole.found.fit, study.frame.view
    sides = ((fit.x_rises, view.x, X), (fit.y_rises, view.y, Y))
    return [
        f"{'rises' if rises else 'falls'} with {view.label(key)}"
        f"{_ends(study, position) if with_ends else ''}"
        for rises, key, position in sides
        if rises is not None
    ]


def _ends(study: Study, position: str) -> str:
    """Accuracy at both ends of an axis, with n."""
    surface = study.whole.surface
    sums = surface.cells.groupby(position)[["n", "correct", "truncated"]].sum()
    told = []
    for place in (0, -1):
        n, correct, truncated = (int(number) for number in sums.iloc[place])
        share = float(corrected_accuracy(n, correct, truncated, surface.guess_rate).value)
        told.append(f"{percent(share)} (n = {n:,})")
    return f", from {told[0]} to {told[1]}"


def _ordered(study: Study) -> str:
    surface, view = study.whole.surface, study.frame.view
    sides = ((surface.x, view.x), (surface.y, view.y))
    return " and ".join(view.label(key) for axis, key in sides if axis.is_ordered)


def _cliff_url(study: Study, cliff: Cliff) -> str:
    return study.cell_url(study.whole, cliff.x_position, cliff.y_position)


def _next_steps(study: Study, laid: Laid | None, question: Question) -> Iterator[NextStep]:
    found, whole, base = study.whole.found, study.whole, question.base
    if not base:
        return
    conditions = study.frame.conditions
    if study.frame.view.is_suggested:
        words = "This view is suggested by the dimensions of the traces; keep it, or make your own:"
        yield NextStep(words, "views", f"{base}/views")
    if found.cliffs and not found.cliffs[0].is_few:
        one = found.cliffs[0]
        url = study.cell_url(whole, one.x_position, one.y_position, outcome="incorrect")
        yield NextStep("Read the failures just past the cliff", "open", url)
        yield NextStep(
            "See at which token the failures past it come", "hazard",
            question.lens_url("hazard", conditions),
        )  # fmt: skip
    if found.pattern is Pattern.TRUNCATION or whole.cells["is_hatched"].any():
        url = study.url(whole, outcome="truncated")
        yield NextStep("Look at truncated answers: loops, or a limit too small?", "open", url)
    if found.pattern in (Pattern.SLOPE, Pattern.FRAGILE, Pattern.CHAOTIC):
        yield NextStep(
            "Ask how failures reason, at equal length", "compression",
            question.lens_url("compression", conditions),
        )  # fmt: skip
    if found.pattern is Pattern.NOT_ENOUGH:
        yield NextStep("Choose fewer ranges, a coarser dimension, or all models in one surface.")
    if laid is not None and laid.n_outside:
        words = "Read the overlaid traces outside the safe zone"
        yield NextStep(words, "open" if laid.outside_url else "", laid.outside_url)


def _tables(studies: Sequence[tuple[Study, Laid | None]]) -> Iterator[SideTable]:
    study, laid = studies[0]
    if laid is not None and laid.n:
        yield overlay_table(study, laid)
    if study.parts:
        yield _panel_table(study)
    if len(studies) > 1:
        rows = tuple(
            (Cell(one.frame.view.name), Cell(one.whole.found.pattern), Cell(finding(one)))
            for one, _ in studies[1:]
        )
        yield SideTable("Other views", ("view", "pattern", "what it shows"), rows)


def _panel_table(study: Study) -> SideTable:
    rows = []
    for part in study.parts:
        found = part.found
        rows.append(
            (
                Cell(part.name, study.url(part) if study.question.base else ""),
                Cell(found.pattern),
                Cell(f"{found.safe:,} of {found.decidable:,}", is_number=True),
                Cell(f"{part.surface.n:,}", is_number=True),
            )
        )
    left = f"; {study.left_out:,} more are in the table behind the chart" if study.left_out else ""
    return SideTable(
        title=f"By {words_of(study.panel_key)}",
        heads=(words_of(study.panel_key), "pattern", "safe", "n"),
        rows=tuple(rows),
        note=f"safe: cells among those with enough traces to be{left}",
    )


def _warnings(study: Study) -> Iterator[str]:
    view = study.frame.view
    spent = [view.label(key) for key in view.keys if key != "prompt_tokens" and SPENT.match(key)]
    if spent:
        yield (
            f"{spent[0].capitalize()} are what an attempt took, not what the problem asks: harder "
            "problems take more, so a fall along them is no proof that length does harm."
        )
    items = study.frame.traces.loc[study.frame.traces["item"] != "", "item"]
    if len(items) and len(items) >= 2 * items.nunique():
        yield (
            f"{len(items):,} traces are attempts at {items.nunique():,} items. Attempts at one "
            "item are alike, so the intervals are narrower than they should be."
        )
    folded = [axis for axis in (study.whole.surface.x, study.whole.surface.y) if axis.folded]
    for axis in folded:
        yield f"{view.label(axis.name)}: the {axis.folded:,} rarest values stand together."


def _headline(part: Part) -> tuple[Change, ...]:
    surface, found = part.surface, part.found
    if not surface.n:
        return ()
    correct, truncated = surface.cells["correct"].sum(), surface.cells["truncated"].sum()
    rate = corrected_accuracy(surface.n, correct, truncated, surface.guess_rate)
    ends = (float(rate.value), float(rate.low), float(rate.high))
    cut = found.truncation
    return (
        Change("accuracy", *ends, surface.n, "%"),
        Change("safe cells", float(found.safe), n=found.decidable),
        Change("cliffs", float(len(found.cliffs))),
        Change("truncated", cut.value, cut.low, cut.high, surface.n, "%"),
    )


def _p(value: float) -> str:
    if value != value:
        return "–"
    return f"{value:.3f}" if value >= 0.002 else "0.002"
