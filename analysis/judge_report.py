"""What a judge's verdicts are worth: its report against people, and the share they correct to."""

import math
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

import numpy as np

from analysis.differences import PairedDifference, paired_difference
from analysis.estimates import Estimate, wilson
from analysis.judge_alignment import (
    Confusion,
    NoBetterThanChance,
    ppi_plus_plus,
    require_better_than_chance,
    rogan_gladen,
)
from analysis.percentages import percent

TARGET = 0.9
MINIMUM = 0.8
FEWEST = 20
"""With fewer of either value PPI++ covers less than it says (`benchmarks/judge_coverage.py`)."""
_UNLIKELY = 0.01
_UNLIKELY_IF_DRAWN = 0.001
"""Below this chance, labelled traces do not look like a random sample of the judged ones.

Where they are known to be one, a stricter test: to change the method for the one sample in a
hundred that is unusual would cover less.
"""


class Standing(StrEnum):
    """How both rates of a judge stand to what is asked of them."""

    TARGET = "target"
    MINIMUM = "minimum"
    BELOW = "below"
    UNKNOWN = "unknown"


class Method(StrEnum):
    """How the share of passes is corrected."""

    PPI = "ppi++"
    ROGAN_GLADEN = "rogan-gladen"


@dataclass(frozen=True)
class Correction:
    """The share of passes among traces nobody labelled, by the method that fits, and by the other.

    `passes` is θ; the failure's prevalence is `complement(passes)`.
    """

    passes: Estimate
    method: Method
    reason: str
    other: Estimate


@dataclass(frozen=True)
class JudgeReport:
    """A judge against people, and what its verdicts say of the traces that only it has seen."""

    confusion: Confusion
    raw: Estimate
    """Its own share of passes on the traces that nobody labelled."""
    correction: Correction | None
    refusal: str
    """Why there is no correction."""

    @property
    def standing(self) -> Standing:
        """Whether both rates exceed the target, the minimum, or neither."""
        if not (self.confusion.passes and self.confusion.fails):
            return Standing.UNKNOWN
        lower = min(self.confusion.tpr.value, self.confusion.tnr.value)
        if lower > TARGET:
            return Standing.TARGET
        return Standing.MINIMUM if lower > MINIMUM else Standing.BELOW


@dataclass(frozen=True)
class Drift:
    """One version of a judge against another on the same traces; all changes are after − before."""

    passes: PairedDifference
    """Of the share it passes, over all traces that both versions judged."""
    tpr: PairedDifference
    """Over those of them that people pass."""
    tnr: PairedDifference
    """Over those of them that people fail."""


Pairs = tuple[int, int, int, int]
"""Traces on which both versions are so, only the later, only the earlier, neither."""


def judge_report(
    found: Confusion,
    judged_pass: int,
    judged: int,
    *,
    drawn_at_random: bool | None = None,
    method: Method | None = None,
) -> JudgeReport:
    """Report a judge, and correct its share of passes where that can be done.

    Formula: `ppi_plus_plus` where the labelled traces are a random sample of the same traces as
    the judged ones, else `rogan_gladen`; see `choose_method`.

    Assumptions: those of the method that is used.

    Empty input: without traces that nobody labelled there is nothing to correct.

    Citation: see `rogan_gladen` and `ppi_plus_plus`.

    Args:
        found: The judge against people on labelled traces.
        judged_pass: Passes of the judge among the traces nobody labelled.
        judged: All of these that it judged.
        drawn_at_random: Whether the labelled traces were; None where nobody knows.
        method: To use this one whatever the labelled traces are.
    """
    raw = wilson(judged_pass, judged)
    if not judged:
        return JudgeReport(found, raw, None, "No judged trace lacks a label: nothing to correct.")
    try:
        require_better_than_chance(found)
    except NoBetterThanChance as problem:
        return JudgeReport(found, raw, None, str(problem))
    chosen, reason = choose_method(found, judged_pass, judged, drawn_at_random)
    if method is not None:
        chosen, reason = method, "It was chosen by hand."
    people, machine = _values(found)
    by = {
        Method.PPI: ppi_plus_plus(people, machine, judged_pass, judged),
        Method.ROGAN_GLADEN: rogan_gladen(found, judged_pass, judged),
    }
    other = next(estimate for one, estimate in by.items() if one is not chosen)
    return JudgeReport(found, raw, Correction(by[chosen], chosen, reason, other), "")


