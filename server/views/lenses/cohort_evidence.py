"""Figures of what cohorts are worth: stability, spectrum, prediction, influence, cohesion."""

from collections.abc import Sequence

import pandas as pd

from analysis.charts import cohorts as charts
from analysis.cohorts.prediction import DIFFICULTY, Prediction
from analysis.cohorts.stability import LeftOut, SplitHalf
from analysis.cohorts.study import Cohorts
from analysis.percentages import percent
from server.views.lenses.base import Figure, Panel

_SURE = 0.05
_MOST_ROWS = 25


def evidence_figures(found: Cohorts) -> tuple[Figure, ...]:
    """Return the figures that have something to show, the most telling first."""
    drawn = (_stability(found), _spectrum(found), _prediction(found), _influence(found))
    rest = (_cohesion(found), _candidates(found))
    return tuple(figure for figure in (*drawn, *rest) if len(figure.table))


def _stability(found: Cohorts) -> Figure:
    table = pd.DataFrame(
        [
            (one.k, one.ari, one.error, one.difficulty_ari, one.null_ari, one.splits)
            for one in found.stability
        ],
        columns=["groups", "ARI", "standard error", "difficulty bins", "shuffled", "splits"],
    )
    rows = [row for one in found.stability for row in _points(one)]
    drawn = pd.DataFrame(rows, columns=["k", "what", "ari", "low", "high", "told"])
    spec = charts.stability(drawn, found.chosen.k if found.chosen else None) if rows else {}
    splits = found.stability[0].splits if found.stability else 0
    caption = (
        f"{splits} times the models were halved, families kept together, and each half grouped the "
        "same tasks: how far both agree (1: wholly, 0: as by chance; lines are two standard "
        "errors over the splits). Beside it bins of difficulty, and outcomes shuffled within each "
        "model. Only what lies above difficulty bins is more than difficulty."
    )
    return Figure("stability", "Would other models give the same?", caption, table, spec)


def _points(one: SplitHalf) -> list[tuple[object, ...]]:
    half = 2 * one.error if one.error == one.error else 0.0
    low, high = one.ari - half, one.ari + half
    told = f"{one.k} groups: halves agree at {one.ari:.2f} ({low:.2f} to {high:.2f})"
    bins = f"{one.k} bins of difficulty: {one.difficulty_ari:.2f}"
    null = f"{one.k} groups of shuffled outcomes: {one.null_ari:.2f}"
    return [
        (one.k, charts.FOUND, one.ari, low, high, told),
        (one.k, charts.BINS, one.difficulty_ari, one.difficulty_ari, one.difficulty_ari, bins),
        (one.k, charts.SHUFFLED, one.null_ari, one.null_ari, one.null_ari, null),
    ]


def _spectrum(found: Cohorts) -> Figure:
    beyond = found.structure
    shares = list(zip(beyond.shares, beyond.null_shares, strict=True))
    drawn = pd.DataFrame(
        [
            {
                "component": number,
                "share": share,
                "null": null,
                "is_beyond": number <= beyond.components,
                "told": f"component {number}: {percent(share, 1)}; "
                f"by difficulty alone up to {percent(null, 1)}",
            }
            for number, (share, null) in enumerate(shares, 1)
        ]
    )
    caption = (
        f"{beyond.components} of the first {len(shares)} components hold more than difficulty and "
        f"ability alone would give (black: the 95th percentile of {beyond.simulations} simulated "
        f"sets); p = {beyond.p:.3f} of the first. n = {beyond.n_items:,} tasks × "
        f"{beyond.n_models} models."
    )
    table = drawn.drop(columns="told", errors="ignore")
    spec = charts.spectrum(drawn) if len(drawn) else {}
    return Figure("spectrum", "Is there more than difficulty?", caption, table, spec)


def _prediction(found: Cohorts) -> Figure:
    told = found.without.predictions
    table = pd.DataFrame(
        [
            (
                *(one.method, one.revealed, one.auc.value, one.auc.low, one.auc.high),
                *(one.lift.value, one.lift.low, one.lift.high, one.log_loss, one.n_models),
            )
            for one in told
        ],
        columns=[
            *("predicted by", "tasks revealed", "AUC", "AUC low", "AUC high"),
            *("beyond difficulty", "low", "high", "log loss", "models"),
        ],
    )
    shown = [one for one in told if one.method != DIFFICULTY]
    drawn = pd.DataFrame([_lift(one) for one in shown])
    base = next((one for one in told if one.method == DIFFICULTY), None)
    alone = (
        f"Difficulty alone, the failure rate of the other models, has an AUC of "
        f"{base.auc.value:.3f} ({base.auc.low:.3f} to {base.auc.high:.3f}). "
        if base
        else ""
    )
    caption = (
        f"{alone}Groups are found without a model, then its failures are told on tasks that were "
        "not revealed. Only what is right of the line is told beyond difficulty; 95 % intervals "
        f"over {told[0].n_models if told else 0} models."
    )
    spec = (
        charts.intervals(drawn, "AUC beyond difficulty", reference=0.0, style="+.2f")
        if shown
        else {}
    )
    return Figure("prediction", "Do they predict a new model?", caption, table, spec)


