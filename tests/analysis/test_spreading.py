"""Parts are handed out, a few at a time, and come back in their order with the same numbers."""

import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from analysis.cohorts.stability import leave_out, split_half
from analysis.hazard.gray import permutation_test
from analysis.spectrum import SeriesKind, byte_tokens
from analysis.spectrum_comparison import group_spectra
from analysis.spreading import spread
from analysis.uncertainty.average_precision import drawn_precisions, ranking


def test_results_come_in_the_order_of_the_parts_however_long_each_takes() -> None:
    first_may_end = threading.Event()

    def slow_first(offset: int, number: int) -> int:
        if number == 0:
            assert first_may_end.wait(10)
        if number == 3:
            first_may_end.set()
        return offset + number

    with ThreadPoolExecutor(4) as pool:
        found = list(spread(slow_first, [(n,) for n in range(6)], pool, shared=(100,)))
    assert found == [100, 101, 102, 103, 104, 105]


def test_parts_are_made_only_when_there_is_room_for_them() -> None:
    made = []

    def parts() -> Iterator[tuple[int]]:
        for number in range(10):
            made.append(number)
            yield (number,)

    with ThreadPoolExecutor(2) as pool:
        results = spread(abs, parts(), pool, ahead=3)
        assert next(results) == 0
        assert made == [0, 1, 2]
        results.close()  # type: ignore[attr-defined]  # it is a generator
    assert made == [0, 1, 2]


class Held(Executor):
    """An executor that computes nothing, tells, and holds what is shared."""

    def __init__(self, most: int) -> None:
        self.futures: list[Future[Any]] = []
        self.told = 0
        self._most = most

    def submit(self, function: Any, /, *args: Any, **named: Any) -> Future[Any]:
        self.futures.append(Future())
        return self.futures[-1]

    def tell(self) -> None:
        self.told += 1
        if self.told >= self._most:
            raise InterruptedError


def test_who_waits_is_told_and_may_end_the_waiting_which_cancels_the_rest() -> None:
    held = Held(most=1)
    with pytest.raises(InterruptedError):
        list(spread(abs, [(1,), (2,), (3,)], held))
    assert [future.cancelled() for future in held.futures[1:]] == [True, True]


def light_study(executor: Executor | None) -> list[Any]:
    """What is handed out of hazard and uncertainty, and what chance says next."""
    rng = np.random.default_rng(3)
    time, cause, group = rng.exponential(9, 400), rng.integers(0, 3, 400), rng.integers(0, 3, 400)
    alike = permutation_test(time, cause, group, rng, executor=executor)
    apart = permutation_test(
        time * (1 + group), cause, group, rng, permutations=250, executor=executor
    )
    failed = rng.random(300) < 0.3
    rankings = [ranking(failed, rng.random(300)) for _ in range(2)]
    draws = drawn_precisions(rankings, 3_000, executor=executor)
    return [repr((alike, apart)), *(one.tobytes() for one in draws), rng.random()]


def study(executor: Executor | None) -> list[Any]:
    """What is handed out of cohorts and spectra, and that."""
    rng = np.random.default_rng(3)
    values = (rng.random((60, 8)) < rng.random(8)).astype(float)
    families = [f"family {n // 2}" for n in range(8)]
    halves = split_half(values, families, rng=rng, candidates=(2, 3), splits=3, executor=executor)
    labels = rng.integers(0, 2, 60)
    out = leave_out(values, labels, {"a": [0], "b": [1, 2]}, k=2, seed=1, executor=executor)
    prompts = {name: [byte_tokens(name * n) for n in range(20, 40)] for name in ("ab", "xyz")}
    spectra = group_spectra(prompts, SeriesKind.ID, rng, executor)
    told: list[Any] = [halves, [(one.name, one.ari, one.labels.tolist()) for one in out]]
    for one in spectra.values():
        told.append((one.power_db.tobytes(), one.low_db.tobytes(), one.flatness))
    return [repr(told), rng.random(), *light_study(executor)]


def test_numbers_are_the_same_bit_for_bit_whoever_computes_and_however_many_do() -> None:
    alone = study(None)
    for count in (1, 3):
        with ThreadPoolExecutor(count) as pool:
            assert study(pool) == alone
