"""Cohorts: what they are worth on real outcomes, few tasks against all, and how long it takes.

CRUXEval-I comes with Faultbook. `--shared FOLDER` adds ZeroEval's CRUX and MINT, whose tables are
`zeroeval-crux/matrix_pass.csv` and `mint-agents/matrix_success.csv` in it.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.cohorts.grouping import difficulty_bins, difficulty_r2, kmeans_labels
from analysis.cohorts.outcome_matrix import OutcomeMatrix, outcome_matrix, wide_runs
from analysis.cohorts.prediction import CLUSTER, DIFFICULTY, LOGISTIC, SHRUNK
from analysis.cohorts.rasch import filled
from analysis.cohorts.stability import split_half
from analysis.cohorts.study import Cohorts, study
from analysis.evaluation_sets.protocol import held_out
from benchmarks import measure, row
from benchmarks.figures import Figure
from benchmarks.row import Row

CRUX = Path(__file__).parent.parent / "tests" / "data" / "crux-input" / "pass-rates.csv"
SHARED = {
    "ZeroEval CRUX": Path("zeroeval-crux") / "matrix_pass.csv",
    "MINT": Path("mint-agents") / "matrix_success.csv",
}
ITEMS, MODELS, GROUPS, TARGET_S = 12_000, 29, 5, 20.0
BUDGET = 50
_CORES = 2
_SEED = 0


def tables(shared: Path | None) -> Iterator[tuple[str, OutcomeMatrix]]:
    """Yield the name and the outcomes of each table that is there."""
    found = {"CRUXEval-I": CRUX}
    if shared is not None:
        found |= {name: shared / path for name, path in SHARED.items()}
    for name, path in found.items():
        if path.is_file():
            yield name, outcome_matrix(wide_runs(pd.read_csv(path)))


def made_up(items: int, models: int, groups: int) -> OutcomeMatrix:
    """Return outcomes with difficulty, ability, and groups that some models are better at."""
    rng = np.random.default_rng(_SEED)
    group, better = rng.integers(groups, size=items), rng.normal(0, 1.2, (groups, models))
    level = rng.normal(0, 1, models)[None, :] - rng.normal(0, 1.2, items)[:, None] + better[group]
    passed = rng.random(level.shape) < 1 / (1 + np.exp(-level))
    frame = pd.DataFrame(passed.astype(float), columns=[f"model {n}" for n in range(models)])
    frame.insert(0, "item", [f"task {n}" for n in range(items)])
    return outcome_matrix(wide_runs(frame))


def alone() -> None:
    """Study the large table and print what this process used for it."""
    measure.pin(_CORES)
    matrix = made_up(ITEMS, MODELS, GROUPS)
    started = time.perf_counter(), time.process_time()
    found = study(matrix)
    told = time.perf_counter() - started[0], time.process_time() - started[1]
    print(json.dumps([*told, found.verdict.value, len(found.without.models)]))


def speed(found: Row) -> None:
    """Measure the large table in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.cohorts", "--process"]
    seconds, used, verdict, left_out = json.loads(measure.run(command).output)
    note = f"{used:.1f} CPU-s; {left_out} models left out in turn; cohorts are {verdict}"
    what = f"{ITEMS:,} tasks × {MODELS} models"
    found.add(Figure("cohorts", what, seconds, "s", ITEMS, TARGET_S, note=note))


def worth(name: str, matrix: OutcomeMatrix, found: Cohorts) -> list[str]:
    """Return a row of what one study says."""
    half, lift = found.chosen, _best(found, (CLUSTER, SHRUNK))
    others, base = _best(found, (LOGISTIC,)), _best(found, (DIFFICULTY,))
    values = [part.ari for part in found.without.models]
    return [
        name,
        f"{len(matrix.items):,} × {len(matrix.models)}",
        f"{matrix.solved_by_all.mean():.2%}, {matrix.solved_by_none.mean():.2%}",
        f"{found.structure.components} (p {found.structure.p:.3f})",
        f"{half.k}: {half.ari:.2f} ± {half.error:.2f}" if half else "–",
        f"{half.difficulty_ari:.2f}" if half else "–",
        f"{np.mean(values):.2f}",
        found.verdict.value,
        base[0],
        lift[1],
        others[1],
    ]