def choose_method(
    found: Confusion, judged_pass: int, judged: int, drawn_at_random: bool | None
) -> tuple[Method, str]:
    """Choose how to correct, and say why.

    Formula: Rogan–Gladen where the labelled traces are known not to be drawn at random, or the
    judge passes another share of them than of the others (z test of two proportions, p < 0.01, or
    < 0.001 if they are known to be drawn at random), or nothing is known and people pass exactly
    half of them, as in a set balanced by design, or there are fewer than 20 of either value. PPI++
    otherwise.

    Assumptions: a random sample shows the judge what all traces show it.

    Empty input: Rogan–Gladen without labelled traces.

    Citation: Angelopoulos, Duchi and Zrnic (2023), arXiv 2311.01453, on what PPI++ assumes.
    """
    if drawn_at_random is False:
        return Method.ROGAN_GLADEN, "Not all labelled traces were drawn at random."
    seen = found.true_pass + found.false_pass
    p_value = _same_share(seen, found.n, judged_pass, judged)
    if p_value < (_UNLIKELY_IF_DRAWN if drawn_at_random else _UNLIKELY):
        return (
            Method.ROGAN_GLADEN,
            f"The judge passes {percent(seen / found.n)} of the labelled traces and "
            f"{percent(judged_pass / judged)} of the others (p {_told(p_value)}): "
            "the labelled ones are no random sample of the same traces.",
        )
    if min(found.passes, found.fails) < FEWEST:
        return (
            Method.ROGAN_GLADEN,
            f"People's labels hold fewer than {FEWEST} of one value, too few for the normal "
            "interval of PPI++.",
        )
    if drawn_at_random is None and found.passes == found.fails:
        return (
            Method.ROGAN_GLADEN,
            f"People pass {found.passes:,} of the labelled traces and fail as many: a set that is "
            "balanced by design.",
        )
    if drawn_at_random:
        return Method.PPI, "The labelled traces are a random sample of the same traces."
    return (
        Method.PPI,
        "The judge passes about the same share of the labelled traces as of the others, as it "
        f"would of a random sample (p {_told(p_value)}).",
    )


def drift(all_traces: Pairs, people_pass: Pairs, people_fail: Pairs) -> Drift:
    """Compare two versions of a judge on the same traces.

    Formula: `paired_difference` of the share of passes; of the passes among traces that people
    pass (TPR), and of the fails among those that they fail (TNR).

    Assumptions: those of `paired_difference`.

    Empty input: nan where no trace was judged by both.

    Citation: see `paired_difference`.

    Args:
        all_traces: Passes of both, only the later, only the earlier version, neither.
        people_pass: The same among the traces that people pass.
        people_fail: Fails of both, only the later, only the earlier, neither, where people fail.
    """
    return Drift(*(paired_difference(*pairs) for pairs in (all_traces, people_pass, people_fail)))


def complement(estimate: Estimate) -> Estimate:
    """Return the share of what has not the property: of a share of passes, that of failures."""
    return Estimate(
        1 - estimate.value, 1 - estimate.high, 1 - estimate.low, estimate.n, estimate.method
    )


def _values(found: Confusion) -> tuple[list[int], list[int]]:
    """The labelled traces as two lists of 1 and 0."""
    counts = (found.true_pass, found.false_fail, found.false_pass, found.true_fail)
    people = np.repeat([1, 1, 0, 0], counts)
    return people.tolist(), np.repeat([1, 0, 1, 0], counts).tolist()


def _same_share(some: int, n: int, others: int, of_others: int) -> float:
    """The p value of two proportions being the same; 1 where both are 0 or 1."""
    if not (n and of_others):
        return 0.0
    pooled = (some + others) / (n + of_others)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / of_others))
    if not spread:
        return 1.0
    z = abs(some / n - others / of_others) / spread
    return 2 * (1 - NormalDist().cdf(z))


def _told(p_value: float) -> str:
    return "< 0.001" if p_value < 0.001 else f"= {p_value:.2g}"
