"""Everything that is said of one configuration: its windows, its verdicts, what to doubt."""

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypedDict

import pandas as pd

from analysis.cohorts.threads import one_thread
from analysis.uncertainty.average_precision import DRAWS, SEED
from analysis.uncertainty.baselines import Baselines, baselines
from analysis.uncertainty.feature_table import (
    STRATUM,
    FeatureTable,
    Restricted,
    before_the_answer,
    feature_table,
)
from analysis.uncertainty.nested import Nested, nested
from analysis.uncertainty.pitfalls import pitfalls
from analysis.uncertainty.single_features import SingleFeature, feature_kinds, single_features
from analysis.uncertainty.strata import Strata, strata
from analysis.uncertainty.trace_readings import TraceReadings, trace_readings
from analysis.uncertainty.windows import Comparison, Mode, Thresholds, compare


@dataclass(frozen=True)
class Asked:
    """How a configuration is analysed."""

    draws: int = DRAWS
    """Draws of each bootstrap; those of single features are at most 1,000."""
    seed: int = SEED
    only_published: bool = False
    """Whether the published analysis is all: no held-out verdict, and no readings of traces."""
    raw: bool = False
    """Whether features of all tokens are read, the answer included."""


_FEATURE_DRAWS = 1_000


@dataclass(frozen=True)
class Report:
    """What is said of one configuration."""

    restricted: Restricted
    published: Comparison | None
    """None where there is too little for any model."""
    nested: Nested | None
    """None where only the published analysis was asked for."""
    baselines: Baselines
    features: tuple[SingleFeature, ...]
    kinds: tuple[SingleFeature, ...]
    strata: Strata
    readings: TraceReadings | None
    warnings: tuple[str, ...]

    @property
    def table(self) -> FeatureTable:
        """Return the traces that are analysed."""
        return self.restricted.table

    @property
    def mode(self) -> Mode:
        """Return the verdict: the nested one, unless only the published one was asked for."""
        return self.published_mode if self.nested is None else self.nested.mode

    @property
    def published_mode(self) -> Mode:
        """Return the verdict by the published rule."""
        return Mode.NOT_ENOUGH if self.published is None else self.published.mode

    @property
    def commitment_window(self) -> int | None:
        """Return the commitment point; None unless the verdict is committed."""
        if self.nested is not None:
            return self.nested.window
        is_committed = self.published is not None and self.published.mode is Mode.COMMITTED
        return self.published.window if self.published is not None and is_committed else None


class _Drawn(TypedDict):
    draws: int
    seed: int


@one_thread()
def report(
    frame: pd.DataFrame,
    *,
    asked: Asked | None = None,
    cuts: Thresholds | None = None,
    executor: Executor | None = None,
) -> Report:
    """Analyse one configuration.

    Args:
        frame: As `feature_table` reads it; `stratum` and `item` where they are known.
        asked: How.
        cuts: The cut-offs of the verdicts.
        executor: Who draws and fits; the same numbers, whoever does.

    Raises:
        ValueError: The frame is no feature table.
    """
    asked, cuts = asked or Asked(), cuts or Thresholds()
    raw = feature_table(frame)
    restricted = Restricted(raw, raw) if asked.raw else before_the_answer(raw)
    table = restricted.table
    drawn: _Drawn = {"draws": asked.draws, "seed": asked.seed}
    published = compare(table, **drawn, cuts=cuts, executor=executor)
    known = baselines(restricted, **drawn, executor=executor)
    few = min(asked.draws, _FEATURE_DRAWS)
    held_out = None
    if not asked.only_published:
        held_out = nested(table, **drawn, inner_draws=few, cuts=cuts, executor=executor)
    return Report(
        restricted=restricted,
        published=published,
        nested=held_out,
        baselines=known,
        features=single_features(table, draws=few, seed=asked.seed, executor=executor),
        kinds=feature_kinds(table, draws=few, seed=asked.seed, executor=executor),
        strata=strata(table, **drawn, cuts=cuts, executor=executor)
        if STRATUM in frame
        else Strata((), None),
        readings=None
        if held_out is None
        else trace_readings(table, held_out, cuts=cuts, executor=executor),
        warnings=pitfalls(restricted, published, known, cuts),
    )
