"""One failure mode: definition, notes beside the nearest ones outside, examples, versions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session

from server.models.base import stored_id
from server.models.mode import FailureMode, ModeExample, ModeVersion
from server.models.project import Member
from server.queries import modes as queries
from server.queries import traces, visible
from server.views.annotators import annotator_names
from server.views.codebook_warnings import CodebookWarning
from server.views.diffs import Run, changes
from server.views.facts import Facts
from server.views.label_counts import LabelCounts, label_counts
from server.views.label_flips import FlipChart, LabelAges, flip_chart, label_ages
from server.views.latest_groups import LatestGroups, latest_groups
from server.views.mode_history import HistoryLine, mode_history
from server.views.mode_standing import Standing, standing
from server.views.modes import warnings
from server.views.nearest_notes import NearNote, Surroundings, nearest_outside
from server.views.notes import NoteView, visible_notes
from server.views.prevalence import PrevalenceRow, prevalence_table
from server.views.together import Pair, pairs_of

FIELDS = (
    ("definition", "Definition", "One sentence: a trace has this when …"),
    ("apply_when", "Apply when", "What must be seen in the trace"),
    ("not_when", "Don't apply when", "What looks alike and is something else"),
    ("pass_rule", "Pass", "A trace passes when …"),
    ("fail_rule", "Fail", "A trace fails when …"),
)
"""What a codebook entry says: name, label and hint of each text."""

PAIRS_SHOWN = 5


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
    """A note, or words of a trace, that the codebook shows; `path` leads to the step."""

    id: int
    text: str
    quote: str
    trace: str
    path: str
    step: int | None
    """Shown from 1; None: the whole run."""


@dataclass(frozen=True)
class ModeNote:
    """A note under the mode, and whether the codebook shows it."""

    note: NoteView
    is_example: bool
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
    hides: bool
    """Whether notes on traces that the reader has not judged yet are left out, however many."""
    nearest: tuple[NearNote, ...]
    examples: tuple[ExampleView, ...]
    counter_examples: tuple[ExampleView, ...]
    versions: tuple[VersionView, ...]
    merged: tuple[tuple[str, str], ...]
    labels: LabelCounts
    prevalence: PrevalenceRow | None
    warnings: tuple[CodebookWarning, ...]
    standing: Standing
    ages: LabelAges
    flips: FlipChart | None
    together: tuple[Pair, ...]
    history: tuple[HistoryLine, ...]
    assistant: str = ""
    """The language model that may be asked for a judge's prompt; empty: none may."""


@dataclass(frozen=True)
class Edit:
    """What somebody typed and the server refused, to be shown again."""

    name: str | None = None
    name_error: str = ""
    texts: Mapping[str, str] | None = None
    reason: str = ""
    is_conflict: bool = False


@dataclass(frozen=True)
class _Behind:
    """What a mode rests on, as far as the member may see it."""

    notes: Mapping[int, NoteView]
    placed: Mapping[int, int]
    inside: tuple[int, ...]
    examples: Sequence[ModeExample]
    traces: Mapping[int, str]
    """The traces of examples without a note, by their external ids."""
    versions: Sequence[ModeVersion]
    every: Mapping[int, FailureMode]

    @property
    def shown(self) -> list[ModeExample]:
        """Examples whose note the member may see, and those that came without a note."""
        return [
            example
            for example in self.examples
            if example.note_id in self.notes or example.note_id is None
        ]


