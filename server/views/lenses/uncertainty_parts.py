"""One configuration that the uncertainty lens looks at, and what it found in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analysis.self_consistency.study import Study, study
from analysis.uncertainty.feature_table import (
    CORRECT,
    ITEM,
    Span,
    before_the_answer,
    feature_table,
    is_feature,
)
from analysis.uncertainty.report import Asked, Report, report
from analysis.uncertainty.windows import Mode, Thresholds
from server.executors.choosing import current

MODEL = "model"
SETTINGS = {"top_k": "K", "nucleus_q": "q", "near_tie_delta": "δ"}
"""What features were made with, and how people write it."""
WORDS: Mapping[str, str] = {
    Mode.COMMITTED: "committed",
    Mode.NEAR_COMMITTED: "near committed",
    Mode.PERSISTENT: "persistent",
    Mode.UNDECIDED: "undecided",
    Mode.NOT_ENOUGH: "not enough data",
}


@dataclass(frozen=True)
class Part:
    """Traces of one group in one facet."""

    facet: str
    group: str
    frame: pd.DataFrame
    report: Report | None
    """None where no trace has features, or they were not asked for."""
    study: Study | None
    """None where no item has several runs."""
    without_features: int = 0
    condition: Mapping[str, Any] = field(default_factory=dict)
    """The filter that finds these traces."""

    @property
    def title(self) -> str:
        """Return what people call it."""
        return " · ".join(name for name in (self.facet, self.group) if name) or "all"

    @property
    def settings(self) -> tuple[str, ...]:
        """Return the K, q and δ of its features in words; several where they differ."""
        known = [name for name in SETTINGS if name in self.frame]
        if not known or self.report is None:
            return ()
        rows = self.frame[known].drop_duplicates()
        return tuple(_said(known, row) for row in rows.itertuples(index=False, name=None))


def _said(names: Sequence[str], values: tuple[Any, ...]) -> str:
    numbers = [pd.to_numeric(value, errors="coerce") for value in values]
    found = dict(zip(names, numbers, strict=True))
    known = [f"{SETTINGS[name]} {one:g}" for name, one in found.items() if not pd.isna(one)]
    lacking = [SETTINGS[name] for name, one in found.items() if pd.isna(one)]
    if lacking:
        *first, last = lacking
        known.append(f"{', '.join(first)}{' and ' if first else ''}{last} unknown")
    return ", ".join(known)


def part_of(
    frame: pd.DataFrame,
    asked: Asked,
    cuts: Thresholds,
    *,
    names: tuple[str, str] = ("", ""),
    condition: Mapping[str, Any] | None = None,
    only_runs: bool = False,
) -> Part:
    """Analyse one configuration.

    Args:
        frame: Columns correct, and features, item, model, answer, stratum where they are known.
        asked: How.
        cuts: The cut-offs.
        names: Facet and group.
        condition: The filter that finds these traces.
        only_runs: Whether only several runs of the same items are looked at.
    """
    features = [name for name in frame.columns if is_feature(str(name))]
    has_any = frame[features].notna().any(axis="columns") if features else None
    own = frame if has_any is None else frame[has_any]
    found = None
    if has_any is not None and has_any.any() and not only_runs:
        found = report(
            own.dropna(axis="columns", how="all"), asked=asked, cuts=cuts, executor=current()
        )
    return Part(
        *names,
        frame=own if found is not None else frame,
        report=found,
        study=_study(frame, found),
        without_features=0 if has_any is None else int((~has_any).sum()),
        condition=condition or {},
    )


def _study(frame: pd.DataFrame, found: Report | None) -> Study | None:
    if ITEM not in frame:
        return None
    runs = frame[frame[ITEM].astype(str) != ""]
    if MODEL in runs:  # runs of one model agree or not; other models are other questions
        runs = runs.assign(**{ITEM: runs[ITEM].astype(str) + "\x1f" + runs[MODEL].astype(str)})
    return study(runs, _span(frame, found))


def _span(frame: pd.DataFrame, found: Report | None) -> Span:
    """Return the tokens whose uncertainty is looked at: those of the window found, if there is."""
    if found is not None and found.published is not None:
        return Span(found.published.window, found.table.prefinal)
    features = [name for name in frame.columns if is_feature(str(name))]
    if not features:
        return Span()
    raw = feature_table(frame.assign(**{CORRECT: pd.to_numeric(frame[CORRECT])}))
    table = before_the_answer(raw).table
    return Span(table.windows[0] if table.windows else None, table.prefinal)
