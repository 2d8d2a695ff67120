"""The columns that an analysis of uncertainty reads: one row a trace, one feature a column."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

CORRECT, GENERATED_LEN, PREFINAL_LEN = "correct", "generated_len", "prefinal_len"
PREBOXED_LEN = "preboxed_generated_len"
"""What some tables call `prefinal_len`."""
HIT_MAX, DEGENERATE = "hit_max_tokens", "degenerate"
GROUP, ITEM, STRATUM = "group", "item", "stratum"

MEAN_FEATURES = (
    *("entropy_mean", "nll_mean", "margin_mean", "nucleus_size_mean", "near_tie_mean"),
    "fork_rate",
)
MAX_FEATURES = ("entropy_max", "nll_max", "margin_max", "nucleus_size_max", "near_tie_max")
FEATURES = (
    *(name for pair in zip(MEAN_FEATURES, MAX_FEATURES, strict=False) for name in pair),
    "fork_rate",
)
"""What the models read; standard deviations are kept but not read, as published."""
STATISTICS = (*FEATURES, "entropy_std", "margin_std", "nll_std")
"""What a span of tokens may be summed up to; a table holds them for any of its spans."""
LEAST_FAILURES = 5
"""Failures that a model needs, as published."""

_COLUMN = re.compile(rf"({'|'.join(STATISTICS)})(_prefinal)?(?:_w(\d+))?")


@dataclass(frozen=True)
class Span:
    """The tokens that features are about: the first `window`, or all; before the answer, or all."""

    window: int | None = None
    prefinal: bool = False

    @property
    def suffix(self) -> str:
        """What the columns of this span end in."""
        cut = "_prefinal" if self.prefinal else ""
        return cut if self.window is None else f"{cut}_w{self.window}"


@dataclass(frozen=True)
class FeatureTable:
    """Traces whose outcome is known, with the features of their tokens."""

    frame: "pd.DataFrame"
    """Numbers; a missing one is NaN."""
    failed: NDArray[np.bool_]
    windows: tuple[int, ...]
    prefinal: bool
    """Whether all features are of the tokens before the answer."""
    items: NDArray[np.object_] | None = None
    """What each trace is a run of; None where each is its own."""

    @property
    def n(self) -> int:
        """How many traces there are."""
        return len(self.frame)

    @property
    def failures(self) -> int:
        """How many of them failed."""
        return int(self.failed.sum())

    @property
    def full(self) -> Span:
        """The span with all tokens."""
        return Span(None, self.prefinal)

    @property
    def spans(self) -> tuple[Span, ...]:
        """All tokens, then each window."""
        return (self.full, *(Span(window, self.prefinal) for window in self.windows))

    def matrix(self, features: Sequence[str], span: Span) -> NDArray[np.float64]:
        """Return features of a span, one row a trace; what is missing is the column's median.

        Features that no trace has are left out.
        """
        columns = [name + span.suffix for name in features]
        found = self.frame[[name for name in columns if name in self.frame]].dropna(
            axis="columns", how="all"
        )
        return found.fillna(found.median()).to_numpy(dtype=np.float64)

    def where(self, keep: NDArray[np.bool_]) -> "FeatureTable":
        """Return the traces that a mask keeps."""
        return replace(
            self,
            frame=self.frame.loc[keep],
            failed=self.failed[keep],
            items=None if self.items is None else self.items[keep],
        )


def is_feature(column: str) -> bool:
    """Return whether a column is one of the contract's features."""
    return _COLUMN.fullmatch(column) is not None


def windows_in(columns: Sequence[str]) -> tuple[int, ...]:
    """Return the windows that columns of features name, ascending."""
    found = (_COLUMN.fullmatch(str(column)) for column in columns)
    return tuple(sorted({int(match[3]) for match in found if match and match[3]}))


def feature_table(frame: "pd.DataFrame") -> FeatureTable:
    """Read the contract: `correct` and columns `{signal}_{stat}[_prefinal][_w{T}]`.

    Windows are those that any feature names. Features are raw here: see `before_the_answer`.
    Items count only where an item has several traces.

    Raises:
        ValueError: `correct` is missing, holds something else than 0 and 1, or no feature is there.
    """
    import pandas as pd

    features = [column for column in frame.columns if is_feature(str(column))]
    if CORRECT not in frame or not features:
        missing = CORRECT if CORRECT not in frame else "any feature such as entropy_mean_w128"
        raise ValueError(f"The table lacks {missing}.")
    correct = pd.to_numeric(frame[CORRECT], errors="coerce")
    if not correct.isin((0, 1)).all():
        raise ValueError("correct holds something else than 0 and 1.")
    known = (GENERATED_LEN, PREFINAL_LEN, PREBOXED_LEN, HIT_MAX, DEGENERATE)
    lengths = [name for name in known if name in frame]
    numbers = frame[[*lengths, *features]].apply(pd.to_numeric, errors="coerce")
    if PREFINAL_LEN not in numbers and PREBOXED_LEN in numbers:
        numbers = numbers.rename(columns={PREBOXED_LEN: PREFINAL_LEN})
    kept = [name for name in (GROUP, STRATUM) if name in frame]
    return FeatureTable(
        frame=pd.concat([numbers.astype(np.float64), frame[kept]], axis="columns"),
        failed=(correct == 0).to_numpy(),
        windows=windows_in(features),
        prefinal=False,
        items=_items(frame),
    )


def _items(frame: "pd.DataFrame") -> NDArray[np.object_] | None:
    import pandas as pd

    if ITEM not in frame:
        return None
    names = frame[ITEM].astype(str).to_numpy(dtype=object)
    own = pd.Series(names).where(names != "", [f"\0{place}" for place in range(len(names))])
    return own.to_numpy(dtype=object) if own.duplicated().any() else None


@dataclass(frozen=True)
class Restricted:
    """A table as it is analysed, and how it came about."""

    table: FeatureTable
    raw: FeatureTable
    fallback: str = ""
    """Why raw features are read although features before the answer were asked for."""

    @property
    def dropped(self) -> int:
        """Traces without an answer that could be found."""
        return self.raw.n - self.table.n

    @property
    def dropped_failures(self) -> int:
        """How many of those failed."""
        return self.raw.failures - self.table.failures


def before_the_answer(raw: FeatureTable) -> Restricted:
    """Keep the traces whose answer was found, and features of the tokens before it.

    As published, all traces and raw features stay where the length is not known or fewer than
    `LEAST_FAILURES` failures would remain; `fallback` says so.
    """
    if PREFINAL_LEN not in raw.frame:
        return Restricted(raw, raw, "prefinal_len is missing")
    columns = raw.frame.columns
    if not any(name + Span(None, True).suffix in columns for name in FEATURES):
        return Restricted(raw, raw, "features before the answer are missing")
    kept = raw.where((raw.frame[PREFINAL_LEN] > 0).to_numpy())
    if kept.failures < LEAST_FAILURES:
        reason = f"only {kept.failures} failures have an answer that could be found"
        return Restricted(raw, raw, reason)
    return Restricted(replace(kept, prefinal=True), raw)
