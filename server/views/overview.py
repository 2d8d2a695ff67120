"""Overview: where the round stands, what it found, and the next useful thing to do."""

from dataclasses import dataclass

from server.models.base import stored_id
from server.models.batch import Round
from server.queries import rounds, traces
from server.queries.batches import in_hand
from server.views.events import EventView, latest_events, sees_only_own
from server.views.facts import Facts
from server.views.finding import Finding
from server.views.findings import findings
from server.views.next_step import GROUP_AFTER, NextStep, Standing, next_step
from server.views.prevalence import PrevalenceTable, prevalence_table
from server.views.queue_board import QueueTotals, totals_of
from server.views.rounds import RoundView, round_view
from server.views.sampling_frame import FrameNotice, frame_notice
from server.views.saturation import SaturationPanel, saturation_panel
from server.views.tally import Tally, drawn_how, tally

_LATEST = 10
_NAMED_MODELS = 3


@dataclass(frozen=True)
class FirstStep:
    """One of the three steps that a fresh project begins with; no path where a lead takes it."""

    name: str
    text: str
    path: str
    done: bool
    current: bool


@dataclass(frozen=True)
class DataSummary:
    """What the project's traces are."""

    description: str
    traces: int
    items: int
    models: int
    named_models: str


@dataclass(frozen=True)
class Overview:
    round: RoundView
    how: str
    """How many traces were drawn, and in which way."""
    step: NextStep
    tally: Tally
    ungrouped: int | None
    """None for annotators: notes of others are not theirs to count."""
    mode_count: int
    prevalence: PrevalenceTable
    saturation: SaturationPanel | None
    frame: FrameNotice | None
    """Where the traces read are not all of a random sample."""
    findings: tuple[Finding, ...]
    events: tuple[EventView, ...]
    only_own: bool
    sees_none: bool
    """Whether reading is blind and the member, a viewer, never reads: no verdict shows."""
    only_own_events: bool
    data: DataSummary
    first_steps: tuple[FirstStep, ...]
    queue: QueueTotals


def overview(facts: Facts) -> Overview:
    """Build the Overview as the member may see it."""
    session, member = facts.session, facts.member
    counts = tally(facts)
    now = _standing(facts)
    round_now = session.exec(rounds.current(member.project_id)).first()
    return Overview(
        round=round_view(session, member),
        how=_how(counts, drawn_how(facts)),
        step=next_step(now),
        tally=counts,
        ungrouped=now.ungrouped if member.role.can_lead else None,
        mode_count=now.modes,
        prevalence=prevalence_table(facts),
        saturation=saturation_panel(facts, counts) if counts.read and member.sees_modes else None,
        frame=frame_notice(facts) if counts.read else None,
        findings=findings(facts),
        events=latest_events(session, member, _LATEST),
        only_own=member.is_blind,
        sees_none=member.is_blind and not member.role.can_annotate,
        only_own_events=sees_only_own(member),
        data=_data(facts, now.traces),
        first_steps=first_steps(now) if _is_fresh(now) else (),
        queue=_queue(facts, round_now),
    )


def _queue(facts: Facts, round_now: Round | None) -> QueueTotals:
    current = [
        stored_id(found.batch)
        for found in facts.batches
        if round_now is not None and found.batch.round_id == round_now.id
    ]
    return totals_of(facts.session, facts.member, current)


def _standing(facts: Facts) -> Standing:
    member = facts.member
    batch = in_hand(facts.batches)
    return Standing(
        traces=facts.trace_count,
        batch=batch.size if batch else 0,
        read=batch.size - batch.unread if batch else 0,
        ungrouped=facts.ungrouped_notes,
        modes=facts.mode_count,
        to_label=facts.traces_to_label,
        can_lead=member.may_lead,
        can_annotate=member.may_annotate,
    )


def _how(counts: Tally, drawn: str) -> str:
    if not counts.total:
        return "no batch yet"
    return f"{counts.total:,} {'trace' if counts.total == 1 else 'traces'} · {drawn}"


def _is_fresh(now: Standing) -> bool:
    return now.traces > 0 and now.can_annotate and (now.read < GROUP_AFTER or not now.modes)


def first_steps(now: Standing) -> tuple[FirstStep, ...]:
    """Say what the main job is, and which part of it comes now."""
    many = min(GROUP_AFTER, now.batch) or GROUP_AFTER
    has_read, has_modes = now.read >= many, now.modes > 0
    return (
        FirstStep(
            "Read",
            f"Read {many} traces. Press 1 for pass or 2 for fail, click the step where it first "
            "went wrong, and write one line on what you see.",
            "/read",
            done=has_read,
            current=not has_read,
        ),
        FirstStep(
            "Group",
            f"{'Put' if now.can_lead else 'A lead puts'} notes on the same kind of failure "
            "together: a failure mode, with a name and a definition that others can apply.",
            "/groups" if now.can_lead else "",
            done=has_modes,
            current=has_read and not has_modes,
        ),
        FirstStep(
            "Label and export",
            "Say of each trace which modes it shows. Prevalence with its interval appears here; "
            "labels go out as CSV, JSONL or a bundle.",
            "/labels",
            done=False,
            current=has_read and has_modes,
        ),
    )


def _data(facts: Facts, trace_count: int) -> DataSummary:
    found = facts.models
    more = len(found) - _NAMED_MODELS
    named = ", ".join(found[:_NAMED_MODELS])
    return DataSummary(
        description=facts.member.project.description,
        traces=trace_count,
        items=facts.session.exec(traces.item_count(facts.project_id)).one(),
        models=len(found),
        named_models=f"{named} and {more} more" if more > 0 else named,
    )
