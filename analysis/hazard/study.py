"""Everything the hazard lens says of a population: curves, rates, walls, patterns, comparisons."""

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile

import numpy as np
import pandas as pd

from analysis.cooccurrence import adjusted
from analysis.hazard.comparison import HazardRatio, hazard_ratios, log_rank_test
from analysis.hazard.event_table import Floats, Integers, codes, event_table, grouped_counts
from analysis.hazard.gray import FEW, GroupTest, gray_test_of, permutation_test
from analysis.hazard.incidence import Incidence, Variance, incidence_of
from analysis.hazard.person_time import PersonTime
from analysis.hazard.rates import (
    TOKENS_A_BIN,
    BinnedHazard,
    binned_hazard,
    fitting_width,
)
from analysis.hazard.scan import Scan, scan_positions
from analysis.hazard.spikes import POSITIONS, Spike, SpikePopulation, SpikeTests, positional_spikes
from analysis.hazard.verdicts import HazardPattern, HazardVerdict, Thresholds, hazard_verdict
from analysis.spreading import spread

TIME, CAUSE, GROUP, CAP = "time", "cause", "group", "cap"
ALL = "all"
"""What the only group is called."""
SUCCESSES = ("correct", "passed")
"""Causes that are no failure."""
_NAMED_TIMES = 8


@dataclass(frozen=True)
class Settings:
    """What is asked; units are those of time."""

    causes: tuple[str, ...] = ()
    """Causes that come first, in this order; the others follow by name."""
    censored: str = ""
    """The cause that means that nothing happened."""
    at: tuple[float, ...] = ()
    """Times at which numbers are told; chosen where there are none."""
    positions: tuple[float, ...] = POSITIONS
    """Where walls are looked for."""
    width: float = 0.0
    """Of a bin; chosen where it is 0."""
    is_tokens: bool = True
    is_whole: bool = False
    """Whether time goes by whole units that are few, as steps."""
    variance: Variance = Variance.AALEN
    scans: bool = True
    """Whether walls at unknown positions are looked for, too."""


@dataclass(frozen=True)
class GroupStudy:
    """One group."""

    name: str
    n: int
    incidence: Incidence
    failed: Incidence
    """Of all failures taken together, and of all else that ends a trace."""
    worked: Mapping[str, PersonTime]
    """By cause."""
    binned: Mapping[str, BinnedHazard]
    verdict: HazardVerdict
    spikes: SpikeTests
    limit: float
    """The time at which 10 remain; 0 for fewer."""
    scan: Scan | None = None
    """Of all failures together, where there are enough."""


@dataclass(frozen=True)
class Comparison:
    """All groups compared in one cause."""

    cause: str
    gray: GroupTest
    shuffled: GroupTest | None
    """Gray's statistic with shuffled groups, where one is too small for χ²."""
    gray_q: float
    """Over the causes; of the shuffled p where there is one."""
    log_rank: GroupTest
    ratios: tuple[HazardRatio, ...]
    reference: str


@dataclass(frozen=True)
class HazardStudy:
    """A population in groups; causes in the order of their codes from 1 on."""

    causes: tuple[str, ...]
    failures: tuple[str, ...]
    groups: tuple[GroupStudy, ...]
    spikes: SpikeTests
    comparisons: tuple[Comparison, ...]
    at: tuple[float, ...]
    width: float
    n: int
    settings: Settings = field(default_factory=Settings)


