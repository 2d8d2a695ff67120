"""Help by a language model: names for notes and drafts of judges' prompts, asked for as runs."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from server.api.fields import Asked, Id
from server.api.limits import LimitedRoute
from server.api.runs import RunBody
from server.routes.screen import LeadScreen
from server.services import assistant_runs

router = APIRouter(
    prefix="/projects/{slug}/assistant", tags=["assistant"], route_class=LimitedRoute
)


class NameAsked(Asked):
    """Notes that belong together."""

    note_ids: Annotated[list[Id], Field(min_length=1, max_length=1000)]
    again: bool = False


class JudgePromptAsked(Asked):
    """The failure mode that a judge is to look for."""

    mode_id: Id


@router.post("/names", status_code=202)
def ask_for_name(screen: LeadScreen, wanted: NameAsked) -> RunBody:
    """Send the texts of notes to the model and have it propose a name; nothing is decided by it.

    The run's result holds `name` and `definition`. The same notes are asked about once, unless
    `again`. 404 where the server has no model, 403 where no lead allowed it, 429 with
    `Retry-After` where the project asked as often as it may in a day.
    """
    run = assistant_runs.request_name(
        screen.session,
        screen.jobs,
        screen.member,
        screen.settings,
        wanted.note_ids,
        again=wanted.again,
    )
    return RunBody.model_validate(run)


@router.post("/judge-prompts", status_code=202)
def ask_for_judge_prompt(screen: LeadScreen, wanted: JudgePromptAsked) -> RunBody:
    """Send a definition and train examples to the model and have it draft a judge's prompt.

    The run's result holds `prompt`, a machine's draft. Nothing of dev or test is sent.
    """
    run = assistant_runs.request_judge_prompt(
        screen.session, screen.jobs, screen.member, screen.settings, wanted.mode_id
    )
    return RunBody.model_validate(run)
