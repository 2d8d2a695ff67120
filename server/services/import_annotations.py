"""What came along with imported traces: machines' verdicts, and other people's notes."""

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col, select

from server.importers.base import AnnotationDraft, TraceDraft
from server.models.base import stored_id, utc_now
from server.models.judge import Judge, JudgeVerdict
from server.models.note import Note
from server.models.project import AnnotatorKind, Member
from server.models.verdict import Verdict, VerdictValue
from server.queries import imports as queries
from server.queries import notes
from server.services import projects, rounds
from server.services.events import Decision


class Annotated(NamedTuple):
    """A trace just stored, with the draft it was stored from."""

    trace_id: int
    draft: TraceDraft


def store(session: Session, member: Member, traces: Sequence[Annotated], *, caused_by: str) -> None:
    """Write the annotations of these traces; those that are in already stay as they are."""
    judged: dict[tuple[str, str], list[tuple[int, AnnotationDraft]]] = {}
    for trace in traces:
        for annotation in trace.draft.annotations:
            if annotation.kind is AnnotatorKind.MACHINE:
                key = (annotation.annotator, annotation.version)
                judged.setdefault(key, []).append((trace.trace_id, annotation))
            else:
                _store_human(session, member, trace, annotation, caused_by)
    for (name, version), verdicts in judged.items():
        judge = _judge(session, member, name, version)
        _store_judged(session, stored_id(judge), verdicts)


def _judge(session: Session, member: Member, name: str, version: str) -> Judge:
    """Return the judge of whole traces by that name, and make it if it is new."""
    judge = session.exec(
        select(Judge).where(
            Judge.project_id == member.project_id,
            Judge.name == name,
            Judge.version == version,
            col(Judge.mode_id).is_(None),
        )
    ).first()
    if judge is None:
        machine = projects.annotator(session, member.project, AnnotatorKind.MACHINE, name, version)
        judge = Judge(
            project_id=member.project_id,
            annotator_id=stored_id(machine),
            name=name,
            version=version,
        )
        session.add(judge)
        session.flush()
    return judge


def _store_judged(
    session: Session, judge_id: int, judged: Sequence[tuple[int, AnnotationDraft]]
) -> None:
    trace_ids = [trace_id for trace_id, _ in judged]
    known_verdicts = {
        verdict.trace_id: verdict
        for verdict in session.exec(queries.judge_verdicts(judge_id, trace_ids))
    }
    rows = []
    for trace_id, annotation in judged:
        # A judge that wrote something without deciding has deferred.
        value = annotation.verdict or VerdictValue.DEFER
        known = known_verdicts.get(trace_id)
        if known is None:
            rows.append(
                {
                    "created_at": utc_now(),
                    "judge_id": judge_id,
                    "trace_id": trace_id,
                    "value": value,
                    "critique": annotation.critique,
                }
            )
        else:
            known.value, known.critique = value, annotation.critique
            session.add(known)
    if rows:
        session.execute(sa.insert(JudgeVerdict), rows)


def _store_human(
    session: Session, member: Member, trace: Annotated, annotation: AnnotationDraft, caused_by: str
) -> None:
    annotator = projects.annotator(
        session, member.project, annotation.kind, annotation.annotator, annotation.version
    )
    person = Member(project=member.project, annotator=annotator)
    decision = Decision(session, person, "annotations.imported", caused_by=caused_by)
    known = {
        note.text
        for note in session.exec(notes.of_trace(trace.trace_id))
        if note.annotator_id == person.id
    }
    for note in annotation.notes:
        if note.text not in known:
            decision.add(
                Note(
                    trace_id=trace.trace_id,
                    annotator_id=person.id,
                    text=note.text,
                    is_first_failure=note.is_first_failure,
                    step=note.step,
                )
            )
    if annotation.verdict is not None:
        _store_verdict(session, decision, person, trace.trace_id, annotation.verdict, annotation)
    decision.record(f"imported annotations of {annotation.annotator} on {trace.draft.external_id}")


def _store_verdict(
    session: Session,
    decision: Decision,
    person: Member,
    trace_id: int,
    value: VerdictValue,
    annotation: AnnotationDraft,
) -> None:
    step = annotation.first_failure_step
    known = session.exec(
        select(Verdict).where(Verdict.trace_id == trace_id, Verdict.annotator_id == person.id)
    ).first()
    if known is None:
        decision.add(
            Verdict(
                trace_id=trace_id,
                annotator_id=person.id,
                round_id=stored_id(rounds.current(session, person)),
                value=value,
                first_failure_step=step,
                submitted_at=utc_now(),
            )
        )
    elif (known.value, known.first_failure_step) != (value, step):
        decision.change(known, value=value, first_failure_step=step, version=known.version + 1)
