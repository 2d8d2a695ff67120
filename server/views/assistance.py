"""Pages about a language model's help: whether it is allowed, its proposals, its drafts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col

from server.assistant.chat_completions import assistant_of
from server.assistant_settings import AssistantSettings
from server.models.assistance import is_allowed
from server.models.base import stored_id, utc_now
from server.models.note import Note
from server.models.project import Annotator, Member
from server.models.run import AnalysisRun, RunKind
from server.queries import modes as mode_queries
from server.queries import notes as note_queries
from server.queries import runs as run_queries
from server.queries import splits
from server.views.runs import RunView, run_view

_SHOWN = 20


@dataclass(frozen=True)
class AssistantPage:
    """What a lead decides on: where text would go, how often, and whether it may."""

    path: str
    model: str
    host: str
    is_allowed: bool
    can_edit: bool
    asked_today: int
    per_day: int


@dataclass(frozen=True)
class ProposalView:
    """A question for a name and, once it is answered, what the model proposes."""

    run: RunView
    path: str
    query: str
    """What decisions send along."""
    can_decide: bool
    model: str
    host: str
    note_ids: str
    n_notes: int
    left_out: int
    notes: tuple[str, ...]
    """Texts of the notes that were sent."""
    hidden: tuple[tuple[str, str], ...]
    """What the draft group was offered as."""
    name: str
    definition: str
    is_answered: bool


@dataclass(frozen=True)
class JudgeDraft:
    """One question for a judge's prompt, and its answer."""

    run: RunView
    model: str
    host: str
    asked_by: str
    at: datetime
    mode_version: int | None
    examples: int
    is_shortened: bool
    prompt: str
    text_path: str


@dataclass(frozen=True)
class JudgeDraftPage:
    path: str
    mode_id: int
    mode_name: str
    mode_path: str
    model: str
    host: str
    is_split: bool
    drafts: tuple[JudgeDraft, ...]
    is_waiting: bool


def model_to_ask(member: Member, settings: AssistantSettings) -> str:
    """Return the model that a member may ask in their project; empty where they may none."""
    assistant = assistant_of(settings)
    if assistant is None or not member.may_lead:
        return ""
    return assistant.model if is_allowed(member.project, assistant.host) else ""


def assistant_page(
    session: Session, member: Member, settings: AssistantSettings, *, base: str
) -> AssistantPage | None:
    """Build the page on which a lead allows to ask; None where the server has no model."""
    assistant = assistant_of(settings)
    if assistant is None:
        return None
    today = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    since = run_queries.asked_assistant_since(member.project_id, today)
    return AssistantPage(
        path=f"{base}/settings/assistant",
        model=assistant.model,
        host=assistant.host,
        is_allowed=is_allowed(member.project, assistant.host),
        can_edit=member.may_lead,
        asked_today=session.exec(since).one(),
        per_day=settings.assistant_per_day,
    )


def proposal(
    session: Session, member: Member, run: AnalysisRun, *, base: str, query: str = ""
) -> ProposalView:
    """Build the view of a question for a name."""
    asked = run.parameters.get("notes", [])
    told: dict[str, Any] = run.result
    sent = told.get("notes", asked)
    return ProposalView(
        run=run_view(session, member, run),
        path=f"{base}/groups",
        query=f"?{query}" if query else "",
        can_decide=member.may_lead,
        model=told.get("model", ""),
        host=told.get("host", ""),
        note_ids=",".join(map(str, asked)),
        n_notes=len(asked),
        left_out=told.get("left_out", 0),
        notes=_texts(session, member, sent),
        hidden=tuple((k, str(v)) for k, v in run.parameters.get("offered", {}).items()),
        name=told.get("name", ""),
        definition=told.get("definition", ""),
        is_answered=bool(told),
    )


def judge_drafts(
    session: Session, member: Member, mode_id: int, settings: AssistantSettings, *, base: str
) -> JudgeDraftPage | None:
    """Build the page of a mode's drafts; None where no model may be asked and none was."""
    mode = session.exec(mode_queries.one(member.project_id, mode_id)).one()
    path = f"{base}/modes/{mode_id}/judge-draft"
    found = [
        _draft(session, member, run, path)
        for run in session.exec(run_queries.of_kind(member.project_id, RunKind.ASSISTANT))
        if run.parameters.get("mode") == mode_id
    ][:_SHOWN]
    model = model_to_ask(member, settings)
    if not model and not found:
        return None
    assistant = assistant_of(settings)
    split = session.exec(splits.of_project(member.project_id)).first()
    return JudgeDraftPage(
        path=path,
        mode_id=mode_id,
        mode_name=mode.name,
        mode_path=f"{base}/modes/{mode_id}",
        model=model,
        host=assistant.host if assistant else "",
        is_split=split is not None,
        drafts=tuple(found),
        is_waiting=any(not draft.run.is_over for draft in found),
    )


def _draft(session: Session, member: Member, run: AnalysisRun, path: str) -> JudgeDraft:
    asker = session.get(Annotator, run.created_by) if run.created_by else None
    told: dict[str, Any] = run.result
    return JudgeDraft(
        run=run_view(session, member, run),
        model=told.get("model", ""),
        host=told.get("host", ""),
        asked_by=asker.name if asker else "somebody",
        at=run.finished_at or run.created_at,
        mode_version=told.get("mode_version"),
        examples=len(told.get("traces", ())),
        is_shortened=bool(told.get("is_shortened")),
        prompt=told.get("prompt", ""),
        text_path=f"{path}/{stored_id(run)}",
    )


def _texts(session: Session, member: Member, note_ids: Sequence[int]) -> tuple[str, ...]:
    statement = note_queries.of_project(member.project_id).where(col(Note.id).in_(note_ids))
    return tuple(note.text for note in session.exec(statement))


def draft_file(draft: JudgeDraft, mode_name: str) -> str:
    """Return a draft as a file that says what it is."""
    return (
        f"<!-- A machine's draft: {draft.model} at {draft.host}, asked by {draft.asked_by} on "
        f"{draft.at:%Y-%m-%d %H:%M} UTC, for «{mode_name}», version {draft.mode_version} of its "
        f"definition. Nobody has checked it. -->\n\n{draft.prompt}\n"
    )
