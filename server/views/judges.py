"""The page of judges: each beside people, and the form that brings verdicts back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlmodel import Session

from analysis.judge_alignment import Confusion
from analysis.judge_report import judge_report
from analysis.judge_results import is_weak, judge_results
from server.models.base import stored_id
from server.models.batch import SplitPart
from server.models.judge import Judge
from server.models.project import Member
from server.models.verdict import VerdictValue
from server.queries import judges as queries
from server.queries.filters import Filters
from server.views.judge_answer import EVERY, confusion_of
from server.views.judge_facts import JudgeFacts, JudgeMode
from server.views.judge_page import title_of
from server.views.judge_rates import Rate, rates_of
from server.views.sizes import size

WHOLE_TRACE = "trace"


@dataclass(frozen=True)
class JudgeRow:
    """One judge of one version, for one failure mode or the whole trace."""

    id: int
    title: str
    name: str
    version: str
    mode: JudgeMode | None
    verdicts: int
    passes: int
    fails: int
    compared: int
    rates: tuple[Rate, ...]
    is_weak: bool
    is_contaminated: bool
    results: Mapping[str, object]


@dataclass(frozen=True)
class Typed:
    """What somebody has filled in, and what is wrong with it."""

    problem: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class JudgesPage:
    path: str
    rows: tuple[JudgeRow, ...]
    part: str
    """The part of the split that rates are measured on; empty: all labelled traces."""
    modes: tuple[tuple[str, str], ...]
    typed: Typed
    limit: str
    only_own: bool
    can_lead: bool
    refused: tuple[tuple[int, str, str], ...] = ()
    """What was refused just now: line, field, reason."""
    drafts: tuple[tuple[str, str], ...] = ()
    """Failure modes and where a language model drafts a judge's prompt for each, if one may."""
    execution_url: str = ""
    """Where what judges say stands beside execution; empty where nothing was executed."""


def judges_page(
    session: Session,
    member: Member,
    *,
    base: str,
    limit_bytes: int,
    may_draft: bool = False,
    typed: Typed | None = None,
    refused: tuple[tuple[int, str, str], ...] = (),
) -> JudgesPage:
    """Build the page, over what the member may see."""
    facts = JudgeFacts(session, member, Filters())
    named = [(mode.name, mode.name) for mode in facts.population.modes]
    return JudgesPage(
        path=f"{base}/judges",
        rows=judge_rows(facts),
        part="" if facts.split is None else SplitPart.DEV.value,
        modes=(("", "as the file says"), (WHOLE_TRACE, "the whole trace"), *named),
        typed=typed or Typed(),
        limit=size(limit_bytes),
        only_own=member.is_blind,
        can_lead=member.may_lead,
        refused=refused,
        drafts=tuple(
            (mode.name, f"{base}/modes/{mode.id}/judge-draft")
            for mode in facts.modes.values()
            if may_draft and mode is not None
        ),
        execution_url=f"{base}/lenses/cohorts" if _was_executed(session, member) else "",
    )


def _was_executed(session: Session, member: Member) -> bool:
    return session.execute(queries.executed(member.project_id)).first() is not None


def judge_rows(facts: JudgeFacts) -> tuple[JudgeRow, ...]:
    """Return all judges with their rates on the part that judges are tuned on."""
    counts: dict[int, dict[VerdictValue, int]] = {}
    member = facts.member
    for judge_id, value, n in facts.session.execute(queries.counts(member.project_id, member)):
        counts.setdefault(judge_id, {})[value] = n
    return tuple(_row(facts, judge, counts.get(stored_id(judge), {})) for judge in facts.judges)


def _row(facts: JudgeFacts, judge: Judge, counts: Mapping[VerdictValue, int]) -> JudgeRow:
    part = EVERY if facts.split is None else SplitPart.DEV.value
    found: Confusion = confusion_of(facts.compared(judge), part)
    report = judge_report(found, 0, 0)
    return JudgeRow(
        id=stored_id(judge),
        title=title_of(judge),
        name=judge.name,
        version=judge.version,
        mode=facts.modes.get(judge.mode_id),
        verdicts=sum(counts.values()),
        passes=counts.get(VerdictValue.PASS, 0),
        fails=counts.get(VerdictValue.FAIL, 0),
        compared=found.n,
        rates=rates_of(report),
        is_weak=is_weak(report),
        is_contaminated=stored_id(judge) in facts.contaminated,
        results=judge_results(report),
    )
