"""The cohorts lens: which tasks do models fail together?"""

from dataclasses import dataclass, replace

from analysis.cohorts.study import Cohorts, Effort, Told, study
from server.errors import Invalid
from server.executors.choosing import current
from server.views.lenses.base import (
    Evidence,
    Figure,
    Lens,
    LensAnswer,
    Option,
    Question,
    Reading,
    lens_answer,
)
from server.views.lenses.cohort_evidence import evidence_figures
from server.views.lenses.cohort_figures import map_figure, profile_figure
from server.views.lenses.cohort_judge_figures import judge_evidence, judge_figures, judge_warnings
from server.views.lenses.cohort_judges import (
    Judged,
    JudgeStudy,
    judge_results,
    judge_studies,
    judged_of,
)
from server.views.lenses.cohort_matrix import ModelRuns, runs_of
from server.views.lenses.cohort_reading import THRESHOLDS, cohort_reading
from server.views.lenses.cohort_results import cohort_results, cohort_table
from server.views.lenses.cohort_sampling import (
    Sampling,
    budgets_of,
    sampling_figures,
    sampling_in_words,
    sampling_of,
    sampling_results,
)
from server.views.lenses.cohort_study import LENS
from server.views.lenses.population import LensPopulation, Progress
from server.views.lenses.registry import register

K, SEED, EFFORT, BUDGET = "k", "seed", "effort", "budget"
ROUGH = "rough"
_ROUGH = Effort(simulations=20, splits=6, sweeps_density=False)
_MOST_GROUPS = 50


@dataclass(frozen=True)
class Asked:
    """The options of a question, read."""

    k: int | None
    seed: int
    is_rough: bool
    budgets: tuple[int, ...]


def answer(population: LensPopulation, question: Question) -> LensAnswer:
    """Answer about the traces of a project.

    Raises:
        Invalid: An option does not fit.
    """
    judges = judged_of(population)
    return answer_runs(runs_of(population), judges, question, population.progress)


def _tell_nobody(done: int, total: int | None, text: str) -> None:
    """Where nobody waits for a progress bar."""


def answer_runs(
    runs: ModelRuns,
    judges: tuple[Judged, ...],
    question: Question,
    progress: Progress = _tell_nobody,
) -> LensAnswer:
    """Answer about runs, whether of a project or of a table.

    Args:
        runs: Who passed what.
        judges: What judges said beside what execution shows.
        question: What is asked.
        progress: Told what is being done.

    Raises:
        Invalid: An option does not fit.
    """
    asked = _asked(question)

    def told(doing: str) -> None:
        progress(0, None, doing)

    found = None if runs.matrix.too_small else _studied(runs, asked, told)
    sampling = _sampled(runs, asked, told)
    told("judges against execution")
    studies = judge_studies(judges, _cohort_of(found))
    return lens_answer(
        question,
        n=int(runs.matrix.trials.sum()) or len(runs.frame),
        results={
            **(cohort_results(found) if found else {}),
            "sampling": sampling_results(sampling),
            "judge_gap": judge_results(studies),
        },
        reading=_reading(found, runs, question, sampling, studies),
        figures=(
            *(_figures(found, runs, question) if found else ()),
            *sampling_figures(sampling),
            *judge_figures(studies, question),
        ),
        table=cohort_table(found) if found else None,
        excluded=(*runs.excluded, *runs.gaps),
        parameters={"seed": asked.seed, "k": asked.k, "rough": asked.is_rough},
    )


def _studied(runs: ModelRuns, asked: Asked, told: Told) -> Cohorts:
    effort = _ROUGH if asked.is_rough else None
    return study(
        runs.matrix,
        runs.families,
        seed=asked.seed,
        effort=effort,
        k=asked.k,
        told=told,
        executor=current(),
    )


def _cohort_of(found: Cohorts | None) -> dict[str, str]:
    if found is None:
        return {}
    pairs = zip(found.matrix.items, found.labels, strict=True)
    return {item: found.names[label] for item, label in pairs}


def _reading(
    found: Cohorts | None,
    runs: ModelRuns,
    question: Question,
    sampling: Sampling | None,
    studies: tuple[JudgeStudy, ...],
) -> Reading:
    told = cohort_reading(found, runs, question) if found else _too_small(runs)
    return replace(
        told,
        evidence=(*told.evidence, *_small_sets(sampling), *judge_evidence(studies)),
        warnings=(*judge_warnings(studies), *told.warnings),
    )


def _asked(question: Question) -> Asked:
    return Asked(
        k=_number(question.option(K), "groups", 2, _MOST_GROUPS) if question.option(K) else None,
        seed=_number(question.option(SEED, "0"), "seed", 0, 2**31 - 1),
        is_rough=question.option(EFFORT) == ROUGH,
        budgets=budgets_of(question.option(BUDGET)),
    )


def _number(written: str, name: str, least: int, most: int) -> int:
    number = int(written) if written.isascii() and written.isdecimal() else -1
    if not least <= number <= most:
        raise Invalid(f"«{written[:40]}» {name}: expected a whole number from {least} to {most:,}.")
    return number


def _sampled(runs: ModelRuns, asked: Asked, told: Told) -> Sampling | None:
    if not asked.budgets or not runs.matrix.items or not runs.matrix.models:
        return None
    told("few tasks instead of all")
    return sampling_of(runs, asked.budgets, seed=asked.seed, is_rough=asked.is_rough)


def _small_sets(sampling: Sampling | None) -> tuple[Evidence, ...]:
    said = sampling_in_words(sampling)
    return (Evidence("small sets", said),) if said else ()


def _figures(found: Cohorts, runs: ModelRuns, question: Question) -> tuple[Figure, ...]:
    first, *rest = evidence_figures(found)
    return (
        map_figure(found, runs, question),
        first,
        profile_figure(found, question),
        *rest,
    )


def _too_small(runs: ModelRuns) -> Reading:
    matrix = runs.matrix
    lacking = ""
    if matrix.left_out:
        lacking = (
            " Models that did not try four fifths of the tasks do not count: filter to tasks that "
            "they share."
        )
    return Reading(f"Not enough data: {matrix.too_small}.{lacking}", thresholds=THRESHOLDS)


COHORTS = register(
    Lens(
        LENS,
        "Cohorts",
        "Which tasks do models fail together?",
        answer,
        options=(
            Option(
                K,
                "groups",
                hint="Chosen by how well halves of the models agree.",
                is_number=True,
            ),
            Option(EFFORT, "effort", choices=(("", "full"), (ROUGH, "fewer draws"))),
            Option(BUDGET, "small sets", hint="Numbers of tasks, such as 25,50."),
            Option(SEED, "seed", hint="0 where nothing is said.", is_number=True),
        ),
        grammar=("split_by",),
        needs="Outcomes of six models or more on the same fifty tasks or more.",
        is_heavy=True,
    )
)
