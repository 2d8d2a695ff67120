"""What cohorts say in words: first how far they hold, then what they tell beyond difficulty."""

from collections.abc import Sequence

import numpy as np

from analysis.cohorts.meaning import taxonomy_agreement
from analysis.cohorts.outcome_matrix import FEWEST_MIXED_TASKS, FEWEST_MODELS
from analysis.cohorts.prediction import CLUSTER, LOGISTIC, SHRUNK, Prediction
from analysis.cohorts.stability import FEWEST_FOR_A_VERDICT, STABLE, WEAK, Verdict
from analysis.cohorts.study import Cohorts
from analysis.percentages import percent
from analysis.thresholds import Threshold
from server.views.lenses.base import Change, Evidence, NextStep, Question, Reading
from server.views.lenses.cohort_figures import page_url
from server.views.lenses.cohort_matrix import ModelRuns

_MOSTLY_DIFFICULTY = 0.75
_SHOWN = 8
_ALONE = (CLUSTER, SHRUNK)
THRESHOLDS = (
    Threshold("stable_from", STABLE, "agreement of halves (ARI) from which cohorts are stable"),
    Threshold("weak_from", WEAK, "agreement of halves (ARI) from which cohorts are weak"),
    Threshold("fewest_models", FEWEST_MODELS, "models that cohorts need"),
    Threshold("fewest_for_a_verdict", FEWEST_FOR_A_VERDICT, "models that a verdict needs"),
    Threshold("fewest_mixed_tasks", FEWEST_MIXED_TASKS, "tasks that some pass and some fail"),
)


def cohort_reading(found: Cohorts, runs: ModelRuns, question: Question) -> Reading:
    """Return the verdict, the evidence for and against it, and what to do with it."""
    return Reading(
        sentence=sentence(found),
        pattern=pattern(found),
        evidence=(*_evidence(found, runs), *_cohorts(found, question)),
        next_steps=_next(found, question),
        thresholds=THRESHOLDS,
        warnings=_warnings(found, runs),
        headline=_headline(found),
    )


def pattern(found: Cohorts) -> str:
    """Return what the study is called in a word or two; empty where there is no verdict."""
    if found.is_difficulty_only:
        return "difficulty explains everything"
    return "" if found.verdict is Verdict.TOO_FEW_MODELS else found.verdict.value


def sentence(found: Cohorts) -> str:
    """Return the verdict, whether it is more than difficulty, and what it tells of new models."""
    if found.is_difficulty_only:
        p, count = found.structure.p, found.structure.simulations
        return (
            "Difficulty explains everything: no group of tasks fails together beyond how hard "
            f"its tasks are (p = {p:.2f}, {count} simulated sets). Groups are five strata of "
            "difficulty."
        )
    return " ".join((_stability(found), _beside_difficulty(found), lift_in_words(found)))


def _stability(found: Cohorts) -> str:
    half = found.chosen
    if half is None:
        return "No verdict: the models are of one family, and nobody else can vouch for cohorts."
    agreed = f"halves of the models agree at ARI {half.ari:.2f} ± {half.error:.2f}"
    n = len(found.matrix.models)
    if found.verdict is Verdict.TOO_FEW_MODELS:
        return (
            f"No verdict: {n} models are too few to say whether others would give these "
            f"{half.k} cohorts ({FEWEST_FOR_A_VERDICT} are needed); {agreed}."
        )
    said = {
        Verdict.STABLE: "other models would give much the same",
        Verdict.WEAK: "other models would give some of them",
        Verdict.UNSTABLE: "other models would give others; do not name them",
    }
    word = found.verdict.value.capitalize()
    return f"{word}: {half.k} cohorts, {said[found.verdict]} ({agreed}, {n} models)."


def _beside_difficulty(found: Cohorts) -> str:
    half = found.chosen
    if half is None:
        return ""
    bins = f"as many bins of difficulty ({half.difficulty_ari:.2f})"
    if found.beats_difficulty_bins:
        return f"They come back more surely than {bins}."
    return f"They are no more stable than {bins}: read them as difficulty first."


def lift_in_words(found: Cohorts) -> str:
    """Say what cohorts tell of models that did not build them, beyond difficulty."""
    alone = _best(found, _ALONE)
    if alone is None:
        return "What they tell of new models could not be measured."
    lift = alone.lift
    told = f"{lift.value:+.3f} AUC ({lift.low:+.3f} to {lift.high:+.3f}, {alone.n_models} models)"
    if lift.low > 0:
        return f"They tell failures of a new model beyond difficulty: {told}."
    if lift.high < 0:
        return f"Of a new model they tell less than the difficulty of its tasks does: {told}."
    return f"Of a new model they tell nothing for sure beyond difficulty: {told}."


def _best(found: Cohorts, methods: Sequence[str]) -> Prediction | None:
    told = [one for one in found.without.predictions if one.method in methods]
    return max(told, key=lambda one: one.lift.value, default=None)


