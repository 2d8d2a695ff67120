"""What makes a reading of uncertainty doubtful, in words."""

from collections.abc import Iterator

import numpy as np

from analysis.percentages import percent
from analysis.uncertainty.baselines import Baselines
from analysis.uncertainty.feature_table import (
    DEGENERATE,
    GENERATED_LEN,
    HIT_MAX,
    PREFINAL_LEN,
    Restricted,
)
from analysis.uncertainty.windows import Comparison, Mode, Thresholds

_MOST = 0.5
_SOME = 0.1


def pitfalls(
    restricted: Restricted, found: Comparison | None, known: Baselines, cuts: Thresholds
) -> tuple[str, ...]:
    """Return the warnings that hold for these traces, each a sentence."""
    return (
        *_few(restricted, cuts),
        *_cut(restricted),
        *_short(restricted),
        *_noise(restricted),
        *_useless(found, known),
    )


def _few(restricted: Restricted, cuts: Thresholds) -> Iterator[str]:
    table = restricted.table
    if table.failures < cuts.failures:
        yield f"Few failures: {table.failures}, {cuts.failures} needed for a verdict."
    if restricted.fallback:
        yield (
            f"Features of all tokens are read, the answer included: {restricted.fallback}. "
            "Length and the answer itself may be what tells failures."
        )


def _cut(restricted: Restricted) -> Iterator[str]:
    if restricted.dropped_failures and not restricted.fallback:
        share = restricted.dropped_failures / max(restricted.raw.failures, 1)
        yield (
            f"{restricted.dropped_failures} of {restricted.raw.failures} failures "
            f"({percent(share)}) have no answer that could be found. "
            "They are left out, and nothing is said of them."
        )


def _short(restricted: Restricted) -> Iterator[str]:
    table = restricted.table
    name = PREFINAL_LEN if table.prefinal else GENERATED_LEN
    if name not in table.frame or not table.windows:
        return
    lengths = table.frame[name].to_numpy()
    long = [window for window in table.windows if float((lengths <= window).mean()) > _MOST]
    if long:
        median = float(np.nanmedian(lengths))
        yield (
            f"Windows longer than most traces (median {median:,.0f} tokens): "
            f"{', '.join(f'{window:,}' for window in long)}. They are nearly the full trace."
        )


def _noise(restricted: Restricted) -> Iterator[str]:
    frame, failed = restricted.raw.frame, restricted.raw.failed
    if not failed.any():
        return
    told = {
        HIT_MAX: "ended at the token limit",
        DEGENERATE: "repeat a character or digits without end",
    }
    for column, words in told.items():
        if column in frame:
            share = float((frame.loc[failed, column] > 0).mean())
            if share > _SOME:
                having = f"{percent(share)} of the failures {words}"
                yield f"Label noise: {having}; they may fail otherwise."
    if PREFINAL_LEN in frame:
        share = float((frame.loc[failed, PREFINAL_LEN] <= 0).mean())
        if share > _SOME:
            yield (
                f"Label noise: in {percent(share)} of the failures no answer was found. "
                "Look whether the grader missed a right one."
            )


def _useless(found: Comparison | None, known: Baselines) -> Iterator[str]:
    if found is None:
        return
    best = max((found.full, *(one.early for one in found.windows)), key=lambda one: one.value)
    if best.low <= known.base_rate.value:
        yield (
            f"Uncertainty tells failures no better than chance: PR-AUC {best.value:.3f} "
            f"({best.low:.3f} to {best.high:.3f}), base rate {known.base_rate.value:.3f}."
        )
    if known.length is not None and known.length.value >= best.value:
        yield (
            f"Length alone does as well: PR-AUC {known.length.value:.3f} "
            f"({known.length.low:.3f} to {known.length.high:.3f})."
        )
    if found.mode is Mode.PERSISTENT:
        yield "The published rule says persistent whenever no window does better; it tests nothing."
