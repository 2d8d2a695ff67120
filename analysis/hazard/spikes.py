"""Whether failures pile up at certain positions: a wall of context or of a budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.cooccurrence import adjusted
from analysis.estimates import Estimate
from analysis.hazard.event_table import Floats
from analysis.hazard.person_time import PersonTime
from analysis.hazard.rates import rate_ratio

POSITIONS = (2048, 4096, 8192, 16384, 32768)
HALF = 128
"""A window reaches so far to both sides of its position."""
FLANK = 1024
"""So far beyond the window, on both sides, is what it is compared with."""
_HEAPED_FROM = 5
_HEAPED_SHARE = 0.2
"""Of the ends within a window at one and the same value: a cap ends traces so, a wall does not."""


@dataclass(frozen=True)
class Spike:
    """One position of one cause in one group, tested."""

    group: str
    cause: str
    position: float
    inside: int
    """Events within the window."""
    beside: int
    """Events in both flanks."""
    worked_inside: float
    worked_beside: float
    ratio: Estimate
    p_value: float
    q_value: float = float("nan")
    survives: bool = False
    """Whether it is reported as a spike."""


@dataclass(frozen=True)
class Dropped:
    """A position that could not be tested in a group, and why."""

    group: str
    position: float
    reason: str
    is_heaped: bool = False
    """Whether traces end there at one value, as under a cap that they do not carry."""


@dataclass(frozen=True)
class SpikeTests:
    """All that was tested, with q over all of it."""

    tested: tuple[Spike, ...]
    dropped: tuple[Dropped, ...]

    @property
    def surviving(self) -> tuple[Spike, ...]:
        """The spikes that are reported."""
        return tuple(one for one in self.tested if one.survives)

    def of(self, group: str) -> "SpikeTests":
        """Return those of one group; q stays over all groups."""
        return SpikeTests(
            tuple(one for one in self.tested if one.group == group),
            tuple(one for one in self.dropped if one.group == group),
        )


@dataclass(frozen=True)
class SpikePopulation:
    """One group for the test: time worked with the events of each cause, and its caps."""

    group: str
    worked: Mapping[str, PersonTime]
    caps: Floats
    """Caps on time, given or reached; any order."""


def positional_spikes(
    groups: Sequence[SpikePopulation],
    positions: Sequence[float] = POSITIONS,
    *,
    q_below: float = 0.05,
    ratio_from: float = 2.0,
    events_from: int = 5,
) -> SpikeTests:
    """Test each position × cause × group for more events than on both sides of it.

    Formula: window [N − 128, N + 128) with d₁ events in E₁ of time worked, flanks of 1,024 on each
    side with d₀ and E₀. Given d₁ + d₀, d₁ is binomial with E₁/(E₁ + E₀): one-sided exact p. q is
    Benjamini and Hochberg's over all that is tested. A spike is reported from q < .05, rate
    ratio ≥ 2 and d₁ ≥ 5 on.

    Assumptions: the hazard changes evenly over window and flanks. A position is dropped where a
    cap lies within its window, for being cut off there is no failure, and where nobody reaches it;
    also where a fifth of the traces that end within the window, and five at least, do so at one and
    the same value, for that is a cap which the traces do not carry.

    Empty input: nothing is tested.

    Citation: Przyborowski & Wilenski (1940), Biometrika 31:313–323; Benjamini & Hochberg (1995),
    JRSS B 57:289–300.
    """
    tested: list[Spike] = []
    dropped: list[Dropped] = []
    for group in groups:
        for position in positions:
            if reason := _untestable(group, position):
                dropped.append(reason)
                continue
            found = [
                spike
                for cause, worked in group.worked.items()
                if (spike := _tested(group.group, cause, worked, position)) is not None
            ]
            tested += found
            if not found:
                dropped.append(Dropped(group.group, position, "nothing happens near it"))
    q_values = adjusted([one.p_value for one in tested])
    judged = (
        replace(
            one,
            q_value=q,
            survives=q < q_below and one.ratio.value >= ratio_from and one.inside >= events_from,
        )
        for one, q in zip(tested, q_values, strict=True)
    )
    return SpikeTests(tuple(judged), tuple(dropped))


def _untestable(group: SpikePopulation, position: float) -> Dropped | None:
    """Return why a cap, known or not, keeps a position from being tested."""
    if capped := _capped(group.caps, position):
        return Dropped(group.group, position, f"{capped:,} traces are capped there")
    if heaped := _heaped(group, position):
        return Dropped(group.group, position, heaped, is_heaped=True)
    return None


def _capped(caps: Floats, position: float) -> int:
    return int(((caps >= max(0.0, position - HALF)) & (caps < position + HALF)).sum())


def _heaped(group: SpikePopulation, position: float) -> str:
    """Say that traces end at one value within the window, as under a cap; empty if they do not."""
    worked = next(iter(group.worked.values()), None)
    if worked is None:
        return ""
    first, last = np.searchsorted(worked.ends, (max(0.0, position - HALF), position + HALF))
    values, counts = np.unique(worked.ends[first:last], return_counts=True)
    most = int(counts.max(initial=0))
    if most < max(_HEAPED_FROM, _HEAPED_SHARE * (last - first)):
        return ""
    value = float(values[counts.argmax()])
    return f"{most:,} traces end at exactly {value:,.0f}: a cap that they do not carry"


def _tested(group: str, cause: str, worked: PersonTime, position: float) -> Spike | None:
    from scipy.special import betainc

    start, end = max(0.0, position - HALF), position + HALF
    left, right = max(0.0, start - FLANK), end + FLANK
    inside, around = int(worked.count(start, end)), int(worked.count(left, right))
    time, all_time = float(worked.between(start, end)), float(worked.between(left, right))
    if not around or time <= 0 or all_time <= time:
        return None
    beside, rest = around - inside, all_time - time
    # The upper tail of the binomial, without the whole of scipy.stats, which takes a second.
    p_value = float(betainc(inside, beside + 1, time / all_time)) if inside else 1.0
    ratio = rate_ratio(inside, time, beside, rest)
    return Spike(group, cause, position, inside, beside, time, rest, ratio, p_value)