def _evidence(found: Cohorts, runs: ModelRuns) -> tuple[Evidence, ...]:
    beyond, matrix = found.structure, found.matrix
    rows = [
        Evidence(
            "structure",
            f"{_counted(beyond.components, 'component')} beyond difficulty, p = {beyond.p:.3f} "
            f"({beyond.simulations} simulated sets, {beyond.n_items:,} tasks × "
            f"{beyond.n_models} models)",
        )
    ]
    if found.chosen is not None:
        half = found.chosen
        low, high = _spread(half.ari, half.error)
        rows.append(
            Evidence(
                "split-half",
                f"ARI {half.ari:.2f} ({low:.2f} to {high:.2f} over {half.splits} splits) at "
                f"k = {half.k}; difficulty bins {half.difficulty_ari:.2f}; shuffled "
                f"{half.null_ari:.2f}",
            )
        )
    rows += _left_out(found)
    with_others = _best(found, (LOGISTIC,))
    if with_others is not None:
        lift = with_others.lift
        rows.append(
            Evidence(
                "other models’ outcomes",
                f"with the cohorts’ rates, {with_others.revealed} of the tasks revealed: "
                f"{lift.value:+.3f} AUC beyond difficulty ({lift.low:+.3f} to {lift.high:+.3f}); "
                "what they add is not the cohorts’ alone",
            )
        )
    reserved = int(matrix.solved_by_all.sum()), int(matrix.solved_by_none.sum())
    rows.append(
        Evidence(
            "set aside", f"{reserved[0]:,} tasks that every model passes, {reserved[1]:,} that none"
        )
    )
    return (*rows, *_sources(found, runs))


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _spread(value: float, error: float) -> tuple[float, float]:
    return (value - 1.96 * error, value + 1.96 * error)


def _left_out(found: Cohorts) -> list[Evidence]:
    rows = []
    for name, parts in (("model", found.without.models), ("family", found.without.families)):
        values = [part.ari for part in parts]
        if values:
            text = (
                f"ARI {np.mean(values):.2f} on average, least {min(values):.2f} "
                f"({len(values)} left out in turn)"
            )
            rows.append(Evidence(f"without a {name}", text))
    return rows


def _sources(found: Cohorts, runs: ModelRuns) -> tuple[Evidence, ...]:
    """Whether the cohorts are the tasks that items come from, under another name."""
    sources = runs.source_of_each
    if not sources:
        return ()
    mixed = np.where(found.matrix.mixed, found.labels, -1)
    agreed = taxonomy_agreement(mixed, sources, rng=np.random.default_rng(0))
    return (
        Evidence(
            "the field task",
            f"AMI {agreed.ami:.2f} with the cohorts (p = {agreed.p:.3f}, n = {agreed.n:,}): 1 "
            "would say that they are the tasks under another name",
        ),
    )


def _cohorts(found: Cohorts, question: Question) -> tuple[Evidence, ...]:
    shares = 1 - np.nanmean(found.matrix.outcomes, axis=1)
    rows = []
    for group, name in enumerate(found.names[:_SHOWN]):
        own = shares[found.labels == group]
        text = f"{len(own):,} tasks, models fail {percent(own.mean())} of them on average"
        rows.append(Evidence(name, text, page_url(question, f"/cohorts/{group + 1}")))
    return tuple(rows)


def _next(found: Cohorts, question: Question) -> tuple[NextStep, ...]:
    models = page_url(question, "/models")
    steps = [
        NextStep("See what each model fails more than others do.", "Models", models),
        NextStep(
            "Evaluate with few tasks that rank models alike.",
            "Evaluation sets",
            page_url(question, "/evaluation-sets"),
        ),
    ]
    if found.is_difficulty_only:
        return (NextStep("Work by difficulty: take failures of each stratum in turn."), *steps)
    if found.verdict in (Verdict.STABLE, Verdict.WEAK):
        first = NextStep(
            "Read the typical tasks of each cohort, then name it.",
            "Cohort 1",
            page_url(question, "/cohorts/1"),
        )
        kept = NextStep(
            "Keep them as a taxonomy, to place new models and tasks.",
            "Taxonomies",
            page_url(question, "/taxonomies"),
        )
        return (first, kept, *steps)
    needed = "Import more models, or more tasks that some pass and some fail, before naming any."
    if found.chosen is None:
        needed = "Import models of other families, or give traces their model_family."
    return (NextStep(needed), *steps)


def _warnings(found: Cohorts, runs: ModelRuns) -> tuple[str, ...]:
    rows = []
    own = found.candidates[0]
    if not found.is_difficulty_only and own.difficulty_r2 >= _MOSTLY_DIFFICULTY:
        rows.append(
            f"{percent(own.difficulty_r2)} of the variance of difficulty lies between the cohorts: "
            "they are mostly strata of difficulty."
        )
    if found.without.models:
        rows.append(
            "Agreement without one model is high by construction: all but one are shared. Halves "
            "are the honest test."
        )
    if runs.repeated:
        rows.append(
            f"{runs.repeated:,} pairs of task and model have several runs: passed from half on."
        )
    if len(set(runs.families.values())) == len(runs.families):
        rows.append(
            "No two models are of one family: near-copies would make cohorts look more stable."
        )
    return tuple(rows)


def _headline(found: Cohorts) -> tuple[Change, ...]:
    rows = []
    half = found.chosen
    if half is not None:
        low, high = _spread(half.ari, half.error)
        rows.append(Change("agreement of halves (ARI)", half.ari, low, high, half.splits))
    alone = _best(found, _ALONE)
    if alone is not None:
        lift = alone.lift
        rows.append(Change("AUC beyond difficulty", lift.value, lift.low, lift.high, lift.n))
    rows.append(Change("components beyond difficulty", float(found.structure.components)))
    return tuple(rows)
