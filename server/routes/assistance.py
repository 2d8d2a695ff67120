"""Help by a language model: whether it is allowed, names for groups, drafts of judges' prompts."""

from typing import Annotated

from fastapi import APIRouter, Form, Response
from fastapi.responses import PlainTextResponse

from server.errors import NotFound
from server.models.run import AnalysisRun
from server.routes.groups import ChosenNotes
from server.routes.screen import STOP_POLLING, LeadScreen, Screen
from server.services import assistance, assistant_runs, modes, runs
from server.views.assistance import (
    JudgeDraftPage,
    assistant_page,
    draft_file,
    judge_drafts,
    proposal,
)

router = APIRouter(prefix="/projects/{slug}", tags=["assistant"])


@router.get("/settings/assistant")
def show_assistant(screen: LeadScreen) -> Response:
    """Where text would go, what of it and how often; a lead allows or forbids it."""
    view = assistant_page(screen.session, screen.member, screen.settings, base=screen.url())
    if view is None:
        raise NotFound("This server asks no language model: an admin would have to name one.")
    return screen.show("assistance/settings.html", view, section="settings")


@router.post("/settings/assistant")
def allow_assistant(screen: LeadScreen, allowed: Annotated[bool, Form()] = False) -> Response:
    """Allow or forbid that text of the project goes to the model."""
    assistance.switch(screen.session, screen.member, screen.settings, on=allowed)
    told = "The model may be asked" if allowed else "Nothing more goes to the model"
    return screen.redirect("/settings/assistant", message=told, undo=True)


@router.post("/groups/proposals")
def ask_for_name(
    screen: LeadScreen,
    form: Annotated[ChosenNotes, Form()],
    again: Annotated[bool, Form()] = False,
) -> Response:
    """Ask for a name of notes; nothing is decided by it."""
    offered = {"run": form.run, "offered": form.offered, "score": form.score}
    told = {name: value for name, value in offered.items() if value is not None}
    run = assistant_runs.request_name(
        screen.session, screen.jobs, screen.member, screen.settings, form.notes, told, again=again
    )
    if not screen.wants_fragment:
        return screen.redirect(f"/groups/proposals/{run.id}{_query(screen)}")
    return _proposal(screen, run)


@router.get("/groups/proposals/{run_id}")
def show_proposal(screen: LeadScreen, run_id: int) -> Response:
    """How far the question is, and what the model proposes."""
    run = runs.find(screen.session, screen.member, run_id)
    if run.parameters.get("task") != assistant_runs.NAME:
        raise NotFound(f"This project has no proposal {run_id}.")
    return _proposal(screen, run)


@router.get("/modes/{mode_id}/judge-draft")
def show_judge_drafts(screen: LeadScreen, mode_id: int) -> Response:
    """What models drafted as a judge's prompt for a failure mode."""
    return screen.show("assistance/judge_draft.html", _drafts(screen, mode_id), section="modes")


@router.post("/modes/{mode_id}/judge-draft")
def ask_for_judge_prompt(screen: LeadScreen, mode_id: int) -> Response:
    """Ask for a draft; it is shown, and sent nowhere."""
    assistant_runs.request_judge_prompt(
        screen.session, screen.jobs, screen.member, screen.settings, mode_id
    )
    return screen.redirect(f"/modes/{mode_id}/judge-draft")


@router.get("/modes/{mode_id}/judge-draft/{run_id}")
def download_judge_draft(screen: LeadScreen, mode_id: int, run_id: int) -> Response:
    """One draft as a file, which says that it is one."""
    page = _drafts(screen, mode_id)
    found = [draft for draft in page.drafts if draft.run.id == run_id and draft.prompt]
    if not found:
        raise NotFound(f"«{page.mode_name}» has no draft {run_id}.")
    headers = {"Content-Disposition": f'attachment; filename="judge-draft-{run_id}.md"'}
    return PlainTextResponse(draft_file(found[0], page.mode_name), headers=headers)


def _drafts(screen: Screen, mode_id: int) -> JudgeDraftPage:
    modes.find(screen.session, screen.member, mode_id)
    page = judge_drafts(screen.session, screen.member, mode_id, screen.settings, base=screen.url())
    if page is None:
        raise NotFound("No model may be asked in this project, and none was.")
    return page


def _proposal(screen: Screen, run: AnalysisRun) -> Response:
    view = proposal(
        screen.session, screen.member, run, base=screen.url(), query=screen.request.url.query
    )
    is_last = view.run.is_over and screen.wants_fragment and screen.request.method == "GET"
    status = STOP_POLLING if is_last else 200
    return screen.show(
        "assistance/proposal.html", view, section="groups", blocks=("proposal",), status=status
    )


def _query(screen: Screen) -> str:
    query = screen.request.url.query
    return f"?{query}" if query else ""
