"""Whether and how often a project may ask a language model: a lead's choice, a day's bound."""

from datetime import timedelta

from sqlmodel import Session

from server.assistant.chat_completions import assistant_of
from server.assistant.protocol import Assistant
from server.errors import Forbidden, NotFound, TooMany
from server.models.assistance import SETTING, is_allowed
from server.models.base import utc_now
from server.models.project import Member
from server.queries import runs as queries
from server.services.events import Decision
from server.settings import Settings


def assistant_here(settings: Settings) -> Assistant:
    """Return the model of this server.

    Raises:
        NotFound: There is none.
    """
    assistant = assistant_of(settings)
    if assistant is None:
        raise NotFound("This server asks no language model.")
    return assistant


def allowed(member: Member, settings: Settings) -> Assistant:
    """Return the model that a lead of the project allowed to ask.

    Raises:
        NotFound: The server has none.
        Forbidden: No lead allowed it, or the member is no lead.
    """
    assistant = assistant_here(settings)
    if not member.role.can_lead:
        raise Forbidden("Only a lead may ask a language model.")
    if not is_allowed(member.project, assistant.host):
        raise Forbidden(
            f"No lead has allowed that text of this project goes to {assistant.host}: see "
            "Settings, Assistant."
        )
    return assistant


def switch(session: Session, member: Member, settings: Settings, *, on: bool) -> None:
    """Allow or forbid that text of the project goes to the server's model; undo takes it back.

    Raises:
        NotFound: The server has none.
    """
    assistant = assistant_here(settings)
    project = member.project
    wanted = {name: value for name, value in project.settings.items() if name != SETTING}
    if on:
        wanted[SETTING] = assistant.host
    decision = Decision(session, member, "project.changed")
    decision.change(project, settings=wanted)
    decision.record(f"asking {assistant.model} at {assistant.host} {'on' if on else 'off'}")


def count_question(session: Session, member: Member, settings: Settings) -> None:
    """Raise where the project asked as often as it may today.

    Raises:
        TooMany: It did; `detail["retry_after_s"]` says when the day ends.
    """
    now = utc_now()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    asked = session.exec(queries.asked_assistant_since(member.project_id, today)).one()
    if asked >= settings.assistant_per_day:
        wait = today + timedelta(days=1) - now
        raise TooMany(
            f"This project asked the model {asked} times today, as often as this server allows. "
            "From 00:00 UTC on it may ask again.",
            detail={"retry_after_s": max(1, int(wait.total_seconds()))},
        )
