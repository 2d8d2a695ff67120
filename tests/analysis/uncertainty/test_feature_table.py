import numpy as np
import pandas as pd
import pytest

from analysis.estimates import Estimate
from analysis.uncertainty.baselines import baselines
from analysis.uncertainty.feature_table import (
    FEATURES,
    Span,
    before_the_answer,
    feature_table,
    windows_in,
)
from analysis.uncertainty.pitfalls import pitfalls
from analysis.uncertainty.single_features import Shape, feature_kinds, shape_of, single_features
from analysis.uncertainty.strata import Strength, strata
from analysis.uncertainty.windows import Thresholds, compare
from tests.analysis.uncertainty.populations import population


def test_windows_are_those_that_features_name() -> None:
    columns = ["entropy_mean_w128", "nll_max_prefinal_w2048", "window_len_w64", "size_w3", "w9"]
    assert windows_in(columns) == (128, 2048)
    assert len(FEATURES) == 11


def test_missing_values_are_the_median_of_their_column() -> None:
    frame = pd.DataFrame({"correct": [0, 1, 1], "entropy_mean": [1.0, None, 4.0]})
    found = feature_table(frame).matrix(FEATURES, Span())
    assert found.ravel().tolist() == [1.0, 2.5, 4.0]


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (pd.DataFrame({"entropy_mean": [1.0]}), "lacks correct"),
        (pd.DataFrame({"correct": [1]}), "lacks any feature"),
        (pd.DataFrame({"correct": [2], "entropy_mean": [1.0]}), "0 and 1"),
    ],
)
def test_what_is_no_feature_table_is_refused(frame: pd.DataFrame, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        feature_table(frame)


def test_traces_without_an_answer_are_left_out_and_counted() -> None:
    frame = population({"_w128": 1.5}, n=80)
    frame.loc[[1, 3, 4], "prefinal_len"] = 0
    found = before_the_answer(feature_table(frame))
    assert (found.table.n, found.dropped, found.dropped_failures) == (77, 3, 2)
    told = pitfalls(found, None, baselines(found, draws=1), Thresholds())
    assert "2 of 40 failures (5 %) have no answer that could be found." in told[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"prefinal_len": 0}, "only 0 failures have an answer that could be found"),
        ({"prefinal_len": None}, "prefinal_len is missing"),
    ],
)
def test_raw_features_are_the_fallback_and_it_says_so(
    change: dict[str, int | None], reason: str
) -> None:
    frame = population({"_w128": 1.5}, n=80).assign(**change)
    frame = frame.dropna(axis="columns", how="all")
    found = before_the_answer(feature_table(frame))
    assert not found.table.prefinal
    assert found.fallback == reason
    assert any(reason in told for told in pitfalls(found, None, baselines(found), Thresholds()))


def test_pitfalls_name_what_these_data_walk_into() -> None:
    frame = population({}, n=60).assign(hit_max_tokens=[0, 1] * 30)
    frame["generated_len"] = np.where(frame["correct"] == 0, 900, 100)
    frame.loc[frame["correct"] == 0, "prefinal_len"] = 0
    restricted = before_the_answer(feature_table(frame))
    found = compare(restricted.table, draws=50)
    cuts = Thresholds(failures=40)
    told = " ".join(pitfalls(restricted, found, baselines(restricted, draws=50), cuts))
    for part in (
        "Few failures: 30, 40 needed",
        "Features of all tokens are read",
        "Label noise: 100 % of the failures ended at the token limit",
        "in 100 % of the failures no answer was found",
        "no better than chance",
        "Length alone does as well: PR-AUC 1.000",
    ):
        assert part in told


def test_windows_longer_than_the_traces_are_named() -> None:
    restricted = before_the_answer(feature_table(population({"_w128": 1.5}, n=80)))
    told = pitfalls(restricted, None, baselines(restricted, draws=1), Thresholds())
    assert any("longer than most traces" in one and "400" in one for one in told)
    assert not any("128" in one for one in told)


@pytest.mark.parametrize(
    ("full", "windows", "shape"),
    [
        (0.5, (0.6, 0.4, 0.4), Shape.EARLY_ABOVE_FULL),
        (0.9, (0.5, 0.6, 0.7), Shape.MONOTONE),
        (0.9, (0.7, 0.6, 0.5), Shape.FIRST_PEAK),
        (0.9, (0.5, 0.7, 0.6), Shape.INVERTED_U),
    ],
)
def test_shapes_have_the_published_names(
    full: float, windows: tuple[float, ...], shape: Shape
) -> None:
    told = {
        window: Estimate(value, 0, 1, 9, "")
        for window, value in zip((128, 256, 400), windows, strict=True)
    }
    assert shape_of(Estimate(full, 0, 1, 9, ""), told) is shape


def test_the_feature_that_tells_failures_stands_out() -> None:
    table = feature_table(population({"_w128": 1.5}, n=120))
    found = {one.name: one for one in single_features(table, draws=20)}
    assert max(found, key=lambda name: found[name].windows[128].value) == "entropy_mean"
    assert found["entropy_mean"].best_window == 128
    largest, means = feature_kinds(table, draws=20)
    assert means.windows[128].value > largest.windows[128].value


def test_levels_are_compared_apart_in_the_order_of_their_numbers() -> None:
    parts = [
        population({"_w128": strength}, n=100, seed=level).assign(stratum=str(level))
        for level, strength in ((2, 1.5), (10, 0.0), (3, 1.0))
    ]
    parts.append(population({}, n=8, seed=9).assign(stratum="11"))
    found = strata(feature_table(pd.concat(parts, ignore_index=True)), draws=200)
    assert [one.name for one in found.strata] == ["2", "3", "10", "11"]
    assert [one.n for one in found.strata] == [100, 100, 100, 8]
    assert found.strata[0].window == 128
    assert found.strata[-1].comparison is None
    reference = found.strata[0].reference
    assert reference is not None
    assert reference.window == 400
    assert reference.z == pytest.approx(reference.delta.value / reference.spread)
    assert {one.strength for one in found.strata} <= {*Strength, None}
    assert found.trend is not None
    levels = [2.0, 3.0, 10.0]
    values = [one.reference.z for one in found.strata if one.reference]
    slope, intercept = np.polyfit(levels, values, 1)
    assert (found.trend.slope, found.trend.intercept) == pytest.approx((slope, intercept))
