"""Pass, fail or defer: one annotator's verdict on a trace, saved at once, submitted when done."""

from sqlmodel import Session

from server.errors import Conflict, Invalid, NotFound
from server.models.base import stored_id, utc_now
from server.models.batch import Round
from server.models.project import Member
from server.models.trace import Trace
from server.models.verdict import Verdict, VerdictValue
from server.queries import rounds, traces, verdicts
from server.services.events import Decision


def find_trace(session: Session, member: Member, trace_id: int) -> Trace:
    """Return a trace of the member's project.

    Raises:
        NotFound: The project has no such trace.
    """
    trace = session.exec(traces.one(member.project_id, trace_id)).first()
    if trace is None:
        raise NotFound(f"This project has no trace {trace_id}.")
    return trace


def current_round(session: Session, member: Member) -> Round:
    """Return the round that verdicts count for."""
    found = session.exec(rounds.current(member.project_id)).first()
    if found is None:
        raise NotFound("This project has no round: open one first.")
    return found


def own_verdict(session: Session, member: Member, trace_id: int) -> Verdict | None:
    """Return the member's verdict on a trace in the current round, if they gave one."""
    round_id = stored_id(current_round(session, member))
    return session.exec(verdicts.own(trace_id, member.id, round_id)).first()


def decide(
    session: Session,
    member: Member,
    trace_id: int,
    value: VerdictValue,
    *,
    version: int | None = None,
) -> Verdict:
    """Give or change the member's verdict.

    A verdict that is no fail has no first failing step.

    Raises:
        Conflict: `version` is not the verdict's: it was changed meanwhile, in another tab.
    """
    trace = find_trace(session, member, trace_id)
    verdict = own_verdict(session, member, trace_id)
    name = trace.external_id
    decision = Decision(session, member, "verdict.given" if verdict is None else "verdict.changed")
    if verdict is None:
        verdict = decision.add(
            Verdict(
                trace_id=trace_id,
                annotator_id=member.id,
                round_id=stored_id(current_round(session, member)),
                value=value,
            )
        )
    else:
        _refuse_stale(verdict, version)
        step = verdict.first_failure_step if value is VerdictValue.FAIL else None
        if verdict.value != value or verdict.first_failure_step != step:
            decision.change(
                verdict, value=value, first_failure_step=step, version=verdict.version + 1
            )
    decision.record(f"{value.value} on {name}")
    return verdict


def choose_first_failure_step(
    session: Session,
    member: Member,
    trace_id: int,
    position: int | None,
    *,
    version: int | None = None,
) -> Verdict:
    """Say where it first went wrong; choosing a step says that the trace failed.

    Raises:
        Invalid: The trace has no step at `position` (0-based).
        Conflict: `version` is not the verdict's.
    """
    trace = find_trace(session, member, trace_id)
    if position is not None and not 0 <= position < trace.step_count:
        raise Invalid(
            f"Step {position + 1} does not exist: this trace has {trace.step_count} steps."
        )
    verdict = own_verdict(session, member, trace_id)
    decision = Decision(session, member, "first_failure_step.chosen")
    if verdict is None:
        verdict = decision.add(
            Verdict(
                trace_id=trace_id,
                annotator_id=member.id,
                round_id=stored_id(current_round(session, member)),
                value=VerdictValue.FAIL,
                first_failure_step=position,
            )
        )
    else:
        _refuse_stale(verdict, version)
        if verdict.first_failure_step != position or verdict.value is not VerdictValue.FAIL:
            decision.change(
                verdict,
                value=VerdictValue.FAIL,
                first_failure_step=position,
                version=verdict.version + 1,
            )
    where = "none" if position is None else f"step {position + 1}"
    decision.record(f"first failing step of {trace.external_id}: {where}")
    return verdict


def submit(
    session: Session, member: Member, trace_id: int, *, seconds: float | None = None
) -> Verdict:
    """Declare the reading of a trace finished; from now on others' work on it is visible.

    Raises:
        Invalid: There is no verdict yet.
    """
    trace = find_trace(session, member, trace_id)
    verdict = own_verdict(session, member, trace_id)
    if verdict is None:
        raise Invalid("No verdict yet: choose Pass, Fail or Defer, then save and go on.")
    if verdict.submitted_at is None:
        decision = Decision(session, member, "verdict.submitted")
        decision.change(
            verdict, submitted_at=utc_now(), seconds=seconds, version=verdict.version + 1
        )
        decision.record(f"submitted {trace.external_id}")
    return verdict


def _refuse_stale(verdict: Verdict, version: int | None) -> None:
    if version is not None and version != verdict.version:
        raise Conflict(
            f"Your verdict was changed to «{verdict.value.value}» meanwhile, in another tab. "
            "Nothing was overwritten: look at it and decide again.",
            detail={"value": verdict.value.value, "version": verdict.version},
        )
