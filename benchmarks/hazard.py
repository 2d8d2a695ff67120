"""How long curves and intervals of competing causes take, and whether walls are found or made up.

A million traces end by three causes or are cut off, at whole tokens, so that many tie. Beside it:
lifelines (which moves ties apart by chance) and scikit-survival, in environments of their own; the
curves have to agree. Then walls by simulation: how often one is reported that is not there, and how
often one that is.
"""

import json
import time
from functools import partial
from typing import Any

import numpy as np

from analysis.hazard.event_table import codes, event_table
from analysis.hazard.incidence import Variance, cumulative_incidence
from analysis.hazard.person_time import PersonTime
from analysis.hazard.scan import scan_positions
from analysis.hazard.spikes import POSITIONS, SpikePopulation, positional_spikes
from benchmarks import measure, row
from benchmarks.figures import Figure, Theirs
from benchmarks.row import Measured, Row

CAUSES = 3
_AT = (500, 2000, 8000, 16_000)
_LESS = 10
"""lifelines gets a tenth of the traces: it needs more memory than small machines have."""
_ALTERNATIVES = (
    ("scikit-survival", ("scikit-survival",), "curves", 1),
    ("scikit-survival", ("scikit-survival",), "intervals", 1),
    ("lifelines", ("lifelines",), "intervals", _LESS),
)
_THEIRS = """
import json, resource, sys, time, warnings
resource.setrlimit(resource.RLIMIT_AS, (8 * 1024**3, 8 * 1024**3))  # others live here, too
import numpy as np
warnings.filterwarnings("ignore")
kind, path, what = sys.argv[1:4]
rows = np.load(path)
times, causes, at = rows["time"], rows["cause"], rows["at"]
started = time.perf_counter()
if kind == "lifelines":
    from lifelines import AalenJohansenFitter
    started = time.perf_counter()
    found = []
    for cause in (1, 2, 3):
        fitter = AalenJohansenFitter(seed=0).fit(times, causes, event_of_interest=cause)
        curve = fitter.cumulative_density_
        place = np.searchsorted(curve.index, at, side="right") - 1
        found.append(curve.iloc[place, 0].tolist())
else:
    from sksurv.nonparametric import cumulative_incidence_competing_risks as estimate
    started = time.perf_counter()
    asked = {"conf_type": "log-log"} if what == "intervals" else {}
    axis, curves, *_ = estimate(causes, times, **asked)
    found = curves[1:, np.searchsorted(axis, at, side="right") - 1].tolist()
print(json.dumps({"seconds": time.perf_counter() - started, "values": found}))
"""


