"""One failure mode: definition, notes beside the nearest ones outside, examples, versions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session

from analysis.matching import suggest_modes
from server.models.base import stored_id
from server.models.mode import FailureMode, ModeExample, ModeVersion
from server.models.project import Annotator, Member
from server.queries import modes as queries
from server.queries import notes as note_queries
from server.views.codebook_warnings import CodebookWarning
from server.views.diffs import Run, changes
from server.views.draft_groups import NoteView
from server.views.label_counts import LabelCounts, label_counts
from server.views.latest_groups import latest_groups
from server.views.modes import warnings
from server.views.prevalence import PrevalenceRow, prevalence_table

NEAREST_SHOWN = 6
FIELDS = (
    ("definition", "Definition", "One sentence: a trace has this when …"),
    ("apply_when", "Apply when", "What must be seen in the trace"),
    ("not_when", "Don't apply when", "What looks alike and is something else"),
    ("pass_rule", "Pass", "A trace passes when …"),
    ("fail_rule", "Fail", "A trace fails when …"),
)
"""What a codebook entry says: name, label and hint of each text."""


@dataclass(frozen=True)
class RuleText:
    """One text of the definition, as it stands and as somebody is editing it."""

    name: str
    label: str
    hint: str
    text: str
    typed: str
    theirs: tuple[Run, ...]
    """What the other version says instead, where two people edited at once."""


@dataclass(frozen=True)
class ExampleView:
    id: int
    text: str
    quote: str
    trace: str
    path: str


@dataclass(frozen=True)
class ModeNote:
    """A note under the mode, and whether the codebook shows it."""

    note: NoteView
    is_example: bool


@dataclass(frozen=True)
class NearNote:
    """A note outside the mode that reads like those inside."""

    note: NoteView
    similarity: str
    under: str
    is_counter_example: bool


@dataclass(frozen=True)
class VersionView:
    number: int
    created_at: datetime
    author: str
    reason: str
    changes: tuple[tuple[str, tuple[Run, ...]], ...]


@dataclass(frozen=True)
class ModePage:
    id: int
    path: str
    name: str
    typed_name: str
    name_error: str
    hue: int
    status: str
    merged_into: tuple[str, str] | None
    """Name and path of the mode that this one became part of."""
    version: int
    can_edit: bool
    is_in_use: bool
    is_conflict: bool
    reason: str
    texts: tuple[RuleText, ...]
    notes: tuple[ModeNote, ...]
    hidden: int
    """Notes and examples on traces that a blind reader hasn't decided on yet."""
    nearest: tuple[NearNote, ...]
    examples: tuple[ExampleView, ...]
    counter_examples: tuple[ExampleView, ...]
    versions: tuple[VersionView, ...]
    merged: tuple[tuple[str, str], ...]
    labels: LabelCounts
    prevalence: PrevalenceRow | None
    warnings: tuple[CodebookWarning, ...]


@dataclass(frozen=True)
class Edit:
    """What somebody typed and the server refused, to be shown again."""

    name: str | None = None
    name_error: str = ""
    texts: Mapping[str, str] | None = None
    reason: str = ""
    is_conflict: bool = False


def mode_page(
    session: Session, member: Member, mode: FailureMode, data: Path, edit: Edit | None = None
) -> ModePage:
    """Build the page of a mode as far as the member may see behind it."""
    edit = edit or Edit()
    mode_id = stored_id(mode)
    base = f"/projects/{member.project.slug}"
    notes = _visible_notes(session, member, base)
    groupings = session.exec(note_queries.groupings_of_project(member.project_id)).all()
    placed = {grouping.note_id: grouping.mode_id for grouping in groupings}
    inside = [note for note, where in placed.items() if where == mode_id]
    stored = session.exec(queries.examples(mode_id)).all()
    shown = [example for example in stored if example.note_id in notes]
    versions = session.exec(queries.versions(mode_id)).all()
    every = {stored_id(m): m for m in session.exec(queries.of_project(member.project_id))}
    in_use = session.exec(queries.in_use(member.project_id)).all()
    target = every.get(mode.merged_into or 0)
    rows = {row.mode_id: row for row in prevalence_table(session, member).rows}
    return ModePage(
        id=mode_id,
        path=f"{base}/modes/{mode_id}",
        name=mode.name,
        typed_name=mode.name if edit.name is None else edit.name,
        name_error=edit.name_error,
        hue=mode.colour,
        status="merged" if target else mode.status.value,
        merged_into=(target.name, f"{base}/modes/{target.id}") if target else None,
        version=mode.version,
        can_edit=member.role.can_lead and not member.project.read_only,
        is_in_use=mode in in_use,
        is_conflict=edit.is_conflict,
        reason=edit.reason,
        texts=_texts(versions[0], edit),
        notes=_inside(notes, inside, shown),
        hidden=sum(note not in notes for note in inside) + len(stored) - len(shown),
        nearest=_nearest(session, member, data, notes, placed, mode_id, every, shown),
        examples=_examples(notes, shown, positive=True),
        counter_examples=_examples(notes, shown, positive=False),
        versions=_versions(session, versions),
        merged=tuple(
            (old.name, f"{base}/modes/{old.id}")
            for old in session.exec(queries.merged_into(mode_id))
        ),
        labels=label_counts(session, member).get(mode_id, LabelCounts()),
        prevalence=rows.get(mode_id),
        warnings=tuple(
            warning for warning in warnings(session, member, in_use) if warning.mode == mode_id
        ),
    )


