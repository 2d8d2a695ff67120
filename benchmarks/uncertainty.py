"""The uncertainty report: how exact, how fast, in how much memory, and beside a plain loop.

Exactness needs the published tables (`--oracle FOLDER`), which state no licence and do not come
with Faultbook. Time and memory are those of a process of its own, so that imports count.
"""

import argparse
import csv
import importlib.metadata
import json
import math
import resource
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.uncertainty.average_precision import drawn_precision, draws_of, ranking
from analysis.uncertainty.feature_table import FEATURES
from analysis.uncertainty.report import Asked, Report, report
from benchmarks import measure, row
from benchmarks.figures import Figure
from benchmarks.row import Measured, Row

WINDOWS = (128, 256, 400, 512, 1024, 2048)
TRACES, DRAWS = 500, 10_000
TARGET_S, TARGET_MIB = 3.0, 250
_LOOP_DRAWS, _REPEATS = 200, 3


def made_up(traces: int, seed: int = 0) -> pd.DataFrame:
    """Return traces with all columns of the contract; earlier windows tell failures better."""
    rng = np.random.default_rng(seed)
    failed = rng.random(traces) < 0.4
    columns: dict[str, np.ndarray] = {
        "correct": (~failed).astype(int),
        "generated_len": rng.integers(300, 4000, traces),
        "prefinal_len": rng.integers(200, 3000, traces),
    }
    for cut in ("", "_prefinal"):
        for place, span in enumerate(("_w" + str(window) for window in WINDOWS), start=1):
            for name in FEATURES:
                columns[name + cut + span] = rng.normal(size=traces) + 0.6 * failed / place
        for name in FEATURES:
            columns[name + cut] = rng.normal(size=traces) + 0.05 * failed
    return pd.DataFrame(columns)


class Used(NamedTuple):
    """What a process used in all."""

    cpu_s: float
    peak_mib: float


def used() -> Used:
    """Return what this process used until now."""
    found = resource.getrusage(resource.RUSAGE_SELF)
    peak = found.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    return Used(found.ru_utime + found.ru_stime, peak)


def alone(only_published: bool) -> None:
    """Report on made-up traces and print what this process used for it."""
    frame = made_up(TRACES)
    before = used()
    report(frame, asked=Asked(draws=DRAWS, only_published=only_published))
    after = used()
    print(json.dumps([after.cpu_s - before.cpu_s, after.cpu_s, after.peak_mib]))


def speed(found: Row) -> None:
    """Measure each kind of report in a process of its own."""
    for name, option in (("as published, exact", "published"), ("with the nested verdict", "all")):
        command = [sys.executable, "-m", "benchmarks.uncertainty", "--process", option]
        seconds, whole, peak = json.loads(measure.run(command).output)
        is_promised = option == "published"
        note = f"{whole:.1f} with imports"
        found.add(
            Figure(
                *("uncertainty", f"report {name}", seconds, "CPU-s", TRACES),
                TARGET_S if is_promised else None,
                note=note,
            ),
            Figure(
                *("uncertainty", f"peak memory, {name}", peak, "MB", TRACES),
                TARGET_MIB if is_promised else None,
            ),
        )


def beside_a_loop(found: Row) -> None:
    """Measure all draws of one score beside a loop over scikit-learn's function."""
    rng = np.random.default_rng(1)
    failed = rng.random(TRACES) < 0.4
    score = rng.normal(size=TRACES) + failed
    ours_s = math.inf
    for _ in range(_REPEATS):
        started = time.process_time()
        ranked = ranking(failed, score)
        ours = np.concatenate([drawn_precision(one, ranked) for one in draws_of(TRACES, DRAWS)])
        ours_s = min(ours_s, time.process_time() - started)
    take = partial(_loop, failed, score, ours)
    theirs = found.beside("a loop over average_precision_score", "CPU-s", take)
    note = f"values apart by at most {theirs['apart'].value:.0e}" if theirs else ""
    what = f"{DRAWS:,} draws of one score"
    beside = theirs.get("s")
    found.add(Figure("uncertainty", what, ours_s, "CPU-s", TRACES, None, beside, note=note))


def _loop(failed: np.ndarray, score: np.ndarray, ours: np.ndarray) -> Measured:
    from sklearn.metrics import average_precision_score

    again = np.random.default_rng(42)
    started = time.process_time()
    theirs = []
    for _ in range(_LOOP_DRAWS):
        picked = again.integers(0, TRACES, size=TRACES)
        theirs.append(average_precision_score(failed[picked], score[picked]))
    seconds = (time.process_time() - started) * DRAWS / _LOOP_DRAWS
    apart = float(np.abs(ours[:_LOOP_DRAWS] - theirs).max())
    return Measured(importlib.metadata.version("scikit-learn"), {"s": seconds, "apart": apart})


class Cell(NamedTuple):
    """A published number and ours, as it would be printed."""

    name: str
    published: str
    ours: str
    needs_lost_digits: bool


