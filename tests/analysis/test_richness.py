"""Worked examples of the iNEXT guide (Hsieh, Ma & Chao) and of scikit-bio's documentation."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.richness import (
    Frequencies,
    ace,
    chao,
    coverage,
    coverage_error,
    detection_floor,
    expected_new,
    forecast,
    rarefied,
    units_to_share,
)

GIRDLED = [46, 22, 17, 15, 15, 9, 8, 6, 6, 4, *[2] * 4, *[1] * 12]
LOGGED = [88, 22, 16, 15, 13, 10, 8, 8, 7, 7, 7, 5, 4, 4, 4, *[3] * 4, *[2] * 4, *[1] * 14]
TOY = [22, 14, 9, 7, 5, 3, 2, 2, 1, 1, 1, 1]
ETOSHA = Frequencies(units=19, total=516, seen=216, once=107, twice=44)
CENTRAL_NAMIB = Frequencies(units=17, total=379, seen=130, once=63, twice=28)
SOUTH_NAMIB = Frequencies(units=15, total=358, seen=150, once=82, twice=28)
ANTS_1500 = Frequencies(units=200, total=1170, seen=56, once=13, twice=4)
ANTS_2000 = Frequencies(units=200, total=271, seen=14, once=1, twice=2)


@pytest.mark.parametrize(
    ("counts", "seen", "value", "error", "low", "high", "covered"),
    [
        (GIRDLED, 26, 43.893, 14.306, 30.511, 96.971, 0.9289),
        (LOGGED, 37, 61.403, 18.532, 43.502, 128.583, 0.9446),
    ],
)
def test_spiders_chao1(
    counts: list[int],
    seen: int,
    value: float,
    error: float,
    low: float,
    high: float,
    covered: float,
):
    frequencies = Frequencies.of_abundance(counts)
    result = chao(frequencies)
    assert frequencies.seen == seen
    assert (result.value, result.standard_error) == pytest.approx((value, error), abs=5e-4)
    assert (result.low, result.high) == pytest.approx((low, high), abs=5e-4)
    assert coverage(frequencies) == pytest.approx(covered, abs=5e-5)


def test_spiders_girdled_curve():
    frequencies = Frequencies.of_abundance(GIRDLED)
    assert rarefied(GIRDLED, 168, [10, 47]) == pytest.approx([6.478617, 14.622424], abs=5e-7)
    assert rarefied(GIRDLED, 168, [84]) == pytest.approx([18.912], abs=5e-4)
    assert 26 + expected_new(frequencies, 248 - 168) == pytest.approx(30.883, abs=5e-4)
    assert 26 + expected_new(frequencies, 336 - 168) == pytest.approx(34.731, abs=5e-4)
    assert coverage(frequencies, 248 - 168) == pytest.approx(0.948, abs=5e-4)
    assert coverage(frequencies, 336 - 168) == pytest.approx(0.964, abs=5e-4)


def test_spiders_logged_curve():
    frequencies = Frequencies.of_abundance(LOGGED)
    assert rarefied(LOGGED, 252, [126]) == pytest.approx([28.268], abs=5e-4)
    assert 37 + expected_new(frequencies, 371 - 252) == pytest.approx(42.786, abs=5e-4)
    assert 37 + expected_new(frequencies, 504 - 252) == pytest.approx(47.644, abs=5e-4)


@pytest.mark.parametrize(
    ("frequencies", "value", "covered"),
    [
        (ETOSHA, 339.255, 0.8017),
        (CENTRAL_NAMIB, 196.706, 0.8425),
        (SOUTH_NAMIB, 262.067, 0.7816),
        (ANTS_1500, 77.019, 0.9889),
        (ANTS_2000, 14.249, 0.9964),
    ],
)
def test_ciliates_and_ants_chao2(frequencies: Frequencies, value: float, covered: float):
    assert chao(frequencies).value == pytest.approx(value, abs=5e-4)
    assert coverage(frequencies) == pytest.approx(covered, abs=5e-5)


def test_ants_standard_error():
    assert chao(ANTS_1500).standard_error == pytest.approx(16.353, abs=5e-4)


def test_ciliates_extrapolation():
    sizes = (20, 88, 150)
    totals = [216 + expected_new(ETOSHA, size - 19) for size in sizes]
    assert totals == pytest.approx([221.386, 333.606, 338.901], abs=5e-4)
    assert coverage(ETOSHA, 1) == pytest.approx(0.8104, abs=5e-5)


def test_a_hundred_traces():
    frequencies = Frequencies.of_incidence(TOY, 100)
    result, ahead = chao(frequencies), forecast(frequencies, 20)
    assert frequencies.seen == 12
    assert result.value == pytest.approx(15.96)
    assert result.standard_error == pytest.approx(5.242, abs=5e-4)
    assert (result.low, result.high) == pytest.approx((12.55, 40.46), abs=5e-3)
    assert coverage(frequencies) == pytest.approx(0.9418, abs=5e-5)
    assert expected_new(frequencies, 1) == pytest.approx(0.0396, abs=5e-5)
    assert ahead.expected == pytest.approx(0.721, abs=5e-4)
    assert ahead.upper == 3
    assert ahead.chance_of_none == pytest.approx(0.474, abs=5e-4)
    assert units_to_share(frequencies, 0.95) == pytest.approx(159, abs=0.5)
    assert detection_floor(100) == pytest.approx(0.0295, abs=5e-5)


def test_without_doubletons_by_hand():
    # T = 40, Q1 = 3, Q2 = 0, U = 12, S = 4: f0 = 39/40 * 3 * 2 / 2 = 2.925.
    # Var = k*3 + k^2*3*25/4 - k^2*81/(4*6.925) = 2.925 + 17.8242 - 2.7798 = 17.9694.
    # A = 40*2.925/(40*2.925 + 3) = 117/120; coverage = 1 - 3/12 * .975 = .75625.
    frequencies = Frequencies.of_incidence([1, 1, 1, 9], 40)
    assert chao(frequencies).value == pytest.approx(6.925)
    assert chao(frequencies).standard_error == pytest.approx(math.sqrt(17.9694), abs=1e-4)
    assert coverage(frequencies) == pytest.approx(0.75625)


def test_without_singletons_the_interval_still_allows_for_more():
    # U = 11, S = 3: P = exp(-11/3) = .025562, Var = 3*P*(1-P) = .074726,
    # high = (3 + 1.96*.273361)/(1-P) = 3.62853.
    frequencies = Frequencies.of_incidence([1, 5, 5], 40)
    result = chao(frequencies)
    assert (result.unseen, result.low) == (0.0, 3)
    assert result.high == pytest.approx(3.6285, abs=1e-4)
    assert coverage(Frequencies.of_incidence([2, 5], 40)) == 1.0


def test_forecast_without_singletons_leaves_a_chance_of_something_new():
    # rho = 1 - (1 - 1/101)^20 = .180446; NegBin(.5): P(0) = (1/1.180446)^.5 = .92040.
    ahead = forecast(Frequencies.of_incidence([5, 5, 5], 100), 20)
    assert ahead.expected == 0.0
    assert ahead.chance_of_none == pytest.approx(0.9204, abs=1e-4)
    assert ahead.upper == 1


def test_coverage_error_by_hand():
    # Toy: U = 68, Q1 = 4, Q2 = 2: sqrt(4*(1 - 4/68) + 4)/68 = sqrt(7.76471)/68 = .040978.
    assert coverage_error(Frequencies.of_incidence(TOY, 100)) == pytest.approx(0.040978, abs=1e-6)


# Values of scikit-bio's ace; 12,3,2,1: N = 6, C = 5/6, 1 + 3/(5/6) = 4.6 with variation 0.
@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([2, 0], 1.0),
        ([12, 0, 9], 2.0),
        ([12, 2, 1], 4.0),
        ([12, 1, 2, 1], 7.0),
        ([12, 3, 2, 1], 4.6),
        ([12, 3, 6, 1, 10], 5.62749672),
        ([12, 12, 13, 14], 4.0),
        ([0, 1, 1, 0, 0, 10, 10, 1, 0, 0], 9.35681818),
        ([1, 1, 12], 4.0),  # all rare are singletons: 3 + 2*1/2
        ([], 0.0),
    ],
)
def test_ace(counts: list[int], expected: float):
    assert ace(counts) == pytest.approx(expected)


def test_nothing_seen():
    nothing = Frequencies.of_incidence([], 0)
    assert chao(nothing).value == 0
    assert math.isnan(chao(nothing).high)
    assert math.isnan(coverage(nothing))
    assert math.isnan(coverage_error(nothing))
    assert math.isnan(detection_floor(0))
    assert rarefied([], 10, [0, 5]) == [0.0, 0.0]


def test_a_mode_cannot_be_in_more_traces_than_there_are():
    with pytest.raises(ValueError, match="in 5 units of 4"):
        Frequencies.of_incidence([5], 4)


def test_rarefaction_does_not_extrapolate():
    with pytest.raises(ValueError, match="between 0 and 4"):
        rarefied([1], 4, [5])


def test_a_share_of_everything_is_never_reached():
    with pytest.raises(ValueError, match="share"):
        units_to_share(Frequencies.of_incidence(TOY, 100), 1.0)


incidences = st.integers(2, 60).flatmap(
    lambda units: st.tuples(
        st.lists(st.integers(1, units), min_size=1, max_size=20), st.just(units)
    )
)


@given(incidences)
def test_estimates_stay_in_their_bounds(drawn: tuple[list[int], int]):
    counts, units = drawn
    frequencies = Frequencies.of_incidence(counts, units)
    result = chao(frequencies)
    assert result.value >= frequencies.seen
    assert frequencies.seen <= result.low <= result.value + 1e-9
    assert result.high >= result.value - 1e-9
    assert 0 <= coverage(frequencies) <= coverage(frequencies, 20) <= 1
    assert 0 <= expected_new(frequencies, 5) <= expected_new(frequencies, 50) + 1e-12
    assert expected_new(frequencies, 50) <= result.unseen + 1e-9


@given(incidences)
def test_rarefaction_rises_to_what_was_seen(drawn: tuple[list[int], int]):
    counts, units = drawn
    curve = rarefied(counts, units, range(units + 1))
    assert curve[0] == pytest.approx(0, abs=1e-9)
    assert curve[-1] == pytest.approx(len(counts))
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(curve))
