"""Draft groups and suggested modes against the groups people made, beside other ways to make them.

Seeded draws of 60, 120 and 250 texts, 8, 10 and 12 kinds whose shares fall like 1/rank; every
method sees the same draws. Ungrouped texts count as groups of one. Effort is the fewest moves,
merges and new groups to the wanted grouping, as a share of making it from scratch.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import grouping_methods as methods
from benchmarks import measure, suggesting
from benchmarks.grouping_data import SIZES, Draw, Texts, notes, wanted_sets, zipf_draw

BERTOPIC = (
    *("--no-deps", "bertopic", "numpy", "scipy", "pandas", "scikit-learn", "joblib", "cloudpickle"),
    *("threadpoolctl", "narwhals", "tqdm", "plotly", "packaging", "pyyaml", "hdbscan"),
    *("umap-learn", "numba", "llvmlite", "pynndescent", "python-dateutil", "six", "pytz", "tzdata"),
)
"""Without its sentence-transformers, whose torch would bring gigabytes: vectors are handed in."""
_BERTOPIC_NAME = "BERTopic, its defaults"
_SUBSAMPLE = 0.9
OURS = "Faultbook's default cut"
SILHOUETTE = "average linkage, cut by silhouette"


@dataclass
class Score:
    """What one method reached on all draws of a set."""

    by_size: dict[int, list[float]] = field(default_factory=dict)
    v: list[float] = field(default_factory=list)
    ami: list[float] = field(default_factory=list)
    ungrouped: list[float] = field(default_factory=list)
    effort: list[float] = field(default_factory=list)
    stable: list[float] = field(default_factory=list)

    @property
    def ari(self) -> float:
        """Mean over the sizes, each counting alike."""
        return float(np.mean([np.mean(values) for values in self.by_size.values()]))

    def add(self, size: int, labels: NDArray[np.int64], kinds: Sequence[str]) -> None:
        """Score one draw."""
        from sklearn.metrics import adjusted_mutual_info_score as ami
        from sklearn.metrics import adjusted_rand_score as ari
        from sklearn.metrics import v_measure_score as v

        from analysis.grouping_effort import grouping_effort

        apart = methods.apart(labels)
        self.by_size.setdefault(size, []).append(float(ari(kinds, apart)))
        self.v.append(float(v(kinds, apart)))
        self.ami.append(float(ami(kinds, apart)))
        self.ungrouped.append(float((labels < 0).mean()))
        needed = grouping_effort(labels, list(kinds))
        self.effort.append(needed.total / needed.from_scratch)

    def cells(self) -> list[str]:
        """Return the row of the table behind the method's name."""
        by_size = [f"{np.mean(values):.3f}" for values in self.by_size.values()]
        means = [f"{np.mean(values):.3f}" for values in (self.v, self.ami)]
        shares = [f"{np.mean(values):.0%}" for values in (self.ungrouped, self.effort)]
        return [f"{self.ari:.3f}", *by_size, *means, *shares, _mean(self.stable)]


@dataclass(frozen=True, eq=False)
class Drawn:
    """One draw, and the part of it that shows how stable groups are."""

    size: int
    rows: NDArray[np.int64]
    part: NDArray[np.int64]
    """Places in `rows`, nine tenths of them."""


def main() -> None:
    """Measure and print the tables."""
    options = _options()
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[threads] = "1"
    print(f"{measure.machine()}; {options.draws} draws of each size\n")
    for texts in wanted_sets(options.clinc):
        if options.only not in texts.name:
            continue
        _grouping(texts, options.draws, bertopic=not options.no_bertopic)
        suggesting.tell(texts, options.draws)
    _notes()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks grouping", description=__doc__)
    parser.add_argument("--draws", type=int, default=20, help="of each size")
    parser.add_argument("--quick", action="store_const", const=3, dest="draws", help="3 draws")
    parser.add_argument("--no-bertopic", action="store_true", help="leave the alternative out")
    parser.add_argument("--only", default="", help="sets whose name holds this")
    parser.add_argument("--clinc", type=Path, help="data_full.json of CLINC150, as a further set")
    return parser.parse_args()


