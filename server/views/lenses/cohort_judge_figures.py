"""A judge against execution, drawn and said."""

import pandas as pd

from analysis.charts import cohorts as charts
from analysis.charts.theme import TRACES
from analysis.estimates import Estimate
from analysis.judge_gap import FEWEST, WIDE_GAP, JudgeGap
from analysis.percentages import percent, percents
from server.views.lenses.base import Evidence, Figure, Panel, Question
from server.views.lenses.cohort_judges import JudgeStudy, PartGap
from server.views.lenses.population import where

_KINDS = {"all": "all", "cohort": "by cohort", "mode": "by failure mode", "model": "by model"}
_FILTERS = {"mode": "mode", "model": "model"}


def judge_figures(studies: tuple[JudgeStudy, ...], question: Question) -> tuple[Figure, ...]:
    """Return a figure for each judge."""
    return tuple(_figure(study, place, question) for place, study in enumerate(studies))


def _figure(study: JudgeStudy, place: int, question: Question) -> Figure:
    table = _table(study, question)
    panels = tuple(
        Panel(title, _chart(table[table["kind"] == kind]))
        for kind, title in _KINDS.items()
        if (table["kind"] == kind).any()
    )
    whole = study.whole
    caption = (
        f"Share of traces that {study.judge} calls success minus the share that succeeded when "
        f"executed: {gap_in_words(whole)}. Right of the line the judge is too kind. Intervals "
        f"resample tasks; parts of fewer than {FEWEST} traces say nothing yet. Failure modes are "
        "those that were labelled when this was computed."
    )
    name = "judge-gap" if not place else f"judge-gap-{place + 1}"
    shown = table.drop(columns="told")
    return Figure(name, f"Judge against execution: {study.judge}", caption, shown, panels=panels)


def _chart(rows: pd.DataFrame) -> dict[str, object]:
    drawn = rows.rename(columns={"gap": "value"})
    return charts.intervals(drawn, "judged minus executed", reference=0.0, style="+.0%")


def _table(study: JudgeStudy, question: Question) -> pd.DataFrame:
    rows = [_row(part, question) for part in study.parts]
    frame = pd.DataFrame(rows)
    return frame if question.base else frame.drop(columns=TRACES)


def _row(part: PartGap, question: Question) -> dict[str, object]:
    gap = part.gap
    key = _FILTERS.get(part.kind)
    return {
        "kind": part.kind,
        "name": part.name,
        "gap": gap.gap.value,
        "low": gap.gap.low,
        "high": gap.gap.high,
        "n": gap.n,
        "McNemar p": gap.p,
        "false success": gap.false_success.value,
        "of failures": gap.false_success.n,
        "missed success": gap.missed_success.value,
        "of successes": gap.missed_success.n,
        "kappa": gap.kappa,
        "meta-failure": gap.is_meta_failure,
        "told": f"{part.name}: {gap_in_words(gap)}",
        TRACES: question.traces_url(where(key, part.name) if key else {}),
    }


def gap_in_words(gap: JudgeGap) -> str:
    """Return the gap in points with its interval and n."""
    found = gap.gap
    few = f", too few: {FEWEST} are needed" if gap.n < FEWEST else ""
    return (
        f"{_points(found.value)} points ({_points(found.low)} to {_points(found.high)}, "
        f"n = {gap.n:,}{few})"
    )


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


def judge_evidence(studies: tuple[JudgeStudy, ...]) -> tuple[Evidence, ...]:
    """Say of each judge how far it is off, in which direction, and what the rate is corrected."""
    return tuple(
        Evidence(f"judge: {study.judge}", f"{_error(study.whole)}{_corrected(study)}")
        for study in studies
    )


def _error(gap: JudgeGap) -> str:
    missed, false = gap.missed_success, gap.false_success
    kappa = f"; kappa {gap.kappa:.2f}" if gap.kappa == gap.kappa else ""
    return (
        f"{gap_in_words(gap)}; McNemar p {_p(gap.p)}; calls {_share(false)} of the failures a "
        f"success and {_share(missed)} of the successes a failure{kappa}."
    )


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


def _share(found: Estimate) -> str:
    if not found.n:
        return "none of 0"
    return f"{percent(found.value)} ({percents(found.low, found.high)}, n = {found.n:,})"


def _corrected(study: JudgeStudy) -> str:
    if not study.unexecuted:
        return ""
    said = f" Of {study.unexecuted:,} more, not executed, it calls {percent(study.said)} a success"
    if study.corrected is None:
        return f"{said}; no corrected rate: it tells success from failure too poorly."
    found = study.corrected
    return f"{said}; corrected {percent(found.value)} ({percents(found.low, found.high)})."


def judge_warnings(studies: tuple[JudgeStudy, ...]) -> tuple[str, ...]:
    """Name where the judge itself is what fails."""
    found = []
    for study in studies:
        bad = [part.name for part in study.parts if part.gap.is_meta_failure]
        if bad:
            found.append(
                f"Meta-failure: {study.judge} is at least {100 * WIDE_GAP:.0f} points too kind on "
                f"{', '.join(bad[:5])}{f' and {len(bad) - 5} more' if len(bad) > 5 else ''}. Mend "
                "the judge before you read anything into its outcomes."
            )
    return tuple(found)