def exactness(folder: Path) -> list[list[str]]:
    """Return how many published cells come out to the last digit, for each configuration."""
    rows = []
    for config in _rows(folder / "expected_configs.csv"):
        name = config["config"]
        frame = pd.read_csv(folder / f"{name}.csv")
        found = report(frame, asked=Asked(int(config["bootstrap_draws"]), only_published=True))
        lost = _is_rounded(frame)
        cells = [*_of_config(config, found, lost), *_of_windows(folder, name, found, lost)]
        cells += _of_features(folder, name, found, lost)
        exact = [cell for cell in cells if cell.published == cell.ours]
        undecided = [cell for cell in cells if cell.needs_lost_digits]
        wrong = [c for c in cells if c.published != c.ours and not c.needs_lost_digits]
        areas = [cell for cell in undecided if not cell.name.startswith("p_")]
        furthest = max((_apart(cell) for cell in areas), default=0.0)
        rows.append(
            [
                name,
                f"{len(cells)}",
                f"{len(exact)}",
                f"{len(wrong)}",
                f"{len(undecided)} (PR-AUC within {furthest:.4f})" if undecided else "0",
            ]
        )
    return rows


def _is_rounded(frame: pd.DataFrame) -> bool:
    """Return whether the largest margins differ from 1 by less than their decimals can say."""
    return bool((1 - frame["margin_max_prefinal"].dropna()).max() < 1e-9)


def _apart(cell: Cell) -> float:
    try:
        return abs(float(cell.published) - float(cell.ours))
    except ValueError:
        return 0.0


def _of_config(config: dict[str, str], found: Report, lost: bool) -> Iterator[Cell]:
    known = found.baselines
    if found.published is None or known.raw_full is None or known.length is None:
        return
    parts = (
        ("full_pr_auc", "full_low", "full_high", found.published.full, lost),
        ("raw_full_pr_auc", "raw_low", "raw_high", known.raw_full, lost),
        ("length_pr_auc", "length_low", "length_high", known.length, False),
    )
    for *names, one, is_lost in parts:
        for name, value in zip(names, (one.value, one.low, one.high), strict=True):
            yield Cell(name, f"{float(config[name]):.4f}", f"{value:.4f}", is_lost)
    auroc = f"{float(config['full_auroc']):.4f}"
    yield Cell("full_auroc", auroc, f"{found.published.full_auroc:.4f}", lost)
    yield Cell("n", config["n"], str(found.published.n), False)
    yield Cell("failures", config["failures"], str(found.published.failures), False)
    yield Cell("mode", config["mode"], found.published.mode.value, False)
    yield Cell("best_window", config["best_window"], str(found.published.window), False)


def _of_windows(folder: Path, name: str, found: Report, lost: bool) -> Iterator[Cell]:
    rows = [one for one in _rows(folder / "expected_windows.csv") if one["config"] == name]
    windows = found.published.windows if found.published else ()
    for known, one in zip(rows, windows, strict=True):
        ours = {
            "early_pr_auc": f"{one.early.value:.4f}",
            "early_low": f"{one.early.low:.4f}",
            "early_high": f"{one.early.high:.4f}",
            "early_auroc": f"{one.auroc:.4f}",
            "delta_mean": f"{one.delta.value:+.4f}",
            "delta_low": f"{one.delta.low:+.4f}",
            "delta_high": f"{one.delta.high:+.4f}",
            "p_early_better": f"{one.p_better:.3f}",
        }
        for column, value in ours.items():
            yield Cell(f"{column} {one.window}", known[column], value, lost)
        said = known["verdict"].lower().replace(" ", "_").replace("-", "_")
        yield Cell(f"verdict {one.window}", said, one.verdict.value, False)


def _of_features(folder: Path, name: str, found: Report, lost: bool) -> Iterator[Cell]:
    rows = {
        known["feature"]: known
        for known in _rows(folder / "expected_features.csv")
        if known["config"] == name
    }
    for one in found.features:
        spans = {"full": one.full} | {f"w{w}": value for w, value in one.windows.items()}
        for span, value in spans.items():
            published = f"{float(rows[one.name][span]):.4f}"
            is_lost = lost and one.name == "margin_max"
            yield Cell(f"{one.name} {span}", published, f"{value.value:.4f}", is_lost)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def main() -> None:
    """Measure the report, or print how many published cells come out."""
    parser = row.parser(__doc__)
    parser.add_argument("--oracle", type=Path, help="folder with the published tables")
    parser.add_argument("--process", choices=("published", "all"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.process:
        alone(options.process == "published")
    elif options.oracle:
        print("Published cells, as printed:\n")
        heads = ["configuration", "cells", "exact", "wrong", "rest on digits the file lacks"]
        print(measure.table(heads, exactness(options.oracle)))
    else:
        with row.running("uncertainty", options) as found:
            speed(found)
            beside_a_loop(found)


if __name__ == "__main__":
    main()
