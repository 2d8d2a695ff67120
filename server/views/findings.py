"""Worth a look: what is missing or does not fit together, each with the way to it."""

from collections import Counter

from sqlmodel import Session

from analysis.frames import TRACE_ID, VALUE
from server import frames
from server.frames import JUDGE
from server.models.base import stored_id
from server.models.project import Member
from server.models.verdict import VerdictValue
from server.queries import findings as queries
from server.queries import modes
from server.views.facts import Facts
from server.views.finding import Finding
from server.views.kept_findings import kept_findings
from server.views.pitfalls import pitfalls
from server.views.tally import verdicts_of_people

_NAMED = 3


def findings(facts: Facts) -> tuple[Finding, ...]:
    """Collect what a member should look at; an annotator's concern their own work only."""
    whose = None if facts.member.role.can_lead else facts.member.id
    thin = facts.kept(("thin readings", whose), lambda: _thin_readings(facts.session, facts.member))
    found = [*_stale_labels(facts), *thin]
    if facts.member.role.can_lead:
        found += [
            *_ungrouped_notes(facts.ungrouped_notes),
            *_no_reading_since_grouping(facts),
            *pitfalls(facts),
            *_modes_without_example(facts),
            *_disagreeing_judges(facts),
        ]
    if facts.member.sees_modes:
        found += kept_findings(facts.session, facts.member)
    return tuple(found)


def _stale_labels(facts: Facts) -> list[Finding]:
    member = facts.member
    visible = [x for x in facts.stale_labels if x.annotator_id == member.id or member.role.can_lead]
    per_mode: Counter[int] = Counter()
    for stale in visible:
        per_mode[stale.mode_id] += stale.labels
    own = {stale.mode_id for stale in visible if stale.annotator_id == member.id}
    return [
        Finding(
            subject=mode.name,
            text=f"has a new definition: {_labels_are(per_mode[stored_id(mode)])} stale",
            action="relabel" if stored_id(mode) in own else "see which",
            path=f"/labels/stale?mode={mode.id}" if mode.id in own else "/labels/matrix",
        )
        for mode in facts.modes
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


def _ungrouped_notes(count: int) -> list[Finding]:
    if not count:
        return []
    subject = f"{count:,} {'note' if count == 1 else 'notes'}"
    verb = "stands" if count == 1 else "stand"
    return [Finding(subject, f"{verb} under no failure mode", "group", "/groups")]


def _no_reading_since_grouping(facts: Facts) -> list[Finding]:
    latest = facts.session.exec(queries.latest_reading(facts.project_id)).one()
    if not facts.modes or latest is None or latest > min(m.created_at for m in facts.modes):
        return []
    text = "was read since the first failure mode was made: new traces show whether the modes hold"
    return [Finding("No trace", text, "read on", "/read")]


def _modes_without_example(facts: Facts) -> list[Finding]:
    shown = set(facts.session.exec(modes.modes_with_example(facts.project_id)))
    bare = [mode for mode in facts.modes if mode.id not in shown]
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


def _disagreeing_judges(facts: Facts) -> list[Finding]:
    judged = frames.judged_frame(facts.session, facts.project_id)
    if judged.empty:
        return []
    people = judged[TRACE_ID].map(verdicts_of_people(facts))
    decided = [VerdictValue.PASS.value, VerdictValue.FAIL.value]
    compared = judged[people.isin(decided) & judged[VALUE].isin(decided)]
    differing = compared[compared[VALUE] != people[compared.index]]
    sizes = compared[JUDGE].value_counts()
    return [
        Finding(
            subject=str(judge),
            text=f"(machine) disagrees with people on {len(ids):,} of {sizes[judge]:,} traces",
            action="open the first",
            path=f"/read/{ids.iloc[0]}",
        )
        for judge, ids in differing.groupby(JUDGE, sort=False)[TRACE_ID]
    ]


def _labels_are(count: int) -> str:
    return "1 label is" if count == 1 else f"{count:,} labels are"
