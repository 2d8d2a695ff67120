import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.estimates import wilson


# Newcombe (1998), Statistics in Medicine 17:857-872, table I, method 3; 40/100 worked by hand.
@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (40, 100, 0.3094, 0.4980),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
    ],
)
def test_published_intervals(successes: int, n: int, low: float, high: float):
    estimate = wilson(successes, n)
    assert estimate.value == successes / n
    assert estimate.low == pytest.approx(low, abs=5e-5)
    assert estimate.high == pytest.approx(high, abs=5e-5)
    assert (estimate.n, estimate.method) == (n, "wilson")


def test_nothing_measured_is_nan_with_n_zero():
    estimate = wilson(0, 0)
    assert estimate.n == 0
    assert all(map(math.isnan, (estimate.value, estimate.low, estimate.high)))
    assert not estimate.measured


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 5)])
def test_impossible_counts_are_refused(successes: int, n: int):
    with pytest.raises(ValueError, match="not a proportion"):
        wilson(successes, n)


def test_a_confidence_in_percent_is_refused():
    with pytest.raises(ValueError, match=r"such as 0\.95"):
        wilson(1, 2, confidence=95)


@given(st.integers(0, 200), st.integers(0, 200), st.floats(0.5, 0.99))
def test_interval_holds_the_value_and_mirrors(successes: int, failures: int, confidence: float):
    n = successes + failures
    if n == 0:
        return
    estimate, mirror = wilson(successes, n, confidence), wilson(failures, n, confidence)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.low == pytest.approx(1 - mirror.high)
    assert estimate.high == pytest.approx(1 - mirror.low)
