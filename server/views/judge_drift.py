"""What changed from one version of a judge to another, on the same traces."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.differences import PairedDifference
from analysis.frames import TRACE_ID
from analysis.judge_report import Pairs, drift
from analysis.percentages import percent
from server.errors import Invalid
from server.models.judge import Judge
from server.views.judge_answer import EVERY, HUMAN, JUDGE, PART
from server.views.judge_facts import DECIDED, JudgeFacts

_PASS, _FAIL = DECIDED
_LATER, _EARLIER = "_later", "_earlier"
_NAMES = ("share it passes", "TPR", "TNR")
_NO_VERSION = "no version"


@dataclass(frozen=True)
class Change:
    """One rate before and after on the same traces, in percentage points."""

    name: str
    before: str
    after: str
    change: str
    interval: str
    n: int
    gained: int
    lost: int
    p_value: str
    is_clear: bool
    """Whether the interval leaves out 0."""


@dataclass(frozen=True)
class VersionDrift:
    """This version against another one; `choices` are the others as id and name."""

    earlier: str
    later: str
    against: int
    choices: tuple[tuple[int, str], ...]
    changes: tuple[Change, ...]
    """Empty where the versions judged no trace in common."""


def version_drift(facts: JudgeFacts, judge: Judge, part: str, against: str) -> VersionDrift | None:
    """Compare a judge with another version: the one before it, unless `against` names one.

    Raises:
        Invalid: `against` is no other version of this judge.
    """
    others = [one for one in facts.versions(judge) if one.id != judge.id]
    if against and against not in {str(one.id) for one in others}:
        raise Invalid("That is no other version of this judge.")
    if not others:
        return None
    before = [one for one in others if (one.id or 0) < (judge.id or 0)]
    other = next((one for one in others if str(one.id) == against), (before or others)[-1])
    earlier, later = sorted((judge, other), key=lambda one: one.id or 0)
    said = _labelled(facts, earlier, later, part)
    pairs = (
        _pairs(facts.both_versions(earlier, later), _PASS),
        _pairs(_counted(said[said[HUMAN] == _PASS]), _PASS),
        _pairs(_counted(said[said[HUMAN] == _FAIL]), _FAIL),
    )
    found = drift(*pairs)
    told = zip(_NAMES, (found.passes, found.tpr, found.tnr), pairs, strict=True)
    return VersionDrift(
        earlier=earlier.version or _NO_VERSION,
        later=later.version or _NO_VERSION,
        against=other.id or 0,
        choices=tuple((one.id or 0, one.version or _NO_VERSION) for one in others),
        changes=tuple(
            _change(name, paired, counts) for name, paired, counts in told if any(counts)
        ),
    )


def _labelled(facts: JudgeFacts, earlier: Judge, later: Judge, part: str) -> pd.DataFrame:
    """The traces that people and both versions passed or failed, of the part."""
    rows = facts.compared(later)
    rows = rows if part == EVERY else rows[rows[PART] == part]
    before = facts.compared(earlier)[[TRACE_ID, JUDGE]]
    return rows.merge(before, on=TRACE_ID, suffixes=(_LATER, _EARLIER))


def _counted(rows: pd.DataFrame) -> dict[tuple[str, str], int]:
    pairs = zip(rows[JUDGE + _EARLIER], rows[JUDGE + _LATER], strict=True)
    return dict(Counter(pairs))


def _pairs(counts: Mapping[tuple[str, str], int], value: str) -> Pairs:
    """Both say so, only the later, only the earlier, neither."""
    other = _FAIL if value == _PASS else _PASS
    ways = ((value, value), (other, value), (value, other), (other, other))
    both, gained, lost, neither = (counts.get(way, 0) for way in ways)
    return both, gained, lost, neither


def _change(name: str, paired: PairedDifference, counts: Pairs) -> Change:
    both, gained, lost, _ = counts
    change = paired.estimate
    return Change(
        name=name,
        before=percent((both + lost) / change.n, 1),
        after=percent((both + gained) / change.n, 1),
        change=_points(change.value),
        interval=f"{_points(change.low)} to {_points(change.high)}",
        n=change.n,
        gained=gained,
        lost=lost,
        p_value=f"{paired.p_value:.3f}" if paired.p_value >= 0.001 else "< 0.001",
        is_clear=not change.low <= 0 <= change.high,
    )


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")