def _best(found: Cohorts, methods: tuple[str, ...]) -> tuple[str, str]:
    told = [one for one in found.without.predictions if one.method in methods]
    best = max(told, key=lambda one: one.lift.value)
    auc, lift = best.auc, best.lift
    return (
        f"{auc.value:.3f} ({auc.low:.3f}–{auc.high:.3f})",
        f"{lift.value:+.3f} ({lift.low:+.3f} to {lift.high:+.3f})",
    )


def as_published(matrix: OutcomeMatrix) -> list[list[str]]:
    """Return split-half and leave-one-out agreement for the k that are published, plain k-means."""
    values = filled(matrix.outcomes)
    rng = np.random.default_rng(_SEED)
    rows = []
    for half in split_half(values, matrix.models, rng=rng, candidates=(2, 3, 5, 8)):
        labels = kmeans_labels(values, half.k, seed=_SEED)
        bins = difficulty_bins(values, half.k)
        explained = difficulty_r2(values, labels), difficulty_r2(values, bins)
        rows.append(
            [
                f"{half.k}",
                f"{half.ari:.2f} ± {half.error:.2f}",
                f"{half.difficulty_ari:.2f}",
                f"{half.null_ari:.2f}",
                f"{explained[0]:.2f}",
                f"{explained[1]:.2f}",
            ]
        )
    return rows


def few_tasks(matrix: OutcomeMatrix, splits: int) -> list[list[str]]:
    """Return τ and error of each way to choose `BUDGET` tasks, on models that did not choose."""
    rng = np.random.default_rng(_SEED)
    found = held_out(filled(matrix.outcomes), (BUDGET,), rng=rng, splits=splits)
    return [
        [
            row.method.value,
            f"{row.tau.value:.3f} ({row.tau.low:.3f}–{row.tau.high:.3f})",
            f"{row.error.value:.4f} ({row.error.low:.4f}–{row.error.high:.4f})",
            f"{row.tau_over_random.value:+.3f} ({row.tau_over_random.low:+.3f} to "
            f"{row.tau_over_random.high:+.3f})",
            f"{row.error_over_random.value:+.4f}",
        ]
        for row in found
    ]


WORTH = [
    *("table", "tasks × models", "all pass, all fail", "components", "k: split-half ARI"),
    *("difficulty bins", "leave one out", "verdict", "difficulty AUC", "cohorts beyond it"),
    "with others' outcomes",
]
PUBLISHED = ["k", "split-half ARI", "difficulty bins", "shuffled", "R²", "R² of bins"]
FEW = ["chosen by", "τ", "error", "τ − random", "error − random"]


def main() -> None:
    """Measure the large table, or print what cohorts are worth."""
    parser = row.parser(__doc__)
    parser.add_argument("--worth", action="store_true", help="what they are worth, on real tables")
    parser.add_argument("--shared", type=Path, help="the folder with the other tables")
    parser.add_argument("--process", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.process:
        alone()
    elif given.worth or given.shared:
        _tell_worth(given.shared, 5 if given.form == "quick" else 20)
    else:
        with row.running("cohorts", given) as found:
            speed(found)


def _tell_worth(shared: Path | None, splits: int) -> None:
    known = list(tables(shared))
    print(measure.table(WORTH, [worth(name, one, study(one)) for name, one in known]))
    for name, matrix in known:
        print(f"\n{name}: plain k-means, without families\n")
        print(measure.table(PUBLISHED, as_published(matrix)))
        print(f"\n{name}: {BUDGET} tasks, half of the models held out\n")
        print(measure.table(FEW, few_tasks(matrix, splits)))


if __name__ == "__main__":
    main()
