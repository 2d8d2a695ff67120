"""How many traces are labelled for each mode, and how."""

from dataclasses import dataclass

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
    combined = facts.combined_labels
    counts: dict[int, LabelCounts] = {}
    for mode in combined[MODE].unique().tolist():
        values = combined.loc[combined[MODE] == mode, VALUE]
        counts[mode] = LabelCounts(
            present=int((values == LabelValue.PRESENT).sum()),
            absent=int((values == LabelValue.ABSENT).sum()),
            tied=int(values.isna().sum()),
        )
    return counts
