"""Settings of a project: what it is, who is in it, its jobs, its log, where the data lies."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session

from server import __version__
from server.embedder import embedder_in_use
from server.models.base import stored_id
from server.models.project import AnnotatorKind, Member, Stage
from server.queries import projects as queries
from server.settings import Settings
from server.views.events import EventLog, event_log
from server.views.imports import kept_uploads
from server.views.runs import RunView, run_list
from server.views.similar_failures import SETTING

_STAGES = (
    (Stage.OPEN_CODING, "Open coding: read and write notes, no categories yet"),
    (Stage.AXIAL_CODING, "Axial coding: group notes into failure modes"),
    (Stage.LABELLING, "Labelling: decide each mode on each trace"),
)


@dataclass(frozen=True)
class ProjectForm:
    """The values of the form, as stored or as typed and refused."""

    name: str
    description: str
    stage: Stage
    blind: bool
    similar_failures: bool = False
    error: str = ""


@dataclass(frozen=True)
class MemberRow:
    name: str
    version: str
    role: str
    is_machine: bool
    is_you: bool


@dataclass(frozen=True)
class EmbedderInUse:
    name: str
    reason: str


@dataclass(frozen=True)
class Storage:
    """Where everything lies, for whoever has to back it up."""

    database: str
    data: str
    uploads: str
    """How much room the project's uploaded files take; empty for none."""
    version: str


@dataclass(frozen=True)
class SettingsPage:
    form: ProjectForm
    stages: tuple[tuple[Stage, str], ...]
    stage: str
    can_edit: bool
    has_assistant: bool
    """Whether the server could ask a language model, for a lead to allow."""
    members: tuple[MemberRow, ...]
    no_login: bool
    runs: tuple[RunView, ...]
    embedder: EmbedderInUse
    storage: Storage | None
    log: EventLog


@dataclass(frozen=True)
class LogFilter:
    """Which part of the event log is shown."""

    person: int | None = None
    before: int | None = None


def settings_page(
    session: Session,
    member: Member,
    settings: Settings,
    *,
    log: LogFilter | None = None,
    refused: ProjectForm | None = None,
) -> SettingsPage:
    """Build the settings page; `refused` is a form that comes back with what is wrong."""
    project = member.project
    similar = bool(project.settings.get(SETTING, False))
    stored = ProjectForm(project.name, project.description, project.stage, project.blind, similar)
    log = log or LogFilter()
    return SettingsPage(
        form=refused or stored,
        stages=_STAGES,
        stage=dict(_STAGES)[project.stage],
        can_edit=member.may_lead,
        has_assistant=bool(settings.assistant_url) and member.may_lead,
        members=_members(session, member),
        no_login=settings.no_login,
        runs=run_list(session, member),
        embedder=_embedder(settings.embedding_model),
        storage=_storage(session, member, settings) if member.role.can_lead else None,
        log=event_log(session, member, person=log.person, before=log.before),
    )


def _members(session: Session, member: Member) -> tuple[MemberRow, ...]:
    return tuple(
        MemberRow(
            name=annotator.name,
            version=annotator.version,
            role=annotator.role,
            is_machine=annotator.kind is AnnotatorKind.MACHINE,
            is_you=stored_id(annotator) == member.id,
        )
        for annotator in session.exec(
            queries.annotators(member.project_id).where(queries.taking_part())
        )
    )


def _embedder(folder: str) -> EmbedderInUse:
    chosen = embedder_in_use(folder)
    return EmbedderInUse(name=chosen.embedder.name, reason=chosen.reason)


def _storage(session: Session, member: Member, settings: Settings) -> Storage:
    url = sa.make_url(settings.database_url).set(query={})
    return Storage(
        database=url.render_as_string(hide_password=True),
        data=str(settings.data.resolve()),
        uploads=kept_uploads(session, member, settings),
        version=__version__,
    )
