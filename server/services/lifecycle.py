"""The end and the rebirth of projects: archived, deleted, begun anew with a codebook."""

from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, select

from server.archive.tables import ARCHIVED, references, rows_of, table_of
from server.db import unlink_after_commit
from server.errors import Conflict, Invalid
from server.models.base import stored_id, utc_now
from server.models.mode import FailureMode, ModeExample, ModeVersion
from server.models.project import Member, Project
from server.models.run import AnalysisRun
from server.models.trace import Attachment, Import
from server.models.user import ApiToken, Invitation, User, Webhook
from server.queries import modes as mode_queries
from server.services import projects
from server.services.events import Decision
from server.settings import Settings


def put_away(session: Session, member: Member) -> Project:
    """Archive a project: out of every list, nothing changes in it, and it can come back."""
    decision = Decision(session, member, "project.archived")
    decision.change(member.project, archived_at=utc_now())
    decision.record(f"archived «{member.project.name}»")
    return member.project


def bring_back(session: Session, member: Member) -> Project:
    """Take a project out of the archive."""
    decision = Decision(session, member, "project.unarchived")
    decision.change(member.project, archived_at=None)
    decision.record(f"«{member.project.name}» is back")
    return member.project


def delete(session: Session, settings: Settings, member: Member, *, confirmed: str) -> None:
    """Delete an archived project with everything in it, its files included.

    Only an archive that was downloaded before brings it back.

    Raises:
        Conflict: It is not archived.
        Invalid: `confirmed` is not its slug.
    """
    project = member.project
    if project.archived_at is None:
        raise Conflict("Only an archived project can be deleted: archive it first.")
    if confirmed.strip() != project.slug:
        raise Invalid(f"To delete it, type its address: {project.slug}")
    project_id = stored_id(project)
    files = _own_files(session, settings, project_id)
    attached = rows_of(Attachment, project_id).order_by(None).subquery()
    digests = set(session.execute(sa.select(attached.c.sha256)).scalars())
    for linked in (ApiToken, Invitation, Webhook):
        table = table_of(linked)
        session.execute(sa.delete(table).where(table.c.project_id == project_id))
    _delete_rows(session, project_id)
    kept = set(session.exec(select(Attachment.sha256)))
    files += [settings.attachments / digest for digest in digests - kept]
    unlink_after_commit(session, files)


def _own_files(session: Session, settings: Settings, project_id: int) -> list[Path]:
    """Return what was uploaded into a project, refused from it, and worked out for it."""
    imports = session.exec(select(Import).where(Import.project_id == project_id)).all()
    runs = session.exec(select(AnalysisRun).where(AnalysisRun.project_id == project_id)).all()
    names = [row.stored_path for row in imports] + [row.refused_file for row in imports]
    names += [run.artefact for run in runs]
    return [settings.data / name for name in names if name]


def _delete_rows(session: Session, project_id: int) -> None:
    for model in reversed(ARCHIVED):
        table = table_of(model)
        ids = rows_of(model, project_id).order_by(None).with_only_columns(table.c.id)
        own = [ref.column for ref in references(model) if ref.table == table.name]
        if own:
            loosened = sa.update(table).where(table.c.id.in_(ids)).values(dict.fromkeys(own))
            session.execute(loosened)
        session.execute(sa.delete(table).where(table.c.id.in_(ids)))
    session.expire_all()


def begin_with_codebook(
    session: Session, member: Member, name: str, *, leader: User | None = None
) -> Project:
    """Make a project whose codebook is a copy of this one's: modes in use, latest definitions.

    Modes keep their guid, so that labels of both projects can be told to mean the same. Examples
    come along as their quoted words, without the traces they stood in.

    Raises:
        Invalid: The name does not do.
    """
    source_modes = session.exec(mode_queries.in_use(member.project_id)).all()
    project = projects.create(session, name, leader=leader)
    copies: dict[int, FailureMode] = {}
    for mode in source_modes:
        copies[stored_id(mode)] = _copy_mode(session, project, mode)
    for mode in source_modes:
        if mode.parent_id in copies:
            copies[stored_id(mode)].parent_id = copies[mode.parent_id].id
    session.flush()
    return project


def _copy_mode(session: Session, project: Project, mode: FailureMode) -> FailureMode:
    copy = FailureMode(
        project_id=stored_id(project),
        name=mode.name,
        status=mode.status,
        colour=mode.colour,
        decision=mode.decision,
        impact=mode.impact,
        guid=mode.guid,
    )
    session.add(copy)
    session.flush()
    latest = session.exec(mode_queries.versions(stored_id(mode))).first()
    if latest is not None:
        session.add(
            ModeVersion(
                mode_id=stored_id(copy),
                number=1,
                definition=latest.definition,
                apply_when=latest.apply_when,
                not_when=latest.not_when,
                pass_rule=latest.pass_rule,
                fail_rule=latest.fail_rule,
                reason=f"copied, version {latest.number} there",
            )
        )
    session.add_all(
        ModeExample(mode_id=stored_id(copy), quote=example.quote, positive=example.positive)
        for example in session.exec(mode_queries.examples(stored_id(mode)))
        if example.quote
    )
    session.flush()
    return copy
