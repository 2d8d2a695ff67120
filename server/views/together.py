"""Which failure modes come together on a trace: the table, and the traces behind a pair."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from analysis.cooccurrence import Cooccurrence, cooccurrences
from analysis.estimates import Estimate
from analysis.frames import MODE, TRACE_ID, VALUE, LabelValue
from server.models.base import stored_id
from server.models.mode import FailureMode
from server.models.project import Member
from server.queries import traces
from server.views.facts import Facts
from server.views.prevalence import drawn_at_random

_SURE = 0.05
_ENDLESS = 1000


@dataclass(frozen=True)
class ModeLink:
    id: int
    name: str
    hue: int
    path: str


@dataclass(frozen=True)
class Pair:
    """Two modes with what is shown of them, numbers as words."""

    one: ModeLink
    other: ModeLink
    both: int
    either: int
    n: int
    jaccard: str
    jaccard_range: str
    lift: str
    lift_range: str
    p: str
    q: str
    is_sure: bool
    """Whether q is below 0.05."""
    traces_path: str
    rank: tuple[float, float]


@dataclass(frozen=True)
class TracesOfPair:
    """The traces that have both modes of a pair."""

    one: str
    other: str
    traces: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TogetherPage:
    pairs: tuple[Pair, ...]
    chosen: TracesOfPair | None
    modes: int
    not_random: int
    """Traces with a value that were not drawn at random."""
    traces: int


def together_page(
    session: Session, member: Member, one: int | None = None, other: int | None = None
) -> TogetherPage:
    """Build the table of all pairs, and the traces of one pair where it is chosen."""
    facts = Facts(session, member)
    combined = facts.combined_labels
    labelled = set(combined.loc[combined[VALUE].notna(), TRACE_ID])
    random = set(drawn_at_random(facts.sampling)[TRACE_ID])
    return TogetherPage(
        pairs=pairs_of(facts),
        chosen=_chosen(facts, one, other),
        modes=len(facts.modes),
        not_random=len(labelled - random),
        traces=len(labelled),
    )


@dataclass(frozen=True)
class PairInfo:
    """Two modes in numbers; None where a number could not be told."""

    one: int
    other: int
    both: int
    only_one: int
    only_other: int
    neither: int
    n: int
    jaccard: float | None
    jaccard_low: float | None
    jaccard_high: float | None
    lift: float | None
    lift_low: float | None
    lift_high: float | None
    p: float | None
    q: float | None


def pair_infos(session: Session, member: Member) -> list[PairInfo]:
    """Return every pair of modes in use over the traces that are decided for both."""
    facts = Facts(session, member)
    ids = [stored_id(mode) for mode in facts.modes]
    return [
        PairInfo(
            one=int(str(found.one)),
            other=int(str(found.other)),
            both=found.both,
            only_one=found.only_one,
            only_other=found.only_other,
            neither=found.neither,
            n=found.n,
            jaccard=_told(found.jaccard.value),
            jaccard_low=_told(found.jaccard.low),
            jaccard_high=_told(found.jaccard.high),
            lift=_told(found.lift.value),
            lift_low=_told(found.lift.low),
            lift_high=_told(found.lift.high),
            p=_told(found.p),
            q=_told(found.q),
        )
        for found in cooccurrences(facts.combined_labels, ids)
    ]


def _told(value: float) -> float | None:
    return value if math.isfinite(value) else None


def pairs_of(facts: Facts, *, only: int | None = None) -> tuple[Pair, ...]:
    """Return the pairs of modes in use that share a trace or avoid each other, surest first.

    Args:
        facts: What the page reads.
        only: Leave out pairs without this mode; it stands first in those that stay.
    """
    modes = {stored_id(mode): mode for mode in facts.modes}
    base = f"/projects/{facts.member.project.slug}"
    counted = facts.counted("pairs", lambda: cooccurrences(facts.combined_labels, list(modes)))
    found = [
        _pair(pair, modes, base, first=only)
        for pair in counted
        if pair.n and (only is None or only in (pair.one, pair.other))
    ]
    return tuple(sorted(found, key=lambda pair: pair.rank))


def _pair(
    found: Cooccurrence, modes: dict[int, FailureMode], base: str, *, first: int | None
) -> Pair:
    ids = [key for key in (found.one, found.other) if isinstance(key, int)]
    if first is not None:
        ids.sort(key=lambda key: key != first)
    one, other = (_link(modes[key], base) for key in ids)
    lift = found.lift.value
    return Pair(
        one=one,
        other=other,
        both=found.both,
        either=found.jaccard.n,
        n=found.n,
        jaccard=_number(found.jaccard.value),
        jaccard_range=_range(found.jaccard),
        lift=_number(lift),
        lift_range=_range(found.lift),
        p=_chance(found.p),
        q=_chance(found.q),
        is_sure=found.q < _SURE,
        traces_path=f"{base}/modes/together?one={one.id}&other={other.id}#traces",
        rank=(1.0 if math.isnan(found.q) else found.q, -(0.0 if math.isnan(lift) else lift)),
    )


def _link(mode: FailureMode, base: str) -> ModeLink:
    mode_id = stored_id(mode)
    return ModeLink(mode_id, mode.name, mode.colour, f"{base}/modes/{mode_id}")


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"


def _range(found: Estimate) -> str:
    if math.isnan(found.low):
        return ""
    high = "∞" if found.high > _ENDLESS else f"{found.high:.2f}"
    return f"{found.low:.2f} to {high}"


def _chance(value: float) -> str:
    if math.isnan(value):
        return "–"
    return "< .001" if value < 0.001 else f"{value:.3f}".lstrip("0") or "0"


def _chosen(facts: Facts, one: int | None, other: int | None) -> TracesOfPair | None:
    modes = {stored_id(mode): mode.name for mode in facts.modes}
    if one not in modes or other not in modes or one == other:
        return None
    shared = _present(facts, one) & _present(facts, other)
    names = dict(facts.session.execute(traces.names(facts.project_id, shared)).all())
    base = f"/projects/{facts.member.project.slug}/read"
    return TracesOfPair(
        modes[one],
        modes[other],
        tuple((name, f"{base}/{key}") for key, name in sorted(names.items())),
    )


def _present(facts: Facts, mode: int) -> set[int]:
    combined = facts.combined_labels
    rows = combined[(combined[MODE] == mode) & (combined[VALUE] == LabelValue.PRESENT)]
    found: Sequence[int] = rows[TRACE_ID].tolist()
    return set(found)