def hazard_study(
    frame: pd.DataFrame,
    rng: np.random.Generator,
    settings: Settings | None = None,
    thresholds: Thresholds | None = None,
    executor: Executor | None = None,
) -> HazardStudy:
    """Study a population of traces, in groups and by cause.

    Formula, assumptions, citation: of the parts; `gray` and `comparison` between groups.
    Caps not given are the times of the censored. Empty input: no group.

    Args:
        frame: Columns time, cause, group (both names), and cap, if known (nan where not).
        rng: For shuffles.
        settings: What is asked.
        thresholds: Cut-offs.
        executor: Who computes; the same numbers, whoever does.

    Raises ValueError where a time does not fit, or bins are too narrow.
    """
    asked, cuts = settings or Settings(), thresholds or Thresholds()
    cause, causes = codes(frame[CAUSE], asked.censored, asked.causes)
    time = frame[TIME].to_numpy(dtype=float)
    caps = _caps(frame, time, cause)
    group, known = _groups(frame[GROUP])
    members = [group == number for number in range(len(known))]
    ends = _within(time) if asked.is_whole else time
    worked = [_worked(ends[own], cause[own], causes) for own in members]
    spikes = _spikes(known, worked, [caps[own] for own in members], asked, cuts)
    limit, width = _scale([time[own] for own in members], asked)
    study = partial(
        _group_study, spikes=spikes, causes=causes, width=width, asked=asked, cuts=cuts, rng=rng
    )
    told = _verdicts(ends, cause, members, spikes, known, causes, asked, cuts, executor)
    groups = tuple(
        study(name, time[own], cause[own], caps[own], parts, verdict)
        for name, own, parts, verdict in zip(known, members, worked, told, strict=True)
    )
    return HazardStudy(
        causes=causes,
        failures=tuple(name for name in causes if name not in SUCCESSES),
        groups=groups,
        spikes=spikes,
        comparisons=_comparisons(time, cause, group, causes, known, rng, executor),
        at=asked.at or _named_times(limit or float(time.max(initial=0)), is_tokens=asked.is_tokens),
        width=width,
        n=len(frame),
        settings=asked,
    )


def _groups(names: "pd.Series[str]") -> tuple[Integers, list[str]]:
    """Return the number of each row's group, and what the groups are called, in order."""
    called = names.astype(str).replace("", ALL)
    known = sorted(called.unique(), key=_natural)
    return np.asarray(pd.Categorical(called, categories=known).codes, dtype=np.int64), known


def _spikes(
    names: Sequence[str],
    worked: Sequence[Mapping[str, PersonTime]],
    caps: Sequence[Floats],
    asked: Settings,
    cuts: Thresholds,
) -> SpikeTests:
    return positional_spikes(
        [SpikePopulation(*one) for one in zip(names, worked, caps, strict=True)],
        asked.positions,
        q_below=cuts.spike_q,
        ratio_from=cuts.spike_ratio,
        events_from=cuts.spike_events,
    )


def _natural(name: str) -> tuple[float, str]:
    try:
        return (float(name), name)
    except ValueError:
        return (math.inf, name)


def _within(time: Floats) -> Floats:
    """Return whole times a little earlier, so that what ends with a step ends within it."""
    return np.maximum(time * (1 - 1e-9), 0.0)


def _caps(frame: pd.DataFrame, time: Floats, cause: Integers) -> Floats:
    """Return the cap of each trace: as told, else where it was censored, else nan."""
    told = frame[CAP].to_numpy(dtype=float) if CAP in frame else np.full(len(frame), np.nan)
    reached = np.where(cause == 0, time, np.nan)
    return np.asarray(np.where(np.isnan(told), reached, told))


def _worked(time: Floats, cause: Integers, causes: Sequence[str]) -> dict[str, PersonTime]:
    return {
        name: PersonTime.of(time, cause, [number]) for number, name in enumerate(causes, start=1)
    }


def _limit(time: Floats) -> float:
    return PersonTime.of(time, np.zeros(len(time)), []).limit


def _scale(times: Sequence[Floats], asked: Settings) -> tuple[float, float]:
    """Return the latest limit of all groups, and the width of a bin."""
    limit = max((_limit(own) for own in times), default=0.0)
    return limit, asked.width or _width(limit, is_tokens=asked.is_tokens)


def _width(limit: float, *, is_tokens: bool) -> float:
    if is_tokens:
        return fitting_width(limit, TOKENS_A_BIN, most=128)
    return fitting_width(limit, 1.0, most=64)


def _group_study(
    name: str,
    time: Floats,
    cause: Integers,
    caps: Floats,
    worked: Mapping[str, PersonTime],
    verdict: HazardVerdict,
    *,
    spikes: SpikeTests,
    causes: Sequence[str],
    width: float,
    asked: Settings,
    cuts: Thresholds,
    rng: np.random.Generator,
) -> GroupStudy:
    failing = _failing(causes)
    walls = spikes.of(name)
    scans = asked.scans and asked.is_tokens and verdict.failures >= cuts.fewest_failures
    together = PersonTime.of(time, cause, failing)
    return GroupStudy(
        name=name,
        n=len(time),
        incidence=incidence_of(event_table(time, cause, len(causes)), asked.variance),
        failed=incidence_of(event_table(time, _merged(cause, failing), 2), asked.variance),
        worked=worked,
        binned={cause: binned_hazard(part, width) for cause, part in worked.items()},
        verdict=verdict,
        spikes=walls,
        limit=_limit(time),
        scan=scan_positions(together, rng, caps[~np.isnan(caps)]) if scans else None,
    )


