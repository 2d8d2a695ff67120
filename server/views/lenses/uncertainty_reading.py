"""What uncertainty says in words: verdict, evidence, what to do next."""

from collections.abc import Sequence

import pandas as pd

from analysis.estimates import Estimate
from analysis.percentages import percent, percents
from analysis.self_consistency.agreement import best_flag
from analysis.self_consistency.study import TOLD_AT, U_EARLY, U_FULL, Study
from analysis.self_consistency.triage import Triage
from analysis.thresholds import thresholds_in_words
from analysis.uncertainty.confirmation import Confirmation
from analysis.uncertainty.nested import Nested
from analysis.uncertainty.report import Report
from analysis.uncertainty.strata import Stratum
from analysis.uncertainty.trace_readings import READING
from analysis.uncertainty.windows import Mode, Thresholds
from server.views.lenses.base import (
    Cell,
    Change,
    Evidence,
    NextStep,
    Question,
    Reading,
    SideTable,
)
from server.views.lenses.uncertainty_parts import WORDS, Part

_MEANS = {
    Mode.COMMITTED: "the first {window} tokens tell failures better than the whole trace does: "
    "these traces lock into a wrong path early.",
    Mode.NEAR_COMMITTED: "the first {window} tokens seem to tell failures better than the whole "
    "trace, but {doubt}.",
    Mode.PERSISTENT: "the whole trace tells failures better than its first tokens do: doubt stays "
    "to the end.",
    Mode.UNDECIDED: "{doubt}.",
}
_NEXT = {
    Mode.COMMITTED: (
        "Watch the first {window} tokens: stop or sample again where they are uncertain, before "
        "the rest is paid for.",
        "Read failures that look committed",
    ),
    Mode.NEAR_COMMITTED: (
        "Collect more failures before acting on it, or look at one level of difficulty.",
        "Read failures",
    ),
    Mode.PERSISTENT: (
        "Check at the end rather than early: verify the answer, or take a majority of runs.",
        "Read failures",
    ),
    Mode.UNDECIDED: (
        "Do not stop early by these signals. Import more runs, or look at one level of difficulty.",
        "Read failures",
    ),
    Mode.NOT_ENOUGH: ("Import more traces with their token features.", ""),
}
_NO_WINDOW = "no window of the first tokens is there"
_CLEARLY = 0.03
"""Share of failures by which a skip has to lie below chance before it is worth a warning."""
FAILURES = {"outcome": ["incorrect", "invalid", "truncated"]}


def reading(
    parts: Sequence[Part], question: Question, cuts: Thresholds, confirmed: Confirmation | None
) -> Reading:
    """Say what one configuration shows, or what several do."""
    with_report = [part for part in parts if part.report is not None]
    if not with_report:
        return _runs_only(parts, question, cuts)
    if len(with_report) == 1:
        return _one(with_report[0], question, cuts)
    return _many(with_report, question, cuts, confirmed)


def _one(part: Part, question: Question, cuts: Thresholds) -> Reading:
    report = part.report
    if report is None:
        return Reading("")
    words = WORDS[report.mode]
    return Reading(
        sentence=sentence(report),
        pattern="" if report.mode is Mode.NOT_ENOUGH else words,
        evidence=(*_evidence(report), *_runs(part.study)),
        next_steps=_next(part, report, question),
        thresholds=thresholds_in_words(cuts),
        tables=_tables(report, cuts),
        warnings=(
            *_mixed(part, question),
            *_settings(part),
            *report.warnings,
            *_run_warnings(part.study),
        ),
        headline=_headline(report),
    )


def sentence(report: Report) -> str:
    """Return the verdict of a configuration and what it means."""
    mode = report.mode
    if mode is Mode.NOT_ENOUGH:
        if report.nested is not None:
            return report.nested.reason
        lacks = "no model can be fitted" if report.table.windows else _NO_WINDOW
        return f"Not enough data: {lacks}."
    window = report.commitment_window
    if window is None and report.nested is not None:
        window = report.nested.compared_window
    if window is None and report.published is not None:
        window = report.published.window
    named = f"{window:,}" if window else ""
    if report.nested is None:
        return (
            f"{WORDS[mode].capitalize()} as published, at the first {named} tokens. "
            "Nothing is held out, and nothing is corrected over windows."
        )
    meaning = _MEANS[mode].format(window=named, doubt=_doubt(report.nested))
    return f"{WORDS[mode].capitalize()}: {meaning}"


def _doubt(found: Nested) -> str:
    """Return why a verdict is no more than near or undecided."""
    held_out = found.held_out
    if held_out is None or not held_out.is_informative:
        return "uncertainty tells failures no better than chance does, early or late"
    if held_out.delta.low > 0 or held_out.delta.high < 0:
        return "on most training parts no window stands after correction over windows"
    if found.mode is Mode.NEAR_COMMITTED:
        return "held-out traces do not settle it"
    return "no difference between first tokens and the whole trace stands on held-out traces"


