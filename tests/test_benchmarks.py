"""The table of promises: each line has its program, and the documentation says what was found."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from benchmarks import figures, promises
from benchmarks.__main__ import PROGRAMS, run_row
from benchmarks.figures import Figure, Theirs
from benchmarks.promises import PROMISES, ROWS, Program

SAVE = Figure("save", "save by API", ours=50.0, unit="ms p95", size=100_000, target=60.0)
PHOENIX = Theirs("Phoenix", "20.26.1", 150.0, "2026-11-21")
RATE = Figure("import", "import", 4_000.0, "traces/s", theirs=replace(PHOENIX, value=160.0))


def test_every_promise_has_a_program() -> None:
    assert {promise.row for promise in PROMISES} == set(ROWS)
    for program in PROGRAMS.values():
        found = importlib.util.find_spec(program.module)
        assert found, f"{program.module} is missing"
        assert "def main() -> None:" in Path(str(found.origin)).read_text(encoding="utf-8")


def test_documentation_shows_the_figures_that_are_kept() -> None:
    assert promises.text() in promises.PAGE.read_text(encoding="utf-8"), (
        "run `python -m benchmarks.promises`"
    )


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (SAVE, True),
        (replace(SAVE, ours=60.0), False),
        (replace(SAVE, target=None), None),
        (replace(SAVE, ours=0.0, unit="lost", target=0.0), True),
        (replace(SAVE, ours=1.0, unit="lost", target=0.0), False),
        (replace(RATE, least_ratio=20), True),
        (replace(RATE, least_ratio=26), False),
        (replace(RATE, theirs=None, least_ratio=20), None),
        (replace(RATE, ours=1.8, unit="×", target=1.7), True),
        (replace(SAVE, growth=1.3, most_growth=1.1), False),
    ],
)
def test_target_is_met_or_missed(figure: Figure, met: bool | None) -> None:
    assert figure.met is met


def test_ratio_says_how_many_times_better_ours_is() -> None:
    assert replace(SAVE, theirs=PHOENIX).ratio == pytest.approx(3.0)
    assert RATE.ratio == pytest.approx(25.0)


def test_growth_is_the_exponent_of_size() -> None:
    assert figures.growth([10, 100, 1_000], [2.0, 20.0, 200.0]) == pytest.approx(1.0)
    assert figures.growth([10, 100], [1.0, 100.0]) == pytest.approx(2.0)
    assert figures.growth([10], [1.0]) is None
    assert figures.n_log_n([1_000, 100_000]) == pytest.approx(1.111, abs=0.001)


def test_reused_figure_says_its_date() -> None:
    told = figures.cells(replace(SAVE, theirs=replace(PHOENIX, reused=True, size=10_000)))
    assert "Phoenix 20.26.1 at 10,000 (2026-11-21)" in told


def test_row_that_hangs_is_ended() -> None:
    statement = "import threading; threading.Event().wait()"
    ended = run_row("hanging", Program("timeit", 1), [statement], limit_s=0.1)
    assert ended.problem.startswith("it was ended after")


def test_what_a_row_leaves_running_goes_with_it(capfd: pytest.CaptureFixture[str]) -> None:
    started = "import subprocess; p = subprocess.Popen(['sleep', '99'], start_new_session=True)"
    options = ["-n", "1", "-r", "1", f"{started}; print('pid', p.pid, flush=True)"]
    ended = run_row("leaving", Program("timeit", 1), options, limit_s=60)
    pid = int(capfd.readouterr().out.partition("pid ")[2].split()[0])
    assert not ended.problem
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
