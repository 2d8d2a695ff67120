"""Saturation: how much is seen, in a sentence and a figure, and whether to read on."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace

from analysis.frames import TRACE_ID
from analysis.prevalence import combine_labels
from analysis.saturation import Incidence, Saturation, incidence, saturation
from analysis.stopping import (
    Condition,
    ReviewState,
    StopAdvice,
    advise,
    conditions,
    sentence,
)
from server.frames import modes_on_reviewed
from server.views.facts import Facts
from server.views.prevalence import drawn_at_random
from server.views.saturation_curve import Curve, Named, curve
from server.views.tally import Tally


@dataclass(frozen=True)
class Assessment:
    """Saturation over the randomly drawn traces, with today's codebook, and what follows."""

    result: Saturation
    seen: Incidence
    state: ReviewState
    advice: StopAdvice
    conditions: tuple[Condition, ...]
    names: Mapping[Hashable, Named]
    """Of the modes in use, by id."""
    drafts: int = 0
    """Grouped notes on these traces that count before a label confirms them."""

    def naming(self, cell: str) -> "Assessment":
        """Return the same with the batch named that is most likely to show something new."""
        state = replace(self.state, promising_cell=cell)
        return replace(self, state=state, advice=advise(self.result, state))


@dataclass(frozen=True)
class SaturationPanel:
    """What the lead reads."""

    traces: int
    modes: int
    curve: Curve | None
    sentence: str
    stop: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    drafts: int
    """Grouped notes that count before a label confirms them."""


def assess(facts: Facts, reading: Tally) -> Assessment:
    """Estimate saturation from what the member may see."""
    every = modes_on_reviewed(
        facts.verdicts, combine_labels(facts.labels_in_batches), facts.sampling, drafts=facts.drafts
    )
    sampled = drawn_at_random(every)
    seen = incidence(sampled)
    result = saturation(sampled)
    outside = int(every[TRACE_ID].nunique()) - result.traces
    read = set(sampled[TRACE_ID])
    versions = {
        trace.pipeline_version
        for trace in facts.read_traces
        if trace.pipeline_version and trace.id in read
    }
    state = ReviewState(
        pending_deferrals=reading.deferred,
        stale_labels=sum(
            stale.labels
            for stale in facts.stale_labels
            if stale.annotator_id == facts.member.id or not facts.member.is_blind
        ),
        ungrouped_notes=facts.ungrouped_failures,
        non_random_traces=outside,
        pipeline_versions=max(1, len(versions)),
    )
    names: dict[Hashable, Named] = {mode.id: Named(mode.name, mode.colour) for mode in facts.modes}
    return Assessment(
        result,
        seen,
        state,
        advise(result, state),
        conditions(result, state),
        names,
        int(facts.drafts[TRACE_ID].isin(read).sum()),
    )


def saturation_panel(facts: Facts, reading: Tally) -> SaturationPanel:
    """Build what Overview and the page of saturation begin with."""
    return facts.counted_of_traces("saturation panel", lambda: panel_of(assess(facts, reading)))


def panel_of(found: Assessment) -> SaturationPanel:
    """Build the panel of an assessment."""
    said = sentence(found.result)
    return SaturationPanel(
        traces=found.result.traces,
        modes=found.result.modes,
        curve=curve(found.result, found.seen, found.names),
        sentence=said,
        stop=found.advice.stop,
        reasons=tuple(reason for reason in found.advice.reasons if reason not in said),
        warnings=found.advice.warnings,
        drafts=found.drafts,
    )