def _evidence(report: Report) -> tuple[Evidence, ...]:
    published, nested = report.published, report.nested
    rows = []
    if nested is not None:
        rows.append(Evidence("held-out traces", nested.reason))
    if published is not None:
        window = "" if published.window is None else f", window {published.window:,}"
        full = told(published.full)
        corrected = "; no correction over windows" if published.windows else ""
        rows.append(Evidence("as published", f"{WORDS[published.mode]}{window}{corrected}"))
        auroc, chance = published.full_auroc, report.baselines.base_rate.value
        rows.append(
            Evidence("all tokens", f"PR-AUC {full}, AUROC {auroc:.3f}; chance {chance:.3f}")
        )
    if report.baselines.length is not None:
        length = told(report.baselines.length)
        rows.append(Evidence("length alone", f"PR-AUC {length}, over all traces"))
    readings = report.readings
    if readings is not None:
        counts = readings.frame[READING].value_counts()
        said = ", ".join(f"{count} {name}" for name, count in counts.items())
        rows.append(
            Evidence("single traces", f"{said}. {readings.reason}" if said else readings.reason)
        )
    return tuple(rows)


def told(found: Estimate) -> str:
    """Return a value with its interval and n."""
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f}, n = {found.n:,})"


def _mixed(part: Part, question: Question) -> tuple[str, ...]:
    """Warn of several evaluations or models in one comparison; as a group they stand apart."""
    for column, words in (("eval_id", "evaluations"), ("model", "models")):
        if column not in part.frame or column in (question.group_by, question.facet_by):
            continue
        count = part.frame[column].replace("", pd.NA).nunique()
        if count > 1:
            return (
                f"{count} {words} are compared as one: what tells them apart may look like "
                f"uncertainty. Group by {column}.",
            )
    return ()


def _settings(part: Part) -> tuple[str, ...]:
    if len(part.settings) < 2:
        return ()
    return (
        f"Features were made in different ways ({'; '.join(part.settings)}): values are not "
        "comparable across K, q and δ. Filter to one.",
    )


def _next(part: Part, report: Report, question: Question) -> tuple[NextStep, ...]:
    text, link = _NEXT[report.mode]
    window = report.commitment_window or 0
    href = question.traces_url(part.condition, FAILURES) if link and question.base else ""
    steps = [NextStep(text.format(window=f"{window:,}"), link if href else "", href)]
    if report.restricted.dropped_failures:
        steps.append(
            NextStep(
                "Correct outcomes that the grader got wrong; this page then shows what they change."
            )
        )
    return tuple(steps)


def _level(found: Stratum, cuts: Thresholds) -> str:
    few = min(found.failures, found.n - found.failures) < cuts.failures
    return "not enough data" if few or found.strength is None else found.strength.value


def _tables(report: Report, cuts: Thresholds) -> tuple[SideTable, ...]:
    if not report.strata.strata:
        return ()
    rows = tuple(
        (
            Cell(one.name),
            Cell(f"{one.failures} / {one.n}", is_number=True),
            Cell(_level(one, cuts)),
            Cell(f"{one.reference.z:+.2f}" if one.reference else "–", is_number=True),
        )
        for one in report.strata.strata
    )
    trend = report.strata.trend
    note = (
        "z: mean difference in standard deviations of its draws, at the window nearest 400. In the "
        "published words a level that is not committed is persistent; that tests nothing."
    )
    if trend is not None:
        note += f" Slope over {trend.levels} levels {trend.slope:+.2f}."
    heads = ("level", "failures / n", "says", "z")
    return (SideTable("By level of difficulty", heads, rows, note),)


def _headline(report: Report) -> tuple[Change, ...]:
    rows = [_change("share of failures", report.baselines.base_rate, "%")]
    if report.published is not None:
        rows.append(_change("PR-AUC of all tokens", report.published.full))
        best = max(report.published.windows, key=lambda one: one.early.value, default=None)
        if best is not None:
            rows.append(_change("PR-AUC of the best window", best.early))
    if report.nested is not None and report.nested.held_out is not None:
        rows.append(_change("held-out difference", report.nested.held_out.delta))
    return tuple(rows)


def _change(name: str, found: Estimate, unit: str = "") -> Change:
    return Change(name, found.value, found.low, found.high, found.n, unit)


