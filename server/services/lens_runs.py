"""Answers of lenses as runs: asked for, computed as a job, kept for before and after."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from sqlmodel import Session

from server.db import lock, unlink_after_commit
from server.errors import NotFound
from server.executors.choosing import offered
from server.jobs import Jobs
from server.models.base import stored_id, utc_now
from server.models.project import Annotator, Member, Project
from server.models.run import AnalysisRun, RunKind, RunStatus
from server.queries import lens_populations as queries
from server.queries.runs import of_kind
from server.services import runs
from server.services.runs import Cancelled, RunContext
from server.settings import Settings

ANNOTATOR = "annotator"
"""Parameter of a run that says with whose eyes it looks."""
KEPT = 5
"""Answers of one question that stay, each of another state of the data."""


class Computed(Protocol):
    """What a run found: what its row keeps, and what writes the rest into a file."""

    @property
    def digest(self) -> str:
        """What names the question, and the state of the data that was read."""

    @property
    def result(self) -> dict[str, Any]:
        """What the row keeps."""

    def write(self, path: Path) -> None:
        """Write everything else."""


Told = Callable[[int, int | None, str], None]
Answered = Callable[[Session, Member, Mapping[str, Any], Told], Computed]
"""Answers what parameters ask, and tells how far it is."""


def request(
    session: Session,
    jobs: Jobs,
    member: Member,
    parameters: Mapping[str, Any],
    digest: str,
    *,
    kind: RunKind = RunKind.LENS,
) -> AnalysisRun:
    """Ask for an answer as a job; the one under way or kept for this state is returned."""
    asked = {**parameters, ANNOTATOR: member.id}
    known = session.exec(queries.under_way_or_filed(member.project_id, digest, kind)).first()
    if known is not None:
        return known
    run = runs.request(session, jobs, member, kind, asked)
    run.input_digest = digest
    session.add(run)
    return run


def keep(
    session: Session,
    settings: Settings,
    member: Member,
    parameters: Mapping[str, Any],
    digest: str,
    result: dict[str, Any],
) -> AnalysisRun:
    """Keep the reading of an answer that needed no job, once for each state of the data."""
    known = session.exec(queries.answers_for(member.project_id, digest)).first()
    if known is not None:
        return known
    run = AnalysisRun(
        project_id=member.project_id,
        created_by=member.id,
        kind=RunKind.LENS,
        parameters={**parameters, ANNOTATOR: member.id},
        input_digest=digest,
        status=RunStatus.DONE,
        started_at=utc_now(),
        finished_at=utc_now(),
        result=result,
    )
    session.add(run)
    session.flush()
    _clear(session, settings, run)
    return run


def perform(context: RunContext, *, answered: Answered) -> dict[str, Any]:
    """Answer a question as a job, and keep the answer in a file."""

    def told(done: int, parts: int) -> None:
        context.progress(done, parts, "parts that the cluster has computed")

    with offered(context.settings.executor, told=told), context.database.reading() as session:
        member = _member(session, context)
        found = answered(session, member, context.parameters, context.progress)
    path = context.settings.artefacts / f"lens-{context.run_id}.json.gz"
    found.write(path)
    with context.database.writing() as session:
        run = session.get_one(AnalysisRun, context.run_id)
        lock(session, run)  # an erasure waits, or is over and has asked to cancel this
        if run.cancel_requested:
            path.unlink()
            raise Cancelled
        run.artefact = path.relative_to(context.settings.data).as_posix()
        run.input_digest = found.digest  # that of what was read, should it have moved meanwhile
        session.add(run)
        session.flush()
        _clear(session, context.settings, run)
    return found.result


def forget_pages(session: Session, settings: Settings, project_id: int) -> None:
    """Drop the pages that jobs have kept, which quote traces and notes; they are computed again."""
    for run in session.exec(of_kind(project_id, RunKind.PAGE)).all():
        lock(session, run)
        unlink_after_commit(session, [settings.data / run.artefact] if run.artefact else [])
        if run.status.is_over:
            session.delete(run)
        else:
            run.artefact, run.cancel_requested = "", True
            session.add(run)


def _member(session: Session, context: RunContext) -> Member:
    project = session.get(Project, context.project_id)
    annotator = session.get(Annotator, context.parameters[ANNOTATOR])
    if project is None or annotator is None:
        raise NotFound("The project or whoever asked is gone.")
    return Member(project, annotator)


def _clear(session: Session, settings: Settings, run: AnalysisRun) -> None:
    """Drop the oldest answers of a question, and their files."""
    question = run.input_digest.partition(":")[0]
    found = session.exec(queries.answers(run.project_id, question, run.kind)).all()
    old = [one for one in found if stored_id(one) != stored_id(run)][KEPT - 1 :]
    unlink_after_commit(session, [settings.data / one.artefact for one in old if one.artefact])
    for one in old:
        session.delete(one)
