"""Runs on screen: how far each is, how it ended, what to do next."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from server.models.base import stored_id, utc_now
from server.models.project import Annotator, Member
from server.models.run import AnalysisRun, RunKind, RunStatus
from server.queries import runs as queries
from server.views.annotators import annotator_names
from server.views.times import ago, lasting

_NAMES: dict[str, str] = {
    RunKind.IMPORT: "Import",
    RunKind.ARCHIVE: "Project archive",
    RunKind.ASSISTANT: "Question to a language model",
    RunKind.BATCH: "Batch by what traces say",
    RunKind.EVALUATION_SETS: "Worth of small evaluation sets",
    RunKind.GROUP: "Draft groups",
    RunKind.LENS: "Answer of a lens",
    RunKind.NOTE_MAP: "Map of notes",
    RunKind.MODE_SUGGESTIONS: "Modes suggested for notes",
    RunKind.NEAR_DUPLICATES: "Search for near-duplicates",
    RunKind.OUTCOMES: "Outcome rules over all traces",
    RunKind.PAGE: "Page about all that was read",
    RunKind.RETENTION: "Retention",
    RunKind.SIGNALS: "Signals of traces",
}
_RESULTS: dict[str, str] = {
    RunKind.IMPORT: "/imports",
    RunKind.ARCHIVE: "/lifecycle",
    RunKind.BATCH: "/traces?batch={batch}",
    RunKind.EVALUATION_SETS: "/evaluation-sets",
    RunKind.GROUP: "/groups",
    RunKind.LENS: "{path}",
    RunKind.NOTE_MAP: "/groups",
    RunKind.MODE_SUGGESTIONS: "/groups",
    RunKind.NEAR_DUPLICATES: "/traces?near_duplicate=yes",
    RunKind.OUTCOMES: "/outcome-rules",
    RunKind.PAGE: "{path}",
    RunKind.SIGNALS: "/traces",
}
_TRACEBACK = "Traceback ("
_SHOWN = 50


@dataclass(frozen=True)
class RunView:
    """One run; `percent` is None while nobody knows how much there is to do."""

    id: int
    path: str
    name: str
    status: RunStatus
    is_over: bool
    done: int
    total: int | None
    percent: int | None
    text: str
    elapsed: str
    age: str
    created_at: datetime
    started_by: str
    is_cancelling: bool
    can_cancel: bool
    error: str
    traceback: str
    result_path: str | None


@dataclass(frozen=True)
class RunPage:
    run: RunView


def run_page(session: Session, member: Member, run: AnalysisRun) -> RunPage:
    """Build the page of one run."""
    return RunPage(run_view(session, member, run))


def run_list(session: Session, member: Member) -> tuple[RunView, ...]:
    """Build the list of the project's latest runs."""
    shown = queries.jobs(member.project_id).where(queries.shown_to(member))
    found = session.exec(shown.limit(_SHOWN))
    names = annotator_names(session, member)
    return tuple(_described(member, run, names.get(run.created_by or 0)) for run in found)


def run_view(session: Session, member: Member, run: AnalysisRun) -> RunView:
    """Describe one run for a member."""
    starter = session.get(Annotator, run.created_by) if run.created_by else None
    return _described(member, run, starter.name if starter else None)


def _described(member: Member, run: AnalysisRun, started_by: str | None) -> RunView:
    now = utc_now()
    base = f"/projects/{member.project.slug}"
    error, traceback = _in_words(run)
    result = _RESULTS.get(run.kind) if run.status is RunStatus.DONE else None
    return RunView(
        id=stored_id(run),
        path=f"{base}/runs/{stored_id(run)}",
        name=_NAMES.get(run.kind, run.kind.replace("_", " ").capitalize()),
        status=run.status,
        is_over=run.status.is_over,
        done=run.progress_done,
        total=run.progress_total,
        percent=_percent(run),
        text=run.progress_text,
        elapsed=lasting((run.finished_at or now) - run.started_at) if run.started_at else "",
        age=ago(run.created_at, now),
        created_at=run.created_at,
        started_by=started_by or "the system",
        is_cancelling=run.cancel_requested and not run.status.is_over,
        can_cancel=_can_cancel(member, run),
        error=error,
        traceback=traceback,
        result_path=f"{base}{result.format(**run.result)}" if result else None,
    )


def _percent(run: AnalysisRun) -> int | None:
    if run.status is RunStatus.DONE:
        return 100
    if not run.progress_total:
        return None
    return min(100, 100 * run.progress_done // run.progress_total)


def _can_cancel(member: Member, run: AnalysisRun) -> bool:
    if run.status.is_over or run.cancel_requested or not member.project.is_open:
        return False
    return member.role.can_lead or (member.role.can_annotate and run.created_by == member.id)


def _in_words(run: AnalysisRun) -> tuple[str, str]:
    if not run.error.startswith(_TRACEBACK):
        return run.error, ""
    last_line = run.error.strip().splitlines()[-1].rstrip(".")
    words = f"It stopped at something nobody foresaw: {last_line}. What it saved before is kept."
    return words, run.error
