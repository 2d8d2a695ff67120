"""A judge's report: which correction is used and why, refusals, drift."""

import pytest

from analysis.judge_alignment import Confusion
from analysis.judge_report import Method, Standing, complement, drift, judge_report
from analysis.judge_results import judge_reading, judge_results

# TPR .92, TNR .88 on a set of 50 and 50; the judge passes 400 of 500 others.
BALANCED = Confusion(true_pass=46, false_fail=4, true_fail=44, false_pass=6)
# 100 random labels: 80 pass, of which the judge passes 74; it passes 3 of the 20 that fail.
RANDOM = Confusion(true_pass=74, false_fail=6, true_fail=17, false_pass=3)


def test_a_balanced_set_is_corrected_by_rogan_and_gladen() -> None:
    found = judge_report(BALANCED, 400, 500).correction
    assert found is not None
    assert found.method is Method.ROGAN_GLADEN
    assert found.passes.value == pytest.approx(0.85)
    assert "52 % of the labelled traces and 80 % of the others" in found.reason
    assert complement(found.passes).value == pytest.approx(0.15)
    assert complement(found.passes).low == pytest.approx(1 - found.passes.high)


def test_a_random_sample_is_corrected_by_ppi() -> None:
    found = judge_report(RANDOM, 380, 500).correction
    assert found is not None
    assert found.method is Method.PPI
    assert found.passes.value == pytest.approx(0.7943, abs=5e-5)
    assert (found.passes.low, found.passes.high) == pytest.approx((0.736, 0.852), abs=5e-4)
    assert found.other.value == pytest.approx(0.787, abs=5e-4)


@pytest.mark.parametrize(
    ("found", "at_random", "method"),
    [
        (RANDOM, True, Method.PPI),
        (RANDOM, False, Method.ROGAN_GLADEN),
        (Confusion(38, 12, 50, 0), None, Method.ROGAN_GLADEN),  # half of 100, and 38 % pass
        (Confusion(80, 1, 17, 2), True, Method.ROGAN_GLADEN),  # 19 fail: too few for PPI++
    ],
)
def test_the_method_fits_the_labelled_traces(
    found: Confusion, at_random: bool | None, method: Method
) -> None:
    passed = 390 if found is not RANDOM and found.passes == 50 else 800
    report = judge_report(found, passed, 1000, drawn_at_random=at_random)
    assert report.correction is not None
    assert report.correction.method is method


def test_another_method_can_be_asked_for() -> None:
    report = judge_report(RANDOM, 380, 500, method=Method.ROGAN_GLADEN)
    assert report.correction is not None
    assert report.correction.method is Method.ROGAN_GLADEN
    assert report.correction.passes.value == pytest.approx(0.787, abs=5e-4)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (Confusion(20, 30, 20, 30), "no better than chance"),
        (Confusion(25, 25, 25, 25), "no better than chance"),  # exactly 1
        (Confusion(9, 1, 0, 0), "no trace that fails"),
    ],
)
def test_a_correction_is_refused_with_the_reason(found: Confusion, reason: str) -> None:
    report = judge_report(found, 380, 500)
    told = judge_results(report)
    assert (told["corrected"], told["corrected_interval"], told["method"]) == (None, None, None)
    assert reason in told["reason"]
    assert reason in judge_reading(report)


def test_what_is_asked_of_a_judge() -> None:
    def standing(passes: int, fails: int) -> Standing:
        found = Confusion(passes, 100 - passes, fails, 100 - fails)
        return judge_report(found, 0, 0).standing

    assert standing(95, 91) is Standing.TARGET
    assert standing(95, 90) is Standing.MINIMUM  # above the target means above
    assert standing(95, 80) is Standing.BELOW
    assert judge_report(Confusion(9, 1, 0, 0), 0, 0).standing is Standing.UNKNOWN
    assert judge_results(judge_report(Confusion(60, 40, 59, 41), 0, 0))["is_weak"]
    assert not judge_results(judge_report(Confusion(60, 40, 60, 40), 0, 0))["is_weak"]


def test_drift_is_paired() -> None:
    found = drift((50, 10, 2, 38), (40, 5, 0, 5), (30, 0, 0, 20))
    assert found.passes.estimate.value == pytest.approx(0.08)
    assert (found.passes.gained, found.passes.lost) == (10, 2)
    assert found.passes.estimate.low > 0  # 12 changes, 10 of them one way
    assert found.tpr.estimate.value == pytest.approx(0.1)
    assert (found.tnr.estimate.value, found.tnr.p_value) == (0, 1)
