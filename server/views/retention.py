"""The page of the retention rule: what goes when, and what would go now."""

from dataclasses import dataclass

from sqlmodel import Session

from server.models.base import utc_now
from server.models.project import Member
from server.models.retention import LEAST_DAYS, MOST_DAYS, RetentionRule, retention_rule
from server.models.run import AnalysisRun, RunKind
from server.queries import retention as queries
from server.queries import runs as run_queries


@dataclass(frozen=True)
class Expiring:
    """What a rule would do now: how many traces are old enough, and how many of them stay."""

    days: int
    older: int
    pinned: int

    @property
    def going(self) -> int:
        return self.older - self.pinned


@dataclass(frozen=True)
class RetentionPage:
    path: str
    can_edit: bool
    days: str
    """As typed or as set; empty: everything is kept."""
    live_only: bool
    is_on: bool
    least_days: int
    most_days: int
    expiring: Expiring | None
    """What the rule that is shown would do now; None where there is none."""
    last_run: AnalysisRun | None
    error: str


def expiring(session: Session, project_id: int, rule: RetentionRule) -> Expiring:
    """Count what a rule would do now."""
    about = queries.older(project_id, rule.before(utc_now()), live_only=rule.live_only)
    older, pinned = session.execute(queries.counts(about)).one()
    return Expiring(rule.days, older, pinned)


def retention_page(
    session: Session,
    member: Member,
    *,
    typed: RetentionRule | None = None,
    error: str = "",
) -> RetentionPage:
    """Build the page; `typed` is a rule that is not saved, or not yet."""
    project_id, kept = member.project_id, retention_rule(member.project.settings)
    rule = typed or kept
    does = rule is not None and not error
    return RetentionPage(
        path=f"/projects/{member.project.slug}/retention",
        can_edit=member.may_lead,
        days=str(rule.days) if rule else "",
        live_only=bool(rule and rule.live_only),
        is_on=kept is not None,
        least_days=LEAST_DAYS,
        most_days=MOST_DAYS,
        expiring=expiring(session, project_id, rule) if rule and does else None,
        last_run=session.exec(run_queries.of_kind(project_id, RunKind.RETENTION)).first(),
        error=error,
    )