def mode_page(
    session: Session, member: Member, mode: FailureMode, data: Path, edit: Edit | None = None
) -> ModePage:
    """Build the page of a mode as far as the member may see behind it."""
    edit = edit or Edit()
    mode_id = stored_id(mode)
    facts = Facts(session, member)
    behind = _read(facts, mode_id)
    rows = {row.mode_id: row for row in prevalence_table(facts).rows}
    row = rows.get(mode_id)
    path = _path(member, mode_id)
    target = behind.every.get(mode.merged_into or 0)
    return ModePage(
        id=mode_id,
        path=path,
        name=mode.name,
        typed_name=mode.name if edit.name is None else edit.name,
        name_error=edit.name_error,
        hue=mode.colour,
        status="merged" if target else mode.status.value,
        merged_into=(target.name, _path(member, stored_id(target))) if target else None,
        version=mode.version,
        can_edit=member.may_lead,
        is_in_use=mode in facts.modes,
        is_conflict=edit.is_conflict,
        reason=edit.reason,
        texts=_texts(behind.versions[0], edit),
        notes=_inside(behind),
        hides=member.is_blind,
        nearest=_nearest(latest_groups(session, member, data), mode_id, behind),
        examples=_examples(behind, member, positive=True),
        counter_examples=_examples(behind, member, positive=False),
        versions=_versions(behind.versions, annotator_names(session, member)),
        merged=tuple(
            (old.name, _path(member, stored_id(old)))
            for old in session.exec(queries.merged_into(mode_id))
        ),
        labels=label_counts(facts).get(mode_id, LabelCounts()),
        prevalence=row,
        warnings=tuple(w for w in warnings(facts) if w.mode == mode_id)
        if member.role.can_lead
        else (),
        standing=standing(facts, mode, row.estimate if row else None),
        ages=label_ages(session, member).get(mode_id, LabelAges()),
        flips=flip_chart(session, member, mode),
        together=tuple(pair for pair in pairs_of(facts, only=mode_id) if pair.both or pair.is_sure)[
            :PAIRS_SHOWN
        ],
        history=mode_history(session, member, mode_id),
    )


def _path(member: Member, mode_id: int) -> str:
    return f"/projects/{member.project.slug}/modes/{mode_id}"


def _read(facts: Facts, mode_id: int) -> _Behind:
    session, member = facts.session, facts.member
    examples = session.exec(visible.examples(member, mode_id)).all()
    bare = {e.trace_id for e in examples if e.note_id is None and e.trace_id is not None}
    return _Behind(
        notes=visible_notes(session, member),
        placed={grouping.note_id: grouping.mode_id for grouping in facts.groupings},
        inside=tuple(g.note_id for g in facts.groupings if g.mode_id == mode_id),
        examples=examples,
        traces=_names(session, member, bare),
        versions=session.exec(queries.versions(mode_id)).all(),
        every={stored_id(m): m for m in session.exec(queries.of_project(member.project_id))},
    )


def _names(session: Session, member: Member, trace_ids: Collection[int]) -> dict[int, str]:
    if not trace_ids:
        return {}
    found = session.exec(traces.names(member.project_id, trace_ids))
    return {trace_id: name for trace_id, name in found if trace_id is not None}


def _nearest(latest: LatestGroups | None, mode_id: int, behind: _Behind) -> tuple[NearNote, ...]:
    names = {key: mode.name for key, mode in behind.every.items()}
    return nearest_outside(
        latest,
        mode_id,
        Surroundings(behind.notes, behind.placed, names),
        counter_examples={e.note_id for e in behind.shown if not e.positive and e.note_id},
    )


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


def _inside(behind: _Behind) -> tuple[ModeNote, ...]:
    shown = {(example.note_id, example.positive) for example in behind.shown}
    return tuple(
        ModeNote(behind.notes[note], (note, True) in shown, (note, False) in shown)
        for note in behind.inside
        if note in behind.notes
    )


def _examples(behind: _Behind, member: Member, *, positive: bool) -> tuple[ExampleView, ...]:
    return tuple(
        _example(example, behind, member)
        for example in behind.shown
        if example.positive is positive
    )


def _example(example: ModeExample, behind: _Behind, member: Member) -> ExampleView:
    """Show an example with the way to the step that it is about."""
    note = behind.notes.get(example.note_id or 0)
    trace = note.trace if note else behind.traces.get(example.trace_id or 0, "")
    path = note.path if note else ""
    if trace and example.trace_id is not None and (example.step is not None or not note):
        at = "" if example.step is None else f"#step-{example.step + 1}"
        path = f"/projects/{member.project.slug}/read/{example.trace_id}{at}"
    return ExampleView(
        id=stored_id(example),
        text=note.text if note else "",
        quote=example.quote,
        trace=trace,
        path=path,
        step=None if example.step is None else example.step + 1,
    )


def _versions(versions: Sequence[ModeVersion], names: Mapping[int, str]) -> tuple[VersionView, ...]:
    earlier = [*versions[1:], None]
    return tuple(
        VersionView(
            number=version.number,
            created_at=version.created_at,
            author=names[version.created_by] if version.created_by else "the system",
            reason=version.reason,
            changes=tuple(
                (label, changes(getattr(before, name, ""), getattr(version, name)))
                for name, label, _ in FIELDS
                if getattr(before, name, "") != getattr(version, name)
            ),
        )
        for version, before in zip(versions, earlier, strict=True)
    )