def made_up(traces: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return whole times and causes (0: cut off) of traces that are mostly correct."""
    rng = np.random.default_rng(seed)
    time_ = np.floor(np.exp(rng.normal(8, 1.1, traces))).astype(np.int64) + 1
    cap = rng.choice([16_384, 32_768, 131_072], traces)
    cause = rng.choice([1, 2, 3], traces, p=[0.7, 0.25, 0.05])
    return np.minimum(time_, cap), np.where(time_ > cap, 0, cause)


def _timed(traces: int, repeats: int) -> list[tuple[str, float]]:
    ends, cause = made_up(traces)
    names = np.array(["", "correct", "incorrect", "invalid"])[cause]
    rows = []
    for label, variance in (("curves", None), ("curves with intervals", Variance.AALEN)):
        seconds = []
        for _ in range(repeats):
            started = time.perf_counter()
            cumulative_incidence(ends, cause, causes=CAUSES, variance=variance)
            seconds.append(time.perf_counter() - started)
        rows.append((label, min(seconds)))
    started = time.perf_counter()
    cumulative_incidence(ends + 0.5 * (ends % 2), cause, causes=CAUSES)
    rows.append(("curves with intervals, broken times", time.perf_counter() - started))
    started = time.perf_counter()
    coded, _ = codes(names)
    event_table(ends, coded)
    rows.append(("names to codes, and counting", time.perf_counter() - started))
    return rows


_TARGETS = {"curves": 0.1, "curves with intervals": 1.0}


def _found(found: Row, traces: int) -> None:
    timed = _timed(traces, repeats=5)
    best = _beside(found, traces)
    for label, seconds in timed:
        theirs, note = best.get(label, (None, ""))
        target = _TARGETS.get(label)
        figure = Figure("hazard", label, seconds, "s", traces, target, theirs, note=note)
        found.add(figure)


def _beside(found: Row, traces: int) -> dict[str, tuple[Theirs, str]]:
    """Return the figures of the packages by what they are compared with, and how far apart."""
    best: dict[str, tuple[Theirs, str]] = {}
    for name, packages, what, less in _ALTERNATIVES:
        take = partial(_theirs, name, packages, what, traces // less)
        size = traces // less if less > 1 else None
        told = found.beside(name, f"{what} of {traces // less:,}", take, size=size)
        if not told:
            continue
        label = "curves" if what == "curves" else "curves with intervals"
        if less > 1:
            seconds, _ = _ours(traces // less, Variance.AALEN)
            label = f"curves with intervals, beside {name}"
            apart = f"values apart by at most {told['apart'].value:.0e}"
            found.add(
                Figure("hazard", label, seconds, "s", traces // less, None, told["s"], note=apart)
            )
        else:
            best[label] = (told["s"], f"values apart by at most {told['apart'].value:.0e}")
    return best


def _ours(traces: int, variance: Variance | None) -> tuple[float, Any]:
    ends, cause = made_up(traces)
    started = time.perf_counter()
    curves = cumulative_incidence(ends, cause, causes=CAUSES, variance=variance)
    return time.perf_counter() - started, curves


def _theirs(name: str, packages: tuple[str, ...], what: str, traces: int) -> Measured:
    binary = measure.environment(name, *packages)
    ends, cause = made_up(traces)
    _, ours = _ours(traces, None)
    with row.scratch(name) as folder:
        path = folder / "rows.npz"
        np.savez(path, time=ends, cause=cause, at=np.array(_AT))
        command = [str(binary / "python"), "-c", _THEIRS, name, str(path), what]
        told = json.loads(measure.run(command).output)
    apart = float(np.abs(np.array(told["values"]) - ours.at(_AT)).max())
    version = measure.installed_version(binary, name)
    return Measured(version, {"s": told["seconds"], "apart": apart})


def _walled(n: int, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return ends and causes; a share of those who reach 8,192 fail within ±100 of it."""
    ends = np.floor(np.exp(rng.normal(8.6, 0.9, n)))
    fails = rng.random(n) < 0.3
    there = (ends > 8192) & (rng.random(n) < share)
    ends = np.where(there, 8192 + rng.integers(-100, 100, n), ends)
    fails |= there
    cut = ends > 40_000
    return np.minimum(ends, 40_000), np.where(cut, 0, np.where(fails, 2, 1))


def _walls(n: int, share: float, runs: int, seed: int) -> tuple[str, ...]:
    rng = np.random.default_rng(seed)
    reported = elsewhere = scanned = 0
    p_values: list[float] = []
    for _ in range(runs):
        ends, cause = _walled(n, share, rng)
        worked = PersonTime.of(ends, cause, [2])
        caps = ends[cause == 0]
        group = SpikePopulation("all", {"incorrect": worked}, caps)
        found = positional_spikes([group], POSITIONS)
        walls = {one.position for one in found.surviving}
        reported += 8192 in walls
        elsewhere += bool(walls - {8192})
        p_values += [one.p_value for one in found.tested if one.position != 8192 or not share]
        scanned += scan_positions(worked, rng, caps, permutations=199).p_value < 0.05
    below = float(np.mean(np.array(p_values) < 0.01))
    return (
        f"n = {n:,}, {share:.0%} of those who get there",
        f"{reported / runs:.0%}",
        f"{elsewhere / runs:.1%}",
        f"{below:.1%}",
        f"{scanned / runs:.0%}",
    )


def main() -> None:
    """Measure beside the alternatives, then print how often walls are reported."""
    parser = row.parser(__doc__)
    parser.add_argument("--walls", action="store_true", help="how often walls are reported instead")
    asked = parser.parse_args()
    if asked.walls:
        _tell_walls(40 if asked.form == "quick" else 200)
        return
    with row.running("hazard", asked) as found:
        _found(found, 100_000 if asked.form == "quick" else 1_000_000)


def _tell_walls(runs: int) -> None:
    print(f"\nA wall at 8,192 among 2k, 4k, 8k, 16k, 32k; {runs} populations a row\n")
    walls = [
        _walls(n, share, runs, seed=place)
        for place, (n, share) in enumerate((n, s) for n in (300, 1000) for s in (0, 0.05, 0.15))
    ]
    heads = ("", "reported", "others reported", "p < .01 where there is none", "scan p < .05")
    print(measure.table(heads, walls))


if __name__ == "__main__":
    main()
