"""One failure mode with its history and examples, as programs read it."""

from typing import Any

from sqlmodel import Session

from server.models.base import stored_id
from server.models.mode import FailureMode
from server.models.project import Member
from server.queries import modes, visible


def codebook_entry(session: Session, member: Member, mode: FailureMode) -> dict[str, Any]:
    """Return a mode's columns with its wordings, the latest first, and its visible examples."""
    mode_id = stored_id(mode)
    return {
        **mode.model_dump(),
        "versions": session.exec(modes.versions(mode_id)).all(),
        "examples": session.exec(visible.examples(member, mode_id)).all(),
    }
