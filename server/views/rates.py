"""How traces ended: counts, and shares with their intervals."""

from dataclasses import dataclass

import pandas as pd

from analysis.estimates import Estimate, wilson
from analysis.percentages import percent, percents


@dataclass(frozen=True)
class Rate:
    """A share with its 95 % interval; None without anything to count."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    def __str__(self) -> str:
        """As people read it."""
        if self.value is None or self.low is None or self.high is None:
            return "–"
        return f"{percent(self.value)} ({percents(self.low, self.high)})"


@dataclass(frozen=True)
class Ended:
    """How some traces ended."""

    traces: int
    correct: int
    truncated: int
    unknown: int
    """Left out of both rates."""
    accuracy: Rate
    truncation: Rate


def ended(outcomes: "pd.Series[str]") -> Ended:
    """Count outcomes; of unknown ones no rate can be told."""
    counts = outcomes.value_counts()
    correct, truncated = int(counts.get("correct", 0)), int(counts.get("truncated", 0))
    unknown = int(counts.get("unknown", 0))
    known = len(outcomes) - unknown
    return Ended(
        traces=len(outcomes),
        correct=correct,
        truncated=truncated,
        unknown=unknown,
        accuracy=_rate(wilson(correct, known)),
        truncation=_rate(wilson(truncated, known)),
    )


def _rate(found: Estimate) -> Rate:
    if not found.measured:
        return Rate(None, None, None, 0)
    return Rate(round(found.value, 6), round(found.low, 6), round(found.high, 6), found.n)
