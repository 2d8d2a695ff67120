"""How many traces are labelled for each mode, and how."""

from dataclasses import dataclass

import pandas as pd

from analysis.frames import MODE, VALUE, LabelValue
from server.views.facts import Facts


@dataclass(frozen=True)
class LabelCounts:
    """Traces by their combined value for one mode; the rest are unseen, which is not absent."""

    present: int = 0
    absent: int = 0
    tied: int = 0

    @property
    def n(self) -> int:
        """Traces with a value."""
        return self.present + self.absent


def label_counts(facts: Facts) -> dict[int, LabelCounts]:
    """Count the traces of each mode in use, over what the member may see."""
    return facts.counted("label counts", lambda: _counted(facts.combined_labels))


def _counted(combined: pd.DataFrame) -> dict[int, LabelCounts]:
    value = combined[VALUE]
    kinds = {
        "present": value == LabelValue.PRESENT,
        "absent": value == LabelValue.ABSENT,
        "tied": value.isna(),
    }
    counts = pd.DataFrame(kinds).astype(int).groupby(combined[MODE], sort=False).sum()
    rows = counts.to_numpy().tolist()
    return {mode: LabelCounts(*row) for mode, row in zip(counts.index.tolist(), rows, strict=True)}
