"""Figures of cohorts: who fails which tasks, and how often each model fails in each cohort."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from analysis.charts import cohorts as charts
from analysis.charts.theme import LARGEST, TRACES
from analysis.cohorts.outcome_matrix import OutcomeMatrix
from analysis.cohorts.study import Cohorts
from analysis.cohorts.taxonomy import SOLVED_BY_ALL, SOLVED_BY_NONE, ProfileCell
from analysis.percentages import percent, percents
from server.views.filter_bar import url
from server.views.lenses.base import Figure, Panel, Question
from server.views.lenses.cohort_matrix import ModelRuns
from server.views.lenses.cohort_results import cohort_table, failure_shares

_BINNED = 6_000
"""Cells that are drawn where there are more than a chart may hold."""
_LINKED = 20
"""Tasks that one link may name."""
_PANELS = 12
_CELL = ["start", "end", "model", "failed", "told", TRACES]
_STRATA = (SOLVED_BY_ALL, SOLVED_BY_NONE)


def map_figure(found: Cohorts, runs: ModelRuns, question: Question) -> Figure:
    """Return all tasks × models, by cohort and difficulty; of many, several tasks a cell."""
    matrix = found.matrix
    bins = _bins(found)
    models = _ranked(matrix)
    rows = list(_cells(found, runs, bins, question))
    rows = list(_cells(found, runs, bins, question))
    cells = pd.DataFrame(rows, columns=_CELL)
    spec = charts.task_map(cells, _borders(found, bins), models)
    most = max((end - start for start, end, _ in bins), default=1)
    binned = "" if most == 1 else f" A cell holds up to {most} tasks of alike difficulty."
    caption = (
        f"{len(matrix.items):,} tasks × {len(matrix.models)} models: the darker, the more runs "
        f"fail; blank was not tried.{binned} Lines part the cohorts. Click a cell to read its "
        "traces."
    )
    return Figure("map", "Who fails which tasks", caption, _task_table(found, runs, question), spec)


def _bins(found: Cohorts) -> list[tuple[int, int, np.ndarray]]:
    """Tasks in the order of the map, cut into bins that hold tasks of one cohort only."""
    matrix = found.matrix
    shares = failure_shares(matrix)
    cells = len(matrix.items) * len(matrix.models)
    size = 1 if cells <= LARGEST else -(-cells // _BINNED)
    bins, start = [], 0
    for group in range(len(found.names)):
        own = np.flatnonzero(found.labels == group)
        own = own[np.argsort(-shares[own], kind="stable")]
        for at in range(0, len(own), size):
            part = own[at : at + size]
            bins.append((start, start + len(part), part))
            start += len(part)
    return bins


def _cells(
    found: Cohorts, runs: ModelRuns, bins: Sequence[tuple[int, int, np.ndarray]], question: Question
) -> Iterator[tuple[int, int, str, float, str, str]]:
    matrix = found.matrix
    for start, end, tasks in bins:
        cohort = found.names[found.labels[tasks[0]]]
        trials, passes = matrix.trials[tasks].sum(axis=0), matrix.passes[tasks].sum(axis=0)
        what = matrix.items[tasks[0]] if len(tasks) == 1 else f"{len(tasks)} tasks"
        place = _place(runs, [matrix.items[task] for task in tasks])
        for column, model in enumerate(matrix.models):
            if not trials[column]:
                continue
            failed = int(trials[column] - passes[column])
            told = f"{model}, {what} of {cohort}: {failed} of {trials[column]} runs failed"
            link = question.traces_url({"model": model}, place) if place else ""
            share = failed / float(trials[column])
            yield start, end, model, round(share, 4), told, link


def _place(runs: ModelRuns, items: Sequence[str]) -> dict[str, list[str]]:
    """The filter of some tasks; of many, of those at the middle of the bin."""
    first = max(0, (len(items) - _LINKED) // 2)
    named = items[first : first + _LINKED]
    places = [runs.places[item] for item in named if item in runs.places]
    keys = {key for place in places for key in place}
    return {
        key: list(dict.fromkeys(place[key] for place in places if key in place)) for key in keys
    }


def _borders(found: Cohorts, bins: Sequence[tuple[int, int, np.ndarray]]) -> pd.DataFrame:
    rows = []
    whole = max((end for _, end, _ in bins), default=1)
    for group, name in enumerate(found.names):
        own = [(start, end) for start, end, tasks in bins if found.labels[tasks[0]] == group]
        if own:
            first, last = own[0][0], own[-1][1]
            # Names of narrow cohorts would lie over each other: their border alone is drawn.
            shown = _short(name) if last - first > 0.07 * whole else ""
            rows.append((first, (first + last) / 2, shown))
    return pd.DataFrame(rows, columns=["start", "middle", "name"])


def _short(name: str) -> str:
    return {SOLVED_BY_ALL: "all pass", SOLVED_BY_NONE: "all fail"}.get(name, name)


def _ranked(matrix: OutcomeMatrix) -> list[str]:
    rates = np.nanmean(matrix.outcomes, axis=0)
    return [matrix.models[column] for column in np.argsort(-rates, kind="stable")]


def _task_table(found: Cohorts, runs: ModelRuns, question: Question) -> pd.DataFrame:
    table = cohort_table(found)
    links = [
        question.traces_url(_place(runs, [item])) if item in runs.places else ""
        for item in table["item"]
    ]
    return table.assign(**{TRACES: links})


def profile_figure(found: Cohorts, question: Question) -> Figure:
    """Return the failure rate of each model in each cohort, with Wilson's interval over tasks."""
    matrix = found.matrix
    ranked = {model: place for place, model in enumerate(_ranked(matrix))}
    groups = [g for g, name in enumerate(found.names) if name not in _STRATA][:_PANELS]
    by_group: dict[int, list[ProfileCell]] = {}
    for cell in sorted(found.profiles, key=lambda cell: ranked[cell.model]):
        by_group.setdefault(cell.group, []).append(cell)
    panels = []
    for group in groups:
        own = by_group.get(group, [])
        rows = _profile_rows(own, question)
        mean = float(np.nanmean([cell.failure_rate.value for cell in own]))
        spec = charts.intervals(rows, "failure rate", reference=mean)
        size = int((found.labels == group).sum())
        panels.append(Panel(found.names[group], spec, f"n = {size:,} tasks"))
    caption = (
        "Share of the tasks of each cohort that a model fails, the best model first; 95 % "
        "intervals over tasks, the dashed line is the mean of the models. A model helped to "
        "build the cohorts that it is shown in: what holds for models that did not stands "
        "under prediction."
    )
    table = pd.DataFrame(
        [
            (cell.model, found.names[cell.group], rate.value, rate.low, rate.high, rate.n)
            for cells in by_group.values()
            for cell in cells
            for rate in (cell.failure_rate,)
        ],
        columns=["model", "cohort", "failure rate", "low", "high", "tasks"],
    )
    return Figure("profiles", "What each model fails", caption, table, panels=tuple(panels))


def _profile_rows(cells: Sequence[ProfileCell], question: Question) -> pd.DataFrame:
    rows = [
        {
            "name": cell.model,
            "value": rate.value,
            "low": rate.low,
            "high": rate.high,
            "told": f"{cell.model} fails {percent(rate.value)} ({percents(rate.low, rate.high)}) "
            f"of {rate.n:,} tasks",
            TRACES: page_url(question, "/models/profile", ("of", cell.model)),
        }
        for cell in cells
        for rate in (cell.failure_rate,)
    ]
    frame = pd.DataFrame(rows)
    return frame if question.base else frame.drop(columns=TRACES)


def page_url(question: Question, path: str, *more: tuple[str, str]) -> str:
    """Return a page about the kept cohorts of the same traces; empty where they have none.

    Pages know the study of a population as a whole, with nothing chosen.
    """
    if not question.base or question.options or question.split_by:
        return ""
    return url(f"{question.base}{path}", [*question.filters.to_query(), *more])
