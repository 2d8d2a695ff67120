"""Names of the columns every frame handed to `analysis` uses, and the check that they are there."""

from enum import StrEnum

import pandas as pd

TRACE_ID = "trace_id"
MODE = "mode"
VALUE = "value"
SOURCE = "source"
ANNOTATOR = "annotator"
NOTE_ID = "note_id"
TEXT = "text"
CELL = "cell"
"""One combination of dimension values a trace was sampled from."""

N_PRESENT = "n_present"
N_ABSENT = "n_absent"
N_ANNOTATORS = "n_annotators"


class LabelValue(StrEnum):
    """What a label says about one mode on one trace. Unseen is the lack of a row."""

    PRESENT = "present"
    ABSENT = "absent"


class LabelSource(StrEnum):
    """Where the value of a trace × mode comes from, strongest first."""

    GOLD = "gold"
    HUMAN = "human"
    DERIVED = "derived"


def require(frame: pd.DataFrame, *columns: str) -> None:
    """Check that `frame` has all of `columns`.

    Args:
        frame: The table about to be analysed.
        *columns: Names it must have; further columns are fine.

    Raises:
        ValueError: Naming every missing column and the ones that are there.
    """
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        there = ", ".join(map(str, frame.columns)) or "none"
        raise ValueError(
            f"The frame lacks {', '.join(missing)} (it has: {there}). "
            "Rename the columns to the names in analysis.frames."
        )
