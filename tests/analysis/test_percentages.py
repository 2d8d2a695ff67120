"""Shares in words."""

from analysis.percentages import percent, percents


def test_shares_and_their_intervals_read_one_way() -> None:
    assert percent(0.314) == "31 %"
    assert percent(0.314, 1) == "31.4 %"
    assert percent(0.05, 1, sign="+") == "+5.0 %"
    assert percents(0.236, 0.37) == "24 to 37 %"
