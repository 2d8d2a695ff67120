"""The hazard lens: when traces end and by what, over tokens, steps or seconds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.charts import theme
from analysis.hazard.incidence import Variance
from analysis.hazard.results import TESTS, hazard_results
from analysis.hazard.spikes import POSITIONS
from analysis.hazard.study import (
    ALL,
    CAP,
    CAUSE,
    GROUP,
    TIME,
    HazardStudy,
    Settings,
    hazard_study,
)
from analysis.hazard.verdicts import Thresholds
from server.errors import Invalid, WrongArgument
from server.executors.choosing import current
from server.models.thresholds import thresholds_of
from server.views.lenses import hazard_figures, hazard_rates
from server.views.lenses import hazard_words as words
from server.views.lenses.base import (
    Lens,
    LensAnswer,
    Option,
    Question,
    SideTable,
    lens_answer,
    not_enough,
)
from server.views.lenses.hazard_figures import Part
from server.views.lenses.hazard_modes import modes_after
from server.views.lenses.hazard_onsets import Ends, ends_by_outcome, onsets_by_mode
from server.views.lenses.hazard_reading import hazard_reading, turning_point
from server.views.lenses.hazard_words import Measured
from server.views.lenses.population import LensPopulation
from server.views.lenses.registry import register

NAME = "hazard"
SEED = 0
_FIRST = ("correct", "passed", "incorrect", "invalid", words.LOOP)
"""Causes in the order in which they are stacked; others follow by name."""
Studies = list[tuple[str, HazardStudy]]


def answer(population: LensPopulation, question: Question) -> LensAnswer:
    """Answer about the traces of a project.

    Raises:
        Invalid: An option does not fit.
    """
    group_by, facet_by = (
        population.key_of(key) if key else "" for key in (question.group_by, question.facet_by)
    )
    asked = replace(question, group_by=group_by, facet_by=facet_by)
    measured = Measured.of(asked)
    hues = {mode.name: theme.HUES[mode.colour - 1] for mode in population.facts.modes}
    time = _choice(measured.time, words.TIMES, "time")
    cause = _choice(measured.cause, (words.OUTCOME, words.MODE), "cause")
    read = onsets_by_mode if cause == words.MODE else ends_by_outcome
    ends = read(population, asked, time)
    cuts = thresholds_of(population.project, Thresholds)

    def tables(parts: Sequence[Part]) -> list[SideTable]:
        if cause == words.MODE:
            return []
        return modes_after(population, ends.frame, turning_point(parts, measured), measured)

    return _answer(ends, asked, cuts, tables, hues if cause == words.MODE else {})


def answer_frame(frame: pd.DataFrame, question: Question, cuts: Thresholds) -> LensAnswer:
    """Answer about a table.

    Args:
        frame: Columns time, cause, group, facet, and cap where it is known; as text.
        question: What is asked; its option `censored` names the cause that means censored.
        cuts: The cut-offs.

    Raises:
        Invalid: An option does not fit.
    """
    plain = frame.assign(
        **{column: frame[column].map(_plain) for column in (CAUSE, "group", "facet")},
        **{column: pd.to_numeric(frame[column]) for column in (TIME, CAP) if column in frame},
    )
    timed = plain[plain[TIME].notna()].reset_index(drop=True)
    left = len(plain) - len(timed)
    excluded = (f"{left:,} without a time",) if left else ()
    return _answer(Ends(timed, excluded), question, cuts, lambda _parts: [], {})


def _plain(value: Any) -> str:
    """Return a number as people write it (1, not 1.0), so that --censored 0 finds 0.0."""
    text = str(value).strip()
    try:
        known = float(text)
    except ValueError:
        return text
    return str(int(known)) if known.is_integer() else text


def _answer(
    ends: Ends,
    question: Question,
    cuts: Thresholds,
    tables: Callable[[Sequence[Part]], Sequence[SideTable]],
    colours: Mapping[str, str],
) -> LensAnswer:
    measured = Measured.of(question, colours)
    frame = ends.frame
    settings = _settings(question, measured)
    if not len(frame):
        left = "; ".join(ends.excluded)
        told = f"Not enough data: no trace has an end to count{f' ({left})' if left else ''}."
        return not_enough(question, 0, told, excluded=ends.excluded)
    try:
        studies = _studies(frame, question, settings, cuts)
    except ValueError as error:
        raise Invalid(f"{str(error).partition(': ')[2].capitalize()}") from error
    if not any(study.groups for _, study in studies):
        key = question.facet_by or question.group_by
        told = f"Not enough data: no trace has a value of «{key}»."
        return not_enough(question, 0, told, excluded=ends.excluded)
    parts = [Part(facet, group, study) for facet, study in studies for group in study.groups]
    is_by_facet = bool(question.facet_by) and not _has_groups(frame, question)
    figures = [
        hazard_figures.curves_figure(parts, measured),
        hazard_figures.failures_figure(parts, measured),
        hazard_rates.hazard_figure(parts, measured),
        hazard_rates.spikes_figure(studies, measured) if measured.is_tokens else None,
        hazard_rates.comparison_figure(studies),
    ]
    return lens_answer(
        question,
        n=sum(study.n for _, study in studies),
        results=_results(studies, question, is_by_facet=is_by_facet),
        reading=hazard_reading(parts, studies, measured, cuts, tables(parts), ends.warnings),
        figures=[figure for figure in figures if figure is not None],
        excluded=(*ends.excluded, *_ungrouped(studies, len(frame))),
        parameters={
            "time": measured.time or "time",
            "cause": measured.cause,
            "at": list(studies[0][1].at),
            "positions": list(settings.positions) if measured.is_tokens else [],
            "bin": studies[0][1].width,
            "variance": settings.variance.value,
            "seed": SEED,
        },
    )


def _ungrouped(studies: Studies, n: int) -> tuple[str, ...]:
    left = n - sum(study.n for _, study in studies)
    return (f"{left:,} of no group",) if left else ()


def _settings(question: Question, measured: Measured) -> Settings:
    usual = POSITIONS if measured.is_tokens else ()
    more = _numbers(question.option("positions"), "positions")
    width = _numbers(question.option("bin"), "bin")
    variance = _choice(question.option("variance", Variance.AALEN), tuple(Variance), "variance")
    return Settings(
        causes=_FIRST,
        censored=_plain(question.option("censored")),
        at=tuple(sorted(_numbers(question.option("at"), "at"))),
        positions=tuple(sorted({*usual, *more})) if measured.is_tokens else (),
        width=width[0] if width else 0.0,
        is_tokens=measured.is_tokens,
        is_whole=measured.time == words.STEPS,
        variance=Variance(variance),
    )


def _choice(value: str, known: Any, name: str) -> str:
    if value not in known:
        raise WrongArgument(f"«{value}» is no {name}. There is: {', '.join(known)}.")
    return value


def _numbers(written: str, name: str) -> list[float]:
    """Read numbers with commas between them.

    Raises:
        Invalid: One is no number above 0.
    """
    found = []
    for part in written.replace(";", ",").split(","):
        if not (text := part.strip()):
            continue
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not 0 < number < np.inf:
            raise WrongArgument(f"{name}: «{text}» is no number above 0. Write 1024,2048,4096.")
        found.append(number)
    return found


def _studies(
    frame: pd.DataFrame, question: Question, settings: Settings, cuts: Thresholds
) -> Studies:
    """Return the study of each facet; of all groups, which facets are where nothing is grouped."""
    rng = np.random.default_rng(SEED)
    named = frame[frame["group"] != ""] if _has_groups(frame, question) else frame
    if not question.facet_by:
        return [("", hazard_study(named, rng, settings, cuts, current()))]
    in_facets = named[named["facet"] != ""]
    if not _has_groups(frame, question):
        facets = in_facets.assign(**{GROUP: in_facets["facet"]})
        return [("", hazard_study(facets, rng, settings, cuts, current()))]
    return [
        (str(facet), hazard_study(own.reset_index(drop=True), rng, settings, cuts, current()))
        for facet, own in in_facets.groupby("facet", sort=True)
    ]


def _has_groups(frame: pd.DataFrame, question: Question) -> bool:
    """Whether traces are grouped: asked for, or by a column `group` of a table."""
    return bool(question.group_by or (frame["group"] != "").any())


def _results(studies: Studies, question: Question, *, is_by_facet: bool) -> dict[str, Any]:
    if not question.facet_by:
        return hazard_results(studies[0][1])
    if not is_by_facet:
        return {"facets": {facet: hazard_results(study) for facet, study in studies}}
    together = hazard_results(studies[0][1])
    tests = together.pop(TESTS)
    facets = {
        name: {
            ALL: found,
            TESTS: {"gray": {}, "spikes": [one for one in tests["spikes"] if one["group"] == name]},
        }
        for name, found in together.items()
    }
    return {"facets": facets, TESTS: tests}


_TIME_CHOICES = tuple(words.TIMES.items())
HAZARD = register(
    Lens(
        name=NAME,
        title="Hazard",
        asks="When does thinking degrade? How traces end over time, and whether failures come "
        "early, late, at a wall, or evenly.",
        answer=answer,
        options=(
            Option("time", "by", words.TOKENS, _TIME_CHOICES),
            Option(
                "cause",
                "causes",
                words.OUTCOME,
                ((words.OUTCOME, "outcome"), (words.MODE, "first failure mode")),
                hint="By mode: when judged traces first went wrong.",
            ),
            Option("loop", "loops", "no", (("no", "not told apart"), ("yes", "a cause"))),
            Option("scale", "axis", "", (("", "as fits"), ("log", "log"), ("linear", "linear"))),
            Option("positions", "walls also at", hint="Numbers with commas between them."),
            Option("at", "numbers at", hint="Times with commas between them."),
            Option("bin", "bin", hint="Width of a bin.", is_number=True),
        ),
        thresholds=Thresholds,
        needs="tokens (or steps, or seconds) and outcomes",
    )
)
