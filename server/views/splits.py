"""Splitting a failure mode: each note with its decision, and what would move before it does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session

from server.models.base import stored_id
from server.models.mode import FailureMode
from server.models.project import Member
from server.queries import labels as label_queries
from server.queries import modes as queries
from server.queries import notes as note_queries
from server.views.notes import NoteView, note_views

FEWEST, MOST = 2, 6
DEFERRED = "defer"


@dataclass(frozen=True)
class Typed:
    """What somebody has said so far: names and definitions of the parts, and where notes go."""

    names: Sequence[str] = ()
    definitions: Sequence[str] = ()
    places: Mapping[int, str] = field(default_factory=dict)
    """For a note the number of its part as text, or DEFERRED; nothing: undecided."""
    problem: str = ""
    is_preview: bool = False


@dataclass(frozen=True)
class PartForm:
    number: int
    name: str
    definition: str


@dataclass(frozen=True)
class SplitNote:
    note: NoteView
    place: str


@dataclass(frozen=True)
class SplitShare:
    """What goes to one part, or to none."""

    name: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class SplitPreview:
    """Where every note goes: the counts of the shares add up to the number before."""

    shares: tuple[SplitShare, ...]
    before: int
    after: int
    undecided: int
    labels: int
    """Labels that stay with the mode, which is retired."""
    children: int
    examples: int

    @property
    def is_whole(self) -> bool:
        """Whether every note is decided."""
        return self.undecided == 0


@dataclass(frozen=True)
class SplitPage:
    path: str
    mode_path: str
    name: str
    hue: int
    parts: tuple[PartForm, ...]
    places: tuple[tuple[str, str], ...]
    notes: tuple[SplitNote, ...]
    problem: str
    preview: SplitPreview | None
    more: int | None
    """With how many parts the page can be had instead."""
    fewer: int | None


def split_page(
    session: Session,
    member: Member,
    mode: FailureMode,
    parts: int = FEWEST,
    typed: Typed | None = None,
) -> SplitPage:
    """Build the form for a mode, with what was typed so far."""
    typed = typed or Typed()
    count = min(max(parts, FEWEST, len(typed.names)), MOST)
    mode_id = stored_id(mode)
    forms = tuple(
        PartForm(number, _at(typed.names, number), _at(typed.definitions, number))
        for number in range(count)
    )
    notes = _notes(session, member, mode_id, typed)
    path = f"/projects/{member.project.slug}/modes/{mode_id}"
    return SplitPage(
        path=f"{path}/split",
        mode_path=path,
        name=mode.name,
        hue=mode.colour,
        parts=forms,
        places=(
            *((str(form.number), form.name or f"part {form.number + 1}") for form in forms),
            (DEFERRED, "defer: leave it ungrouped"),
        ),
        notes=notes,
        problem=typed.problem,
        preview=_preview(session, mode_id, forms, notes) if typed.is_preview else None,
        more=count + 1 if count < MOST else None,
        fewer=count - 1 if count > FEWEST else None,
    )


def _at(texts: Sequence[str], place: int) -> str:
    return texts[place] if place < len(texts) else ""


def _notes(session: Session, member: Member, mode_id: int, typed: Typed) -> tuple[SplitNote, ...]:
    under = note_queries.under_mode(member.project_id, member, mode_id)
    visible = note_views(session, member, under)
    return tuple(
        SplitNote(
            visible.get(note_id) or NoteView(note_id, note.text, "", ""),
            typed.places.get(note_id, ""),
        )
        for note in session.exec(note_queries.under(mode_id))
        for note_id in [stored_id(note)]
    )


def _preview(
    session: Session, mode_id: int, forms: Sequence[PartForm], notes: Sequence[SplitNote]
) -> SplitPreview:
    shares = [
        SplitShare(name, tuple(one.note.text for one in notes if one.place == place))
        for place, name in (
            *((str(form.number), form.name or f"part {form.number + 1}") for form in forms),
            (DEFERRED, "left ungrouped"),
        )
    ]
    placed = sum(len(share.notes) for share in shares)
    return SplitPreview(
        shares=tuple(shares),
        before=len(notes),
        after=placed,
        undecided=len(notes) - placed,
        labels=len(session.exec(label_queries.of_mode(mode_id)).all()),
        children=len(session.exec(queries.children(mode_id)).all()),
        examples=len(session.exec(queries.examples(mode_id)).all()),
    )