def _failing(causes: Sequence[str]) -> list[int]:
    return [number for number, name in enumerate(causes, start=1) if name not in SUCCESSES]


def _walls(spikes: SpikeTests, name: str) -> list[Spike]:
    return [one for one in spikes.of(name).surviving if one.cause not in SUCCESSES]


def _verdicts(
    ends: Floats,
    cause: Integers,
    members: Sequence[np.ndarray],
    spikes: SpikeTests,
    names: Sequence[str],
    causes: Sequence[str],
    asked: Settings,
    cuts: Thresholds,
    executor: Executor | None,
) -> Iterator[HazardVerdict]:
    """Yield the pattern of each group."""
    failing = _failing(causes)
    parts = (
        (ends[own], cause[own], failing, _walls(spikes, name), cuts)
        for name, own in zip(names, members, strict=True)
    )
    return spread(_verdict, parts, executor, shared=(asked.is_whole,))


def _verdict(
    is_whole: bool,
    ends: Floats,
    cause: Integers,
    failing: Sequence[int],
    walls: Sequence[Spike],
    cuts: Thresholds,
) -> HazardVerdict:
    return hazard_verdict(ends, cause, failing, walls, cuts, is_whole=is_whole)


def _merged(cause: Integers, failing: Sequence[int]) -> Integers:
    return np.where(cause == 0, 0, np.where(np.isin(cause, list(failing)), 1, 2))


def _comparisons(
    time: Floats,
    cause: Integers,
    group: Integers,
    causes: Sequence[str],
    names: Sequence[str],
    rng: np.random.Generator,
    executor: Executor | None,
) -> tuple[Comparison, ...]:
    if len(names) < 2:
        return ()
    counts = grouped_counts(time, cause, group, len(causes))
    sizes = np.bincount(group, minlength=len(names))
    reference = int(sizes.argmax())
    numbers = range(1, len(causes) + 1)
    shuffled = [
        permutation_test(time, cause, group, rng, number, executor=executor)
        if sizes.min() < FEW
        else None
        for number in numbers
    ]
    tests = [gray_test_of(counts, number) for number in numbers]
    used = [few or test for few, test in zip(shuffled, tests, strict=True)]
    q_values = adjusted([test.p_value for test in used])
    return tuple(
        Comparison(
            cause=name,
            gray=tests[number - 1],
            shuffled=shuffled[number - 1],
            gray_q=q,
            log_rank=log_rank_test(counts, number),
            ratios=tuple(hazard_ratios(counts, number, reference)),
            reference=names[reference],
        )
        for number, name, q in zip(numbers, causes, q_values, strict=True)
    )


def _named_times(limit: float, *, is_tokens: bool) -> tuple[float, ...]:
    """Return round times up to the limit: powers of two for tokens, else even steps of 1, 2, 5."""
    if limit <= 0:
        return ()
    if is_tokens:
        highest = math.floor(math.log2(limit)) if limit >= 1 else 0
        powers = [float(2**power) for power in range(max(0, highest - 5), highest + 1)]
        return tuple(power for power in powers if power <= limit)
    step = _round_step(limit / _NAMED_TIMES)
    many = (step * number for number in range(1, 10 * _NAMED_TIMES))
    return tuple(takewhile(lambda at: at <= limit, many))


def _round_step(least: float) -> float:
    scale = 10.0 ** math.floor(math.log10(least))
    return next(size * scale for size in (1, 2, 5, 10) if size * scale >= least * (1 - 1e-9))


def patterns(study: HazardStudy) -> dict[HazardPattern, list[str]]:
    """Return the groups of each pattern that occurs."""
    found: dict[HazardPattern, list[str]] = {}
    for group in study.groups:
        found.setdefault(group.verdict.pattern, []).append(group.name)
    return found
