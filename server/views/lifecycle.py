"""The life of a project: its archive, a copy of its codebook, putting it away, deleting it."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from server.models.base import stored_id
from server.models.project import Member
from server.models.run import AnalysisRun, RunKind
from server.models.trace import ERASED, Trace
from server.models.user import User, can_destroy
from server.queries import modes, readings, runs, traces, visible
from server.views.runs import RunView, run_view
from server.views.sizes import size


@dataclass(frozen=True)
class ArchiveFile:
    """The latest archive that lies ready."""

    path: str
    size: str
    made_at: datetime


@dataclass(frozen=True)
class LifecyclePage:
    path: str
    slug: str
    name: str
    is_archived: bool
    read_only: bool
    can_keep: bool
    """Whether a lead looks."""
    may_delete: bool
    traces: int
    notes: int
    modes: int
    run: RunView | None
    """The archive being written, or the one that could not be."""
    file: ArchiveFile | None
    error: str
    typed: str


@dataclass(frozen=True)
class ErasurePage:
    path: str
    back: str
    external_id: str
    steps: int
    notes: int
    people: int
    is_erased: bool


def lifecycle_page(
    session: Session, member: Member, user: User | None, *, error: str = "", typed: str = ""
) -> LifecyclePage:
    """Build the page; `error` is why a form that held `typed` was refused."""
    project = member.project
    path = f"/projects/{project.slug}/lifecycle"
    latest = session.exec(runs.of_kind(member.project_id, RunKind.ARCHIVE).limit(1)).first()
    return LifecyclePage(
        path=path,
        slug=project.slug,
        name=project.name,
        is_archived=project.is_archived,
        read_only=project.read_only,
        can_keep=member.role.can_lead,
        may_delete=can_destroy(member, user),
        traces=session.exec(traces.count(member.project_id)).one(),
        notes=session.exec(visible.count(visible.notes(member))).one(),
        modes=session.exec(modes.in_use_count(member.project_id)).one(),
        run=run_view(session, member, latest) if latest and not latest.artefact else None,
        file=_file(latest, path),
        error=error,
        typed=typed,
    )


def _file(run: AnalysisRun | None, path: str) -> ArchiveFile | None:
    if run is None or not run.artefact or run.finished_at is None:
        return None
    made = size(int(run.result.get("bytes", 0)))
    return ArchiveFile(f"{path}/archive/{stored_id(run)}", made, run.finished_at)


def erasure_page(session: Session, member: Member, trace: Trace) -> ErasurePage:
    """Build the page that asks before a trace is erased."""
    trace_id = stored_id(trace)
    written = session.execute(readings.notes_with_authors(), {"trace_id": trace_id}).all()
    base = f"/projects/{member.project.slug}"
    return ErasurePage(
        path=f"{base}/traces/{trace_id}/erase",
        back=f"{base}/read/{trace_id}",
        external_id=trace.external_id,
        steps=trace.step_count,
        notes=len(written),
        people=len({author.id for _, author in written}),
        is_erased=trace.content_hash == ERASED,
    )