def _visible_notes(session: Session, member: Member, base: str) -> dict[int, NoteView]:
    return {
        stored_id(note): NoteView(
            stored_id(note), note.text, trace, f"{base}/read/{note.trace_id}#note-{note.id}"
        )
        for note, trace in session.exec(note_queries.by_people(member.project_id, member))
    }


def _texts(version: ModeVersion, edit: Edit) -> tuple[RuleText, ...]:
    def text_of(name: str) -> str:
        return str(getattr(version, name))

    typed: Mapping[str, Any] = edit.texts or {}
    return tuple(
        RuleText(
            name=name,
            label=label,
            hint=hint,
            text=text_of(name),
            typed=typed.get(name, text_of(name)),
            theirs=changes(typed.get(name, ""), text_of(name)) if edit.is_conflict else (),
        )
        for name, label, hint in FIELDS
    )


def _inside(
    notes: Mapping[int, NoteView], inside: Iterable[int], shown: Iterable[ModeExample]
) -> tuple[ModeNote, ...]:
    examples = {example.note_id for example in shown if example.positive}
    return tuple(ModeNote(notes[note], note in examples) for note in inside if note in notes)


def _nearest(
    session: Session,
    member: Member,
    data: Path,
    notes: Mapping[int, NoteView],
    placed: Mapping[int, int],
    mode_id: int,
    every: Mapping[int, FailureMode],
    shown: Iterable[ModeExample],
) -> tuple[NearNote, ...]:
    latest = latest_groups(session, member, data)
    if latest is None:
        return ()
    artefact = latest.artefact
    rows = {note: row for row, note in enumerate(artefact.note_ids) if note in notes}
    mine = {mode_id: artefact.vectors[[row for n, row in rows.items() if placed.get(n) == mode_id]]}
    counter = {example.note_id for example in shown if not example.positive}
    found = [
        (suggestion.score, note)
        for note, row in rows.items()
        if placed.get(note) != mode_id
        for suggestion in suggest_modes(artefact.vectors[row], mine, most=1)
    ]
    return tuple(
        NearNote(
            note=notes[note],
            similarity=f"{score:.2f}".replace("0.", ".", 1),
            under=every[placed[note]].name if note in placed else "",
            is_counter_example=note in counter,
        )
        for score, note in sorted(found, key=lambda pair: -pair[0])[:NEAREST_SHOWN]
    )


def _examples(
    notes: Mapping[int, NoteView], shown: Iterable[ModeExample], *, positive: bool
) -> tuple[ExampleView, ...]:
    return tuple(
        ExampleView(stored_id(example), note.text, example.quote, note.trace, note.path)
        for example in shown
        if example.positive is positive
        for note in [notes[example.note_id or 0]]
    )


def _versions(session: Session, versions: Sequence[ModeVersion]) -> tuple[VersionView, ...]:
    earlier = [*versions[1:], None]
    return tuple(
        VersionView(
            number=version.number,
            created_at=version.created_at,
            author=_author(session, version),
            reason=version.reason,
            changes=tuple(
                (label, changes(getattr(before, name, ""), getattr(version, name)))
                for name, label, _ in FIELDS
                if getattr(before, name, "") != getattr(version, name)
            ),
        )
        for version, before in zip(versions, earlier, strict=True)
    )


def _author(session: Session, version: ModeVersion) -> str:
    author = session.get(Annotator, version.created_by) if version.created_by else None
    return author.name if author else "the system"
