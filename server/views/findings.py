"""Worth a look: what is missing or does not fit together, each with the way to it."""

from collections import Counter
from dataclasses import dataclass

from sqlmodel import Session

from server.models.base import stored_id
from server.models.project import Member
from server.models.verdict import VerdictValue
from server.queries import findings as queries
from server.queries import labels, modes, notes
from server.views.standing import seen_verdicts, verdict_by_trace

_NAMED = 3


@dataclass(frozen=True)
class Finding:
    """One sentence: its subject in bold, the rest, and a link that does something about it."""

    subject: str
    text: str
    action: str
    path: str


def findings(session: Session, member: Member) -> tuple[Finding, ...]:
    """Collect what a member should look at; an annotator's concern their own work only."""
    found = [*_stale_labels(session, member), *_thin_readings(session, member)]
    if member.role.can_lead:
        found += [
            *_ungrouped_notes(session, member),
            *_no_reading_since_grouping(session, member),
            *_modes_without_example(session, member),
            *_disagreeing_judges(session, member),
        ]
    return tuple(found)


def _stale_labels(session: Session, member: Member) -> list[Finding]:
    stale = session.exec(labels.stale_of_project(member.project_id)).all()
    visible = [x for x in stale if x.annotator_id == member.id or member.role.can_lead]
    per_mode = Counter(label.mode_id for label in visible)
    own = {label.mode_id for label in visible if label.annotator_id == member.id}
    return [
        Finding(
            subject=mode.name,
            text=f"has a new definition: {_labels_are(per_mode[stored_id(mode)])} stale",
            action="relabel" if stored_id(mode) in own else "see which",
            path="/labels" if stored_id(mode) in own else "/labels/matrix",
        )
        for mode in session.exec(modes.in_use(member.project_id))
        if per_mode[stored_id(mode)]
    ]


def _thin_readings(session: Session, member: Member) -> list[Finding]:
    whose = None if member.role.can_lead else member.id
    found = []
    for statement, lacks in (
        (queries.failed_without_note(member.project_id, whose), "without a note"),
        (queries.failed_without_step(member.project_id, whose), "without a first failing step"),
    ):
        trace_ids = session.exec(statement).all()
        if trace_ids:
            count = len(trace_ids)
            found.append(
                Finding(
                    subject=f"{count:,} {'trace' if count == 1 else 'traces'}",
                    text=f"failed {lacks}",
                    action="open it" if count == 1 else "open the first",
                    path=f"/read/{trace_ids[0]}",
                )
            )
    return found


def _ungrouped_notes(session: Session, member: Member) -> list[Finding]:
    count = len(session.exec(notes.ungrouped(member.project_id)).all())
    if not count:
        return []
    subject = f"{count:,} {'note' if count == 1 else 'notes'}"
    verb = "stands" if count == 1 else "stand"
    return [Finding(subject, f"{verb} under no failure mode", "group", "/groups")]


def _no_reading_since_grouping(session: Session, member: Member) -> list[Finding]:
    in_use = session.exec(modes.in_use(member.project_id)).all()
    latest = session.exec(queries.latest_reading(member.project_id)).one()
    if not in_use or latest is None or latest > min(mode.created_at for mode in in_use):
        return []
    text = "was read since the first failure mode was made: new traces show whether the modes hold"
    return [Finding("No trace", text, "read on", "/read")]


def _modes_without_example(session: Session, member: Member) -> list[Finding]:
    shown = set(session.exec(modes.modes_with_example(member.project_id)))
    bare = [m for m in session.exec(modes.in_use(member.project_id)) if m.id not in shown]
    if not bare:
        return []
    names = ", ".join(mode.name for mode in bare[:_NAMED])
    more = f" and {len(bare) - _NAMED} more" if len(bare) > _NAMED else ""
    verb = "has" if len(bare) == 1 else "have"
    return [
        Finding(
            subject=f"{names}{more}",
            text=f"{verb} no example in the codebook",
            action="choose one" if len(bare) == 1 else "choose some",
            path=f"/modes/{bare[0].id}",
        )
    ]


def _disagreeing_judges(session: Session, member: Member) -> list[Finding]:
    people = verdict_by_trace(seen_verdicts(session, member)).to_dict()
    decided = {VerdictValue.PASS.value, VerdictValue.FAIL.value}
    compared: Counter[str] = Counter()
    differing: dict[str, list[int]] = {}
    for judge, trace_id, value in session.exec(queries.judged(member.project_id)):
        if people.get(trace_id) in decided and value.value in decided:
            compared[judge] += 1
            if people[trace_id] != value.value:
                differing.setdefault(judge, []).append(trace_id)
    return [
        Finding(
            subject=judge,
            text=f"(machine) disagrees with people on {len(ids):,} of {compared[judge]:,} traces",
            action="open the first",
            path=f"/read/{ids[0]}",
        )
        for judge, ids in differing.items()
    ]


def _labels_are(count: int) -> str:
    return "1 label is" if count == 1 else f"{count:,} labels are"