def _lift(one: Prediction) -> dict[str, object]:
    return {
        "name": f"{one.method}, {one.revealed} revealed",
        "value": one.lift.value,
        "low": one.lift.low,
        "high": one.lift.high,
        "told": f"{one.method}, {one.revealed} tasks revealed: {one.lift.value:+.3f} "
        f"({one.lift.low:+.3f} to {one.lift.high:+.3f}), {one.n_models} models",
    }


def _influence(found: Cohorts) -> Figure:
    without = found.without
    kinds = (("model", without.models), ("family", without.families))
    table = pd.DataFrame(
        [(kind, part.name, part.influence, part.ari) for kind, parts in kinds for part in parts],
        columns=["left out", "name", "influence", "ARI with all"],
    ).sort_values("influence", ascending=False, kind="stable", ignore_index=True)
    panels = tuple(
        Panel(
            f"each {kind} left out", charts.intervals(_left_out(parts), "influence: 1 − ARI"), note
        )
        for kind, parts in kinds
        if parts
        for note in (f"the {min(len(parts), _MOST_ROWS)} that move most of {len(parts)}",)
    )
    values = [part.ari for part in without.models]
    mean, least = (sum(values) / len(values), min(values)) if values else (float("nan"),) * 2
    caption = (
        f"Groups without a model agree with those of all at {mean:.2f} on average (least "
        f"{least:.2f}; any two of them at {without.pairwise_ari:.2f}). This flatters: all but one "
        "model are shared. Halves of the models, above, are the honest test."
    )
    return Figure("influence", "Which models they lean on", caption, table, panels=panels)


def _left_out(parts: Sequence[LeftOut]) -> pd.DataFrame:
    ranked = sorted(parts, key=lambda part: -part.influence)[:_MOST_ROWS]
    return pd.DataFrame(
        [
            {
                "name": part.name,
                "value": part.influence,
                "low": 0.0,
                "high": part.influence,
                "told": f"without {part.name}: influence {part.influence:.3f}, ARI {part.ari:.3f}",
            }
            for part in ranked
        ]
    )


def _cohesion(found: Cohorts) -> Figure:
    rows = [one for one in found.without.cohesion if one.within == one.within]
    table = pd.DataFrame(
        [(one.model, one.within, one.expected, one.p) for one in rows],
        columns=["model", "within groups", "shuffled groups", "p"],
    )
    drawn = pd.DataFrame(
        [
            {
                "model": one.model,
                "within": one.within,
                "expected": one.expected,
                "is_sure": one.p <= _SURE,
                "told": f"{one.model}: {one.within:.3f}, shuffled {one.expected:.3f}, "
                f"p = {one.p:.3f}",
            }
            for one in rows
        ]
    )
    sure = sum(one.p <= _SURE for one in rows)
    caption = (
        f"For {sure} of {len(rows)} models that did not build the groups, failures vary less "
        "within groups than within groups shuffled among tasks of alike difficulty (p ≤ .05, no "
        f"correction; about {_SURE * len(rows):.0f} by chance): points below the line."
    )
    spec = charts.cohesion(drawn) if rows else {}
    return Figure("cohesion", "Do models fail along them?", caption, table, spec)


def _candidates(found: Cohorts) -> Figure:
    table = pd.DataFrame(
        [
            (one.method, one.k, one.noise, one.silhouette, one.difficulty_r2)
            for one in found.candidates
        ],
        columns=["method", "groups", "in no group", "silhouette", "R² of difficulty"],
    )
    caption = (
        "The groups shown, bins of difficulty, and HDBSCAN on five principal components as it is "
        "published, by its smallest group. An R² near 1 says that groups are strata of difficulty; "
        "0 % noise with few groups is no sign of quality."
    )
    return Figure("candidates", "Other ways to group", caption, table)
