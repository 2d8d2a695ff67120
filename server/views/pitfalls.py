"""The known pitfalls of error analysis, as far as a project shows them.

Too few traces, a narrow part of them, nobody who knows the subject, a machine that decides
everything, one failure that swamps the others. Going back to reading after grouping is checked with
the other findings.
"""

from analysis.frames import ANNOTATOR, TRACE_ID
from server.models.project import Role
from server.queries import labels, projects, verdicts
from server.views.facts import Facts
from server.views.finding import Finding
from server.views.next_step import GROUP_AFTER

_NARROW_SHARE = 0.5
_SWAMPING_SHARE = 0.5
_LEAST_NOTES = 10
"""Grouped notes below which no share says anything."""
_LOOKED_AT = 2_000


def pitfalls(facts: Facts) -> list[Finding]:
    """Collect the pitfalls that a lead should know of."""
    return [
        *_few_read(facts),
        *_narrow(facts),
        *_one_value(facts),
        *_only_leads(facts),
        *_only_machines(facts),
        *_only_suggestions(facts),
        *_swamped(facts),
    ]


def _read(facts: Facts) -> int:
    return int(facts.verdicts[TRACE_ID].nunique())


def _few_read(facts: Facts) -> list[Finding]:
    read = _read(facts)
    if not facts.modes or read >= GROUP_AFTER:
        return []
    subject = "No trace" if not read else f"Only {read:,} {'trace' if read == 1 else 'traces'}"
    text = f"{'is' if read <= 1 else 'are'} read: modes made of fewer than {GROUP_AFTER} miss much"
    return [Finding(subject, text, "read on", "/read")]


def _narrow(facts: Facts) -> list[Finding]:
    read, seen = facts.read_models
    if read < GROUP_AFTER or len(seen) > _NARROW_SHARE * len(facts.models):
        return []
    missed = [model for model in facts.models if model not in seen]
    if not missed:
        return []
    return [
        Finding(
            subject=f"Only {len(seen):,} of {len(facts.models):,} models",
            text="were read: the others may fail in other ways",
            action="make a batch of them",
            path="/traces",
        )
    ]


def _one_value(facts: Facts) -> list[Finding]:
    """Dimensions of which only one value was read, although traces have others."""
    rows = facts.session.exec(verdicts.read_dimensions(facts.project_id, _LOOKED_AT)).all()
    if len(rows) < GROUP_AFTER:
        return []
    for name, value in rows[0].items():
        if not isinstance(value, str) or any(row.get(name) != value for row in rows):
            continue
        other = verdicts.with_other_value(facts.project_id, name, value)
        if facts.session.exec(other).first() is not None:
            text = f"was read of {name}: other values may fail in other ways"
            return [Finding(f"Only «{value}»", text, "see what is not read", "/coverage")]
    return []


def _only_leads(facts: Facts) -> list[Finding]:
    people = facts.session.exec(projects.people(facts.project_id)).all()
    leads = {person.id for person in people if person.role is Role.LEAD}
    readers = set(facts.verdicts[ANNOTATOR].unique())
    if _read(facts) < GROUP_AFTER or not readers <= leads:
        return []
    text = "have read so far: somebody who knows the subject should read some, too"
    return [Finding("Only leads", text, "members", "/members")]


def _only_machines(facts: Facts) -> list[Finding]:
    if facts.verdicts.empty:
        given = facts.session.exec(verdicts.machine_count(facts.project_id)).one()
        text = "a machine gave: read some traces yourself before you trust them"
        return [Finding(f"All {given:,} verdicts", text, "read", "/read")] if given else []
    by_machine = facts.session.exec(labels.machine_count(facts.project_id)).one()
    if not by_machine or facts.decided_traces:
        return []
    subject = f"All {by_machine:,} labels" if by_machine > 1 else "The only label"
    verb = "are" if by_machine > 1 else "is"
    return [Finding(subject, f"{verb} a machine's: no rate counts them", "label", "/labels")]


def _only_suggestions(facts: Facts) -> list[Finding]:
    total = sum(found.notes for found in facts.grouped)
    if total < GROUP_AFTER or sum(found.suggested for found in facts.grouped) < total:
        return []
    text = "stand where a suggestion put them: check some by hand"
    return [Finding(f"All {total:,} grouped notes", text, "look", "/groups")]


def _swamped(facts: Facts) -> list[Finding]:
    """One mode that most notes stand under, so that reading shows little else."""
    total = sum(found.notes for found in facts.grouped)
    if total < _LEAST_NOTES:
        return []
    mode_id, count, _ = max(facts.grouped, key=lambda found: found.notes)
    mode = next((mode for mode in facts.modes if mode.id == mode_id), None)
    if mode is None or count <= _SWAMPING_SHARE * total:
        return []
    return [
        Finding(
            subject=mode.name,
            text=f"holds {count:,} of {total:,} grouped notes: it may hide other failures",
            action="draw a batch without it",
            path=f"/batches/new?leave_out_mode={mode_id}",
        )
    ]