def _many(
    parts: Sequence[Part], question: Question, cuts: Thresholds, confirmed: Confirmation | None
) -> Reading:
    counts: dict[str, int] = {}
    for part in parts:
        if part.report is not None:
            counts[WORDS[part.report.mode]] = counts.get(WORDS[part.report.mode], 0) + 1
    said = ", ".join(f"{count} {words}" for words, count in counts.items())
    evidence = []
    for part in parts:
        if part.report is not None:
            href = question.traces_url(part.condition) if question.base else ""
            evidence.append(Evidence(part.title, sentence(part.report), href))
    if confirmed is not None and confirmed.sign_p is not None:
        folds = confirmed.committed + confirmed.persistent
        ranks = confirmed.mann_whitney_p
        also = "" if ranks is None else f"; committed above persistent p = {ranks:.3g}"
        evidence.append(
            Evidence(
                "all together",
                f"{confirmed.as_expected} of {folds} folds keep their sign on held-out traces "
                f"(p = {confirmed.sign_p:.3g}{also})",
            )
        )
    warnings = [
        f"{part.title}: {warning}"
        for part in parts
        if part.report is not None
        for warning in (*_settings(part), *part.report.warnings)
    ]
    headline = [
        Change(f"{part.title}: {one.name}", one.value, one.low, one.high, one.n, one.unit)
        for part in parts
        if part.report is not None
        for one in _headline(part.report)
    ]
    return Reading(
        sentence=f"{len(parts)} configurations: {said}.",
        evidence=tuple(evidence),
        thresholds=thresholds_in_words(cuts),
        warnings=tuple(warnings),
        headline=tuple(headline),
    )


def _runs_only(parts: Sequence[Part], question: Question, cuts: Thresholds) -> Reading:
    studies = [part.study for part in parts if part.study is not None]
    if not studies and question.option("rule") == "self_consistency":
        return Reading(
            "Not enough data: no item has several runs.",
            next_steps=(NextStep("Import several runs of each item, under one item id."),),
        )
    if not studies:
        return Reading(
            "Not enough data: no trace has token features, and no item several runs.",
            next_steps=(
                NextStep(
                    "Import a table of token features: format uncertainty-features.",
                    "Import" if question.base else "",
                    f"{question.base}/imports" if question.base else "",
                ),
            ),
        )
    first = studies[0]
    return Reading(
        sentence=_majority(first)
        if len(studies) == 1
        else f"{len(studies)} groups of items with several runs.",
        evidence=tuple(
            row
            for part in parts
            for row in _runs(part.study, f"{part.title}: " if len(studies) > 1 else "")
        ),
        thresholds=thresholds_in_words(cuts),
        warnings=tuple(warning for found in studies for warning in _run_warnings(found)),
        headline=tuple(
            _change(f"{part.title}: right majority", part.study.majority, "%")
            for part in parts
            if part.study is not None
        ),
    )


def _majority(found: Study) -> str:
    share, single = found.majority, found.single
    return (
        f"The majority of the runs is right for {percent(share.value)} of {found.items.n:,} items "
        f"({percents(share.low, share.high)}), the first run for {percent(single.value)}."
    )


def _runs(found: Study | None, prefix: str = "") -> tuple[Evidence, ...]:
    if found is None:
        return ()
    by = "answers" if found.items.by_answers else "being right or wrong"
    rows = [
        Evidence(
            f"{prefix}several runs",
            f"{_majority(found)} Mean agreement {found.agreement:.2f}, by {by}.",
        )
    ]
    best = best_flag(found.flags)
    if best is not None:
        rows.append(
            Evidence(
                f"{prefix}uncertain items",
                f"Flagging u ≥ {best.threshold:.3f} ({percent(best.flagged)} of items) agrees with "
                f"wrong majorities by κ = {best.kappa:.2f}; misses {percent(best.missed.value)} "
                f"({percents(best.missed.low, best.missed.high)}, n = {best.missed.n}).",
            )
        )
    for one in found.complements:
        if one.is_complementary is not None:
            says = "adds to agreement" if one.is_complementary else "does not add to the better one"
            rows.append(Evidence(f"{prefix}{one.about}", f"Uncertainty {says}."))
    return tuple(rows)


def _run_warnings(found: Study | None) -> tuple[str, ...]:
    if found is None:
        return ()
    rows = []
    if found.items.single:
        rows.append(f"{found.items.single:,} items with one run are left out of the agreement.")
    ranked = [name for name in (U_EARLY, U_FULL) if name in found.triages]
    if not ranked:
        rows.append("No run has token features: agreement stands alone, uncertainty is not ranked.")
    elif found.items.unranked:
        rows.append(
            f"{found.items.unranked:,} of {found.items.n:,} items have no uncertainty: they are "
            "not ranked, and not counted in the curve."
        )
    rows.extend(
        f"Skipping {_listed(below)} by {name} keeps fewer failures than skipping at random does."
        for name, one in found.triages.items()
        if (below := _clearly_below(one))
    )
    return tuple(rows)


def _clearly_below(curve: Triage) -> list[float]:
    """Return the published shares at which a curve lies below chance by `_CLEARLY` or more."""
    return [
        one.share
        for one in curve.skips
        if one.share in TOLD_AT and one.by_chance - one.recall.value >= _CLEARLY
    ]


def _listed(shares: Sequence[float]) -> str:
    return ", ".join(percent(share) for share in shares)
