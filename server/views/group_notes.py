"""All notes of one draft group or one mode, a page at a time."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from sqlmodel import Session

from server.errors import NotFound
from server.models.base import stored_id
from server.models.project import Member
from server.views.facts import Facts
from server.views.groups import decide_query, drafts_at, group_material, group_query
from server.views.latest_groups import latest_groups
from server.views.notes import NoteView

AT_ONCE = 200


@dataclass(frozen=True)
class GroupNotes:
    """Some of the notes of a group or a mode, as its list on the Group screen shows them."""

    path: str
    decide_query: str
    can_decide: bool
    title: str
    n: int
    notes: tuple[NoteView, ...]
    run: int | None
    """The run that suggested the group; None for a mode's notes."""
    more: int
    more_path: str


def notes_of_mode(session: Session, member: Member, mode_id: int, asked: "Asked") -> GroupNotes:
    """List the notes under a mode.

    Raises:
        NotFound: The project has no such mode in use.
    """
    material = group_material(Facts(session, member))
    mode = material.decided.modes.get(mode_id)
    if mode is None:
        raise NotFound(f"This project has no failure mode {mode_id}.")
    notes = tuple(
        material.notes[note]
        for note, placed in material.placed.items()
        if placed == mode_id and note in material.notes
    )
    return _page(member, mode.name, notes, asked, {"mode": mode_id})


def notes_of_group(
    session: Session, member: Member, data: Path, key: str, asked: "Asked"
) -> GroupNotes:
    """List the notes of a draft group.

    Raises:
        NotFound: No such group is suggested any more.
    """
    material = group_material(Facts(session, member))
    latest = latest_groups(session, member, data)
    drafts = drafts_at(latest, material, asked.granularity, most=0)
    notes = drafts.notes_of(key) if drafts else ()
    if latest is None or not notes:
        raise NotFound("This group is not suggested any more: load the Group screen anew.")
    run = stored_id(latest.run)
    return _page(member, "Suggested group", notes, asked, {"group": key}, run)


@dataclass(frozen=True)
class Asked:
    """Where a list goes on, and what its page knew."""

    granularity: float | None = None
    start: int = 0
    seen: int = 0


def _page(
    member: Member,
    title: str,
    notes: tuple[NoteView, ...],
    asked: Asked,
    of: dict[str, int | str],
    run: int | None = None,
) -> GroupNotes:
    path, end = f"/projects/{member.project.slug}/groups", asked.start + AT_ONCE
    query = decide_query(group_query(asked.granularity), asked.seen)
    return GroupNotes(
        path=path,
        decide_query=query,
        can_decide=member.may_lead,
        title=title,
        n=len(notes),
        notes=notes[asked.start : end],
        run=run,
        more=max(0, len(notes) - end),
        more_path=f"{path}/notes{query}&{urlencode(of | {'start': end})}",
    )
