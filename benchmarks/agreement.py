"""How long agreement with bootstrap intervals takes, beside irrCAC and krippendorff.

Ours gives six coefficients with intervals of 2,000 draws. The packages give one coefficient a
call and no bootstrap, so that theirs is a loop over drawn units, as one would write it; a few
draws are timed and multiplied, which the table says. Values have to be equal.
"""

import json
import time
from functools import partial

import numpy as np
import pandas as pd

from analysis.agreement_results import agreement_result
from analysis.frames import ANNOTATOR, MODE, TRACE_ID, VALUE, LabelValue
from analysis.reliability import agreement_by_mode, pairwise_agreement
from benchmarks import measure, row
from benchmarks.figures import Figure
from benchmarks.row import Measured

RATERS, DRAWS = 5, 2000
TARGET_S = 2.0
_TIMED = 5
_KINDS = {"krippendorff": "it gives alpha", "irrCAC": "it gives alpha, fleiss, ac1"}
_MISSING = 0.1
_ALTERNATIVES = (("krippendorff", ("krippendorff",)), ("irrCAC", ("irrCAC", "coverage")))
_LOOP = """
import json, sys, time, warnings
import numpy as np
warnings.filterwarnings("ignore")
kind, path, timed = sys.argv[1], sys.argv[2], int(sys.argv[3])
modes = np.load(path)["ratings"]
if kind == "krippendorff":
    import krippendorff
    def of(units):
        return {"alpha": krippendorff.alpha(units.T, level_of_measurement="nominal")}
else:
    import pandas as pd
    from irrCAC.raw import CAC
    def of(units):
        cac = CAC(pd.DataFrame(units))
        return {
            "alpha": cac.krippendorff()["est"]["coefficient_value"],
            "fleiss": cac.fleiss()["est"]["coefficient_value"],
            "ac1": cac.gwet()["est"]["coefficient_value"],
        }
found = [of(units) for units in modes]
generator = np.random.default_rng(0)
started = time.perf_counter()
for units in modes:
    for _ in range(timed):
        of(units[generator.integers(0, len(units), len(units))])
seconds = time.perf_counter() - started
print(json.dumps({"values": found, "seconds_a_draw": seconds / timed}))
"""


def made_up(traces: int, modes: int, seed: int = 0) -> pd.DataFrame:
    """Return labels of `RATERS` people who are right nine times in ten, a tenth of them missing."""
    generator = np.random.default_rng(seed)
    truth = generator.random((modes, traces, 1)) < np.linspace(0.02, 0.5, modes)[:, None, None]
    shape = (modes, traces, RATERS)
    said = np.where(generator.random(shape) < 0.1, ~truth, truth)
    mode, trace, rater = np.nonzero(generator.random(shape) >= _MISSING)
    values = np.where(said[mode, trace, rater], LabelValue.PRESENT.value, LabelValue.ABSENT.value)
    return pd.DataFrame({TRACE_ID: trace, MODE: mode, ANNOTATOR: rater, VALUE: values})


def _dense(labels: pd.DataFrame, traces: int, modes: int) -> np.ndarray:
    dense = np.full((modes, traces, RATERS), np.nan)
    present = (labels[VALUE] == LabelValue.PRESENT.value).to_numpy(dtype=float)
    dense[labels[MODE], labels[TRACE_ID], labels[ANNOTATOR]] = present
    return dense


def _ours(labels: pd.DataFrame) -> tuple[dict[int, dict[str, float]], float, float]:
    started = time.perf_counter()
    found = {int(str(m)): agreement_result(a) for m, a in agreement_by_mode(labels).items()}
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    for _, rows in labels.groupby(MODE):
        pairwise_agreement(rows, tuple(value.value for value in LabelValue))
    return found, seconds, time.perf_counter() - started


def _theirs(
    name: str, packages: tuple[str, ...], dense: np.ndarray, ours: dict[int, dict[str, float]]
) -> Measured:
    binary = measure.environment(name.lower(), *packages)
    with row.scratch("ratings") as folder:
        path = folder / "ratings.npz"
        np.savez(path, ratings=dense)
        command = [str(binary / "python"), "-c", _LOOP, name, str(path), str(_TIMED)]
        told = json.loads(measure.run(command).output)
    furthest = max(
        abs(ours[mode][kind] - value)
        for mode, values in enumerate(told["values"])
        for kind, value in values.items()
    )
    values = {"s": told["seconds_a_draw"] * DRAWS, "apart": furthest}
    return Measured(measure.installed_version(binary, name), values)


def main() -> None:
    """Measure all modes together, and how far the values are from those of the packages."""
    parser = row.parser(__doc__)
    parser.add_argument("--traces", type=int, default=1000)
    parser.add_argument("--modes", type=int, default=10)
    asked = parser.parse_args()
    with row.running("agreement", asked) as found:
        labels = made_up(asked.traces, asked.modes)
        ours, seconds, pairs = _ours(labels)
        dense = _dense(labels, asked.traces, asked.modes)
        for name, packages in _ALTERNATIVES if asked.form != "quick" else _ALTERNATIVES[:1]:
            take = partial(_theirs, name, packages, dense, ours)
            theirs = found.beside(name, "intervals", take)
            apart = f"values apart by at most {theirs['apart'].value:.0e}; " if theirs else ""
            note = f"{apart}{_KINDS[name]}; {_TIMED} draws timed" if theirs else ""
            beside = theirs.get("s")
            what = f"six coefficients with intervals, beside {name}"
            found.add(
                Figure("agreement", what, seconds, "s", asked.traces, TARGET_S, beside, note=note)
            )
        found.add(Figure("agreement", "every two people", pairs, "s", asked.traces))


if __name__ == "__main__":
    main()
