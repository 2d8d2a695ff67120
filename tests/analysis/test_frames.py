import pandas as pd
import pytest

from analysis.frames import MODE, TRACE_ID, require


def test_a_frame_with_the_columns_and_more_is_accepted():
    require(pd.DataFrame(columns=["trace_id", "mode", "colour"]), TRACE_ID, MODE)


def test_every_missing_column_is_named_beside_the_ones_there():
    with pytest.raises(ValueError, match=r"lacks trace_id, mode \(it has: colour\)"):
        require(pd.DataFrame(columns=["colour"]), TRACE_ID, MODE)
