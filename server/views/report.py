"""The report of a round: what was read, what fails how often, how sure that is, what follows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlmodel import Session

from analysis.agreement_results import short
from server.event_log import Head
from server.models.base import stored_id
from server.models.project import Member
from server.queries import projects, rounds
from server.queries import reports as queries
from server.queries.filters import Filters
from server.views.agreement_answer import agreement_answer
from server.views.agreement_questions import Versions
from server.views.diagnoses import DiagnosisLine, signed_lines
from server.views.freshness import Freshness
from server.views.population import Population
from server.views.prevalence import PrevalenceTable, prevalence_table
from server.views.regression import Comparison, compare
from server.views.report_join import ReportJoin, report_join
from server.views.report_modes import ReportMode, report_modes
from server.views.report_sample import Sample, report_sample
from server.views.rounds import RoundView, round_view
from server.views.saturation import Assessment, assess, panel_of
from server.views.saturation_answer import answer as saturation_answer
from server.views.saturation_curve import Curve
from server.views.tally import tally
from server.views.transitions import Transition, transitions_page

TRANSITIONS = 12
CHANGES = 40
_AGREEMENT = (("verdict", "Verdict"), ("first_failing_step", "First failing step"))
_NOTES = ("notes", "Mode of the first note")
_WORK = {
    "verdict.submitted": ("trace read", "traces read"),
    "note.added": ("note", "notes"),
    "trace.labelled": ("trace labelled", "traces labelled"),
    "labels.bulk": ("bulk labelling", "bulk labellings"),
    "gold.decided": ("adjudication", "adjudications"),
}
_CODEBOOK = ("codebook decision", "codebook decisions")
_OTHER = ("other decision", "other decisions")
_ABOUT_CODEBOOK = ("mode.", "group", "notes.grouped", "codebook.", "example.")


@dataclass(frozen=True)
class AgreementRow:
    """Agreement on one question; texts, empty where a coefficient is not defined."""

    name: str
    n: int
    percent: str
    alpha: str
    interval: str
    ac1: str
    reading: str


@dataclass(frozen=True)
class Work:
    """What one person did, in decisions that stand."""

    name: str
    done: tuple[tuple[str, int], ...]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    project: str
    slug: str
    description: str
    round: RoundView
    head: Head
    sample: Sample
    modes: tuple[ReportMode, ...]
    rates: PrevalenceTable
    assessment: Assessment
    saturation: str
    stop: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    curve: Curve | None
    agreement: tuple[AgreementRow, ...]
    not_rated_twice: tuple[str, ...]
    transitions: tuple[Transition, ...]
    transitions_left_out: int
    without_step: int
    join: ReportJoin
    diagnoses: tuple[DiagnosisLine, ...]
    """The signed ones."""
    comparison: Comparison
    codebook_changes: tuple[str, ...]
    codebook_changes_left_out: int
    work: tuple[Work, ...]
    only_own: bool
    numbers: Mapping[str, Any]
    """The same as plain values."""
    freshness: Freshness | None = None
    """Where a job computed it."""


def report(session: Session, member: Member, head: Head) -> Report:
    """Build the report of the project as it stands; `head` names the log that it rests on."""
    facts = Population(session, member, Filters())
    round_now = round_view(session, member)
    rates, counts = prevalence_table(facts), tally(facts)
    found = assess(facts, counts)
    panel = panel_of(found)
    agreement = agreement_answer(session, member, Filters(), Versions.ALL).results
    rated = _agreement(agreement)
    moves, comparison = transitions_page(session, member), compare(facts, "", "", "")
    join, signed = report_join(facts), signed_lines(session, member)
    modes, sample = report_modes(facts, rates), report_sample(facts, counts, head.at)
    changes, work = _codebook_changes(session, member, round_now), _work(session, member)
    return Report(
        project=member.project.name,
        slug=member.project.slug,
        description=member.project.description,
        round=round_now,
        head=head,
        sample=sample,
        modes=modes,
        rates=rates,
        assessment=found,
        saturation=panel.sentence,
        stop=panel.stop,
        reasons=panel.reasons,
        warnings=panel.warnings,
        curve=panel.curve,
        agreement=tuple(row for row in rated if row.n),
        not_rated_twice=tuple(row.name for row in rated if not row.n),
        transitions=moves.transitions[:TRANSITIONS],
        transitions_left_out=max(0, len(moves.transitions) - TRANSITIONS),
        without_step=moves.without_step,
        join=join,
        diagnoses=signed,
        comparison=comparison,
        codebook_changes=tuple(changes[-CHANGES:]),
        codebook_changes_left_out=max(0, len(changes) - CHANGES),
        work=work,
        only_own=member.is_blind,
        numbers={
            **_basis(member, round_now, head),
            "sample": asdict(sample),
            "modes": [mode.as_json() for mode in modes],
            "saturation": saturation_answer(found, {}).results,
            **_found(agreement, moves.transitions, join),
            **_changed(comparison, work),
            "diagnoses": [line.as_json() for line in signed],
        },
    )


def _basis(member: Member, now: RoundView, head: Head) -> dict[str, Any]:
    at = head.at.isoformat() if head.at else None
    log = {"head": head.digest, "events": head.events, "at": at}
    return {"project": member.project.slug, "round": now.number, "event_log": log}


def _found(
    agreement: Mapping[str, Any], transitions: Sequence[Transition], join: ReportJoin
) -> dict[str, Any]:
    moves = [_transition(cell) for cell in transitions]
    return {"agreement": dict(agreement), "transitions": moves, "join": join.as_json()}


def _changed(comparison: Comparison, work: Sequence[Work]) -> dict[str, Any]:
    done = [{"name": one.name, **dict(one.done)} for one in work]
    return {"regression": _regression(comparison), "work": done}


def _agreement(results: Mapping[str, Mapping[str, Any]]) -> tuple[AgreementRow, ...]:
    named = {**dict(_AGREEMENT), _NOTES[0]: _NOTES[1]}
    return tuple(
        AgreementRow(
            name=named.get(key, key),
            n=found["n"],
            percent="" if found["percent"] is None else f"{100 * found['percent']:.0f} %",
            alpha=_coefficient(found["alpha"]),
            interval=_interval(found["intervals"].get("alpha")),
            ac1=_coefficient(found["ac1"]),
            reading=" ".join(filter(None, (found["reading"], found.get("warning")))),
        )
        for key, found in results.items()
    )


def _coefficient(value: float | None) -> str:
    return "" if value is None else short(value)


def _interval(ends: Sequence[float] | None) -> str:
    return "" if ends is None else f"{short(ends[0])} to {short(ends[1])}"


def _transition(cell: Transition) -> dict[str, Any]:
    return {
        "before": cell.before,
        "failed": cell.failed,
        "count": cell.count,
        "reached": cell.reached,
        "rate": cell.rate,
    }


def _regression(found: Comparison) -> dict[str, Any] | None:
    if not found.shared:
        return None
    return {
        "by": found.by,
        "before": found.before,
        "after": found.after,
        "items": found.shared,
        "rows": [
            {
                "mode": row.name,
                "n": row.found.n,
                "newly_failing": len(row.found.newly_failing),
                "fixed": len(row.found.fixed),
                "difference": row.found.difference.estimate.value if row.found.n else None,
                "low": row.found.difference.estimate.low if row.found.n else None,
                "high": row.found.difference.estimate.high if row.found.n else None,
            }
            for row in found.rows
        ],
    }


def _codebook_changes(session: Session, member: Member, now: RoundView) -> list[str]:
    """What was decided on the codebook since this round was opened; of the first, nothing."""
    latest = session.exec(rounds.current(member.project_id)).first()
    if latest is None or now.number == 1:
        return []
    since = latest.opened_at or latest.created_at
    changed = session.exec(queries.codebook_changes(member.project_id, since))
    return [event.summary for event in changed]


def _work(session: Session, member: Member) -> tuple[Work, ...]:
    names = {stored_id(p): p.name for p in session.exec(projects.annotators(member.project_id))}
    only = member.id if member.is_blind else None
    found: dict[str, dict[tuple[str, str], int]] = {}
    for actor_id, kind, count in session.execute(queries.done(member.project_id, only)):
        about = kind.startswith(_ABOUT_CODEBOOK)
        what = _WORK.get(kind, _CODEBOOK if about else _OTHER)
        done = found.setdefault(names[actor_id] if actor_id else "the system", {})
        done[what] = done.get(what, 0) + count
    return tuple(_worked(name, done) for name, done in sorted(found.items()))


def _worked(name: str, done: Mapping[tuple[str, str], int]) -> Work:
    order = [what for what in (*_WORK.values(), _CODEBOOK, _OTHER) if what in done]
    return Work(
        name,
        tuple((many, done[one, many]) for one, many in order),
        tuple(f"{done[what]:,} {what[done[what] != 1]}" for what in order),
    )
