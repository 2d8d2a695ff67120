"""Pass, fail or defer: one annotator's verdict on a trace, saved at once, submitted when done."""

from typing import NamedTuple

from sqlmodel import Session

from server.db import lock
from server.errors import Conflict, Invalid
from server.models.base import stored_id, utc_now
from server.models.journal import RowName
from server.models.project import Member
from server.models.trace import Trace
from server.models.verdict import Verdict, VerdictValue
from server.queries import batches as batch_queries
from server.queries import verdicts as queries
from server.services import rounds, traces
from server.services.events import Decision


def own_verdict(session: Session, member: Member, trace_id: int) -> Verdict | None:
    """Return the member's verdict on a trace in the current round, if they gave one."""
    round_id = stored_id(rounds.current(session, member))
    return session.exec(queries.own(trace_id, member.id, round_id)).first()


def _own_to_change(session: Session, member: Member, trace_id: int) -> Verdict | None:
    verdict = own_verdict(session, member, trace_id)
    if verdict is not None:
        lock(session, verdict)
    return verdict


def decide(
    session: Session,
    member: Member,
    trace_id: int,
    value: VerdictValue,
    *,
    version: int | None = None,
) -> Verdict:
    """Give or change the member's verdict.

    A verdict that is no fail has no first failing step; a fail keeps the one it has.

    Raises:
        Conflict: `version` is not the verdict's: it was changed meanwhile, in another tab.
    """
    trace = traces.find(session, member, trace_id)
    verdict = _own_to_change(session, member, trace_id)
    kept = verdict.first_failure_step if verdict and value is VerdictValue.FAIL else None
    decision = Decision(session, member, "verdict.given" if verdict is None else "verdict.changed")
    verdict = _write(session, member, trace, verdict, decision, _Judgement(value, kept), version)
    decision.record(f"{value.value} on {trace.external_id}")
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
    trace = traces.find(session, member, trace_id)
    _check_step(trace, position)
    verdict = _own_to_change(session, member, trace_id)
    decision = Decision(session, member, "first_failure_step.chosen")
    judgement = _Judgement(VerdictValue.FAIL, position)
    verdict = _write(session, member, trace, verdict, decision, judgement, version)
    where = "none" if position is None else f"step {position + 1}"
    decision.record(f"first failing step of {trace.external_id}: {where}")
    return verdict


def put(
    session: Session,
    member: Member,
    trace_id: int,
    value: VerdictValue,
    *,
    first_failure_step: int | None = None,
    version: int | None = None,
) -> Verdict:
    """Make the member's verdict just this, value and first failing step, as one decision.

    Asked twice, the second time changes nothing.

    Raises:
        Invalid: The trace has no such step, or a verdict that is no fail names one.
        Conflict: It says something else and `version` is not the verdict's.
    """
    trace = traces.find(session, member, trace_id)
    _check_step(trace, first_failure_step)
    if first_failure_step is not None and value is not VerdictValue.FAIL:
        raise Invalid("Only a trace that failed has a first failing step: leave it out.")
    verdict = _own_to_change(session, member, trace_id)
    judgement = _Judgement(value, first_failure_step)
    if verdict is not None and judgement == _Judgement(verdict.value, verdict.first_failure_step):
        return verdict
    decision = Decision(session, member, "verdict.given" if verdict is None else "verdict.changed")
    verdict = _write(session, member, trace, verdict, decision, judgement, version)
    decision.record(f"{value.value} on {trace.external_id}")
    return verdict


class _Judgement(NamedTuple):
    value: VerdictValue
    first_failure_step: int | None


def _check_step(trace: Trace, position: int | None) -> None:
    if position is not None and not 0 <= position < trace.step_count:
        raise Invalid(
            f"Step {position + 1} does not exist: this trace has {trace.step_count} steps."
        )


def _write(
    session: Session,
    member: Member,
    trace: Trace,
    verdict: Verdict | None,
    decision: Decision,
    judgement: _Judgement,
    version: int | None,
) -> Verdict:
    if verdict is None:
        return decision.add(
            Verdict(
                trace_id=stored_id(trace),
                annotator_id=member.id,
                round_id=stored_id(rounds.current(session, member)),
                **judgement._asdict(),
            )
        )
    if judgement != _Judgement(verdict.value, verdict.first_failure_step):
        _refuse_stale(verdict, version)
        decision.change(verdict, **judgement._asdict(), version=verdict.version + 1)
    return verdict


def submit(
    session: Session, member: Member, trace_id: int, *, seconds: float | None = None
) -> Verdict:
    """Declare the reading of a trace finished; from now on others' work on it is visible.

    Raises:
        Invalid: There is no verdict yet.
    """
    trace = traces.find(session, member, trace_id)
    verdict = _own_to_change(session, member, trace_id)
    if verdict is None:
        raise Invalid("No verdict yet: choose Pass, Fail or Defer, then save and go on.")
    if verdict.submitted_at is None:
        decision = Decision(session, member, "verdict.submitted")
        decision.change(
            verdict, submitted_at=utc_now(), seconds=seconds, version=verdict.version + 1
        )
        # A batch that was read is not taken back unawares: its weights say what the reading is of.
        read_in = session.exec(batch_queries.holding(verdict.round_id, trace_id))
        decision.lean_on(RowName("batch", str(batch_id)) for batch_id in read_in)
        decision.record(f"submitted {trace.external_id}")
    return verdict


def describe(
    session: Session,
    member: Member,
    trace_id: int,
    *,
    reason: str | None = None,
    minimal_repro: str | None = None,
) -> Verdict:
    """Say why a trace was deferred, or with which least input it still fails; None leaves it.

    Raises:
        Invalid: There is no verdict yet.
    """
    trace = traces.find(session, member, trace_id)
    verdict = _own_to_change(session, member, trace_id)
    if verdict is None:
        raise Invalid("No verdict yet: choose Pass, Fail or Defer first.")
    wanted = {"reason": reason, "minimal_repro": minimal_repro}
    said = {name: text.strip() for name, text in wanted.items() if text is not None}
    if any(getattr(verdict, name) != text for name, text in said.items()):
        decision = Decision(session, member, "verdict.described")
        decision.change(verdict, **said, version=verdict.version + 1)
        decision.record(f"described the verdict on {trace.external_id}")
    return verdict


def requeue(session: Session, member: Member, trace_id: int) -> Verdict:
    """Put a trace that the member finished back into their own queue; the verdict stays.

    Raises:
        Invalid: They have not finished it.
    """
    trace = traces.find(session, member, trace_id)
    verdict = _own_to_change(session, member, trace_id)
    if verdict is None or verdict.submitted_at is None:
        raise Invalid("You have not finished this trace: it is still in your queue.")
    decision = Decision(session, member, "verdict.requeued")
    decision.change(verdict, submitted_at=None, version=verdict.version + 1)
    decision.record(f"put {trace.external_id} back to read again")
    return verdict


def _refuse_stale(verdict: Verdict, version: int | None) -> None:
    if version is not None and version != verdict.version:
        raise Conflict(
            f"Your verdict was changed to «{verdict.value.value}» meanwhile, in another tab. "
            "Nothing was overwritten: look at it and decide again.",
            detail={"value": verdict.value.value, "version": verdict.version},
        )