def _grouping(texts: Texts, draws: int, *, bertopic: bool) -> None:
    drawn = [
        _drawn(zipf_draw(texts.kinds, size, number, seed), size, seed)
        for size, number in SIZES
        for seed in range(draws)
    ]
    scores = {name: _scored(texts, drawn, method) for name, method in methods.METHODS.items()}
    if bertopic:
        scores[_BERTOPIC_NAME] = _bertopic(texts, drawn)
    sizes = [f"N {size}" for size, _ in SIZES]
    columns = ("", "ARI", *sizes, "V", "AMI", "alone", "effort", "90 % again")
    rows = [[name, *score.cells()] for name, score in scores.items()]
    print(f"### Groups of {texts.name}\n\n{measure.table(columns, rows)}\n")
    broken = sum(methods.broken_decisions(texts, one.rows) for one in drawn)
    ahead = scores[OURS].ari - scores[SILHOUETTE].ari
    print(f"Ahead of the silhouette cut by {ahead:+.3f} (bar +.03).", end=" ")
    if bertopic:
        print(f"Ahead of BERTopic by {scores[OURS].ari - scores[_BERTOPIC_NAME].ari:+.3f} (+.10).")
    print(f"Pairs that were forbidden and grouped all the same: {broken}.\n", flush=True)


def _drawn(draw: Draw, size: int, seed: int) -> Drawn:
    rng = np.random.default_rng(10_000 + seed)
    kept = rng.permutation(len(draw.learnt))[: round(_SUBSAMPLE * len(draw.learnt))]
    return Drawn(size, draw.learnt, np.sort(kept))


def _scored(
    texts: Texts,
    drawn: Sequence[Drawn],
    method: Callable[[Texts, NDArray[np.int64]], NDArray[np.int64]],
) -> Score:
    whole = [method(texts, one.rows) for one in drawn]
    return _compared(texts, drawn, whole, [method(texts, one.rows[one.part]) for one in drawn])


def _compared(
    texts: Texts,
    drawn: Sequence[Drawn],
    whole: Sequence[NDArray[np.int64]],
    parts: Sequence[NDArray[np.int64]],
) -> Score:
    from sklearn.metrics import adjusted_rand_score as ari

    score = Score()
    for one, labels, again in zip(drawn, whole, parts, strict=True):
        score.add(one.size, labels, texts.kinds[one.rows].tolist())
        before = methods.apart(labels)[one.part]
        score.stable.append(float(ari(before, methods.apart(again))))
    return score


def _bertopic(texts: Texts, drawn: Sequence[Drawn]) -> Score:
    python = measure.environment("bertopic", *BERTOPIC) / "python"
    version = measure.installed_version(python.parent, "bertopic")
    print(f"{_BERTOPIC_NAME}: version {version}", file=sys.stderr)
    wanted = [rows for one in drawn for rows in (one.rows, one.rows[one.part])]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work.npz"
        np.savez(
            work,
            texts=texts.texts,
            vectors=texts.vectors,
            rows=np.concatenate(wanted),
            ends=np.cumsum([len(rows) for rows in wanted]),
        )
        script = measure.ROOT / "benchmarks" / "bertopic_groups.py"
        # -P: beside the script lies a module `queue`, which is not the library's.
        output = measure.run([str(python), "-P", str(script), str(work)]).output
    found = [np.array(json.loads(line)) for line in output.splitlines()]
    return _compared(texts, drawn, found[::2], found[1::2])


def _notes() -> None:
    """Print what the notes of a shop agent need: too few and too uneven for draws."""
    from analysis.grouping_effort import grouping_effort

    found = notes()
    rows = []
    for name, method in methods.METHODS.items():
        score = Score()
        labels = method(found, np.arange(len(found.texts)))
        score.add(len(labels), labels, found.kinds.tolist())
        needed = grouping_effort(labels, found.kinds.tolist())
        actions = [needed.moves, needed.merges, needed.new_groups, needed.total]
        rows.append([name, f"{score.ari:.3f}", *map(str, actions), str(needed.from_scratch)])
    columns = ("", "ARI", "moves", "merges", "new groups", "actions", "from scratch")
    kinds = len(set(found.kinds.tolist()))
    print(f"### The {len(found.texts)} notes of agentrx, {kinds} published categories\n")
    print(measure.table(columns, rows))


def _mean(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f}" if values else "–"


if __name__ == "__main__":
    main()
