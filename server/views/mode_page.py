"""One failure mode: definition, notes beside the nearest ones outside, examples, versions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session, col

from server.models.base import stored_id
from server.models.mode import FailureMode, ModeExample, ModeVersion
from server.models.note import Note
from server.models.project import Member
from server.queries import modes as queries
from server.queries import notes as note_queries
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
from server.views.notes import NoteView, note_views
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
NOTES_SHOWN = 50


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
    """A page of those under it."""
    inside: "NotePage"
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
class NotePage:
    """A page of the notes under a mode; `after` are on earlier ones, of `count` in all."""

    notes: tuple[NoteView, ...]
    after: int
    count: int

    @property
    def end(self) -> int:
        """How many are on this page and earlier ones."""
        return self.after + len(self.notes)

    @property
    def shown(self) -> str:
        """Which they are, in words."""
        return f"{self.after + 1:,}–{self.end:,} of {self.count:,}"

    @property
    def here(self) -> str:
        """What names this page in addresses."""
        return _query(self.after)

    @property
    def previous(self) -> str:
        """The same of the page before; empty on the first one."""
        return (_query(self.after - NOTES_SHOWN) or "?") if self.after else ""

    @property
    def next(self) -> str:
        """The same of the page behind; empty on the last one."""
        return _query(self.end) if self.end < self.count else ""


def _query(after: int) -> str:
    return f"?after={after}" if after else ""


@dataclass(frozen=True)
class _Behind:
    """What a mode rests on, as far as the member may see it."""

    notes: Mapping[int, NoteView]
    placed: Mapping[int, int]
    inside: NotePage
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
    session: Session,
    member: Member,
    mode: FailureMode,
    data: Path,
    edit: Edit | None = None,
    *,
    after: int = 0,
) -> ModePage:
    """Build the page of a mode as far as the member may see behind it, `after` so many notes."""
    edit = edit or Edit()
    mode_id = stored_id(mode)
    facts = Facts(session, member)
    latest = latest_groups(session, member, data)
    behind = _read(facts, mode_id, after, with_all=latest is not None)
    row = next((row for row in prevalence_table(facts).rows if row.mode_id == mode_id), None)
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
        inside=behind.inside,
        hides=member.is_blind,
        nearest=_nearest(latest, mode_id, behind),
        examples=_examples(behind, member, positive=True),
        counter_examples=_examples(behind, member, positive=False),
        versions=_versions(behind.versions, annotator_names(session, member)),
        merged=_merged(session, member, mode_id),
        labels=label_counts(facts).get(mode_id, LabelCounts()),
        prevalence=row,
        warnings=_warnings(facts, mode_id),
        standing=standing(facts, mode, row.estimate if row else None),
        ages=label_ages(session, member).get(mode_id, LabelAges()),
        flips=flip_chart(session, member, mode),
        together=_together(facts, mode_id),
        history=mode_history(session, member, mode_id),
    )


def _merged(session: Session, member: Member, mode_id: int) -> tuple[tuple[str, str], ...]:
    merged = session.exec(queries.merged_into(mode_id))
    return tuple((old.name, _path(member, stored_id(old))) for old in merged)


def _warnings(facts: Facts, mode_id: int) -> tuple[CodebookWarning, ...]:
    if not facts.member.role.can_lead:
        return ()
    return tuple(warning for warning in warnings(facts) if warning.mode == mode_id)


def _together(facts: Facts, mode_id: int) -> tuple[Pair, ...]:
    told = (pair for pair in pairs_of(facts, only=mode_id) if pair.both or pair.is_sure)
    return tuple(told)[:PAIRS_SHOWN]


def _path(member: Member, mode_id: int) -> str:
    return f"/projects/{member.project.slug}/modes/{mode_id}"


def _read(facts: Facts, mode_id: int, after: int, *, with_all: bool) -> _Behind:
    """Read a page of notes and the examples, and `with_all` what they are compared with."""
    session, member = facts.session, facts.member
    examples = session.exec(visible.examples(member, mode_id)).all()
    inside = _note_page(facts, mode_id, after)
    shown = note_queries.shown(member.project_id, member)
    of_examples = shown.where(col(Note.id).in_([e.note_id for e in examples if e.note_id]))
    others = note_views(session, member, shown if with_all else of_examples)
    bare = {e.trace_id for e in examples if e.note_id is None and e.trace_id is not None}
    return _Behind(
        notes={**others, **{note.id: note for note in inside.notes}},
        placed={one.note_id: one.mode_id for one in facts.groupings} if with_all else {},
        inside=inside,
        examples=examples,
        traces=_names(session, member, bare),
        versions=session.exec(queries.versions(mode_id)).all(),
        every={stored_id(m): m for m in session.exec(queries.of_project(member.project_id))},
    )


def _note_page(facts: Facts, mode_id: int, after: int) -> NotePage:
    counts = facts.session.execute(note_queries.counts_under_modes(facts.project_id, facts.member))
    count = next((notes for counted, notes, _ in counts if counted == mode_id), 0)
    first = min(after, max(0, count - 1)) // NOTES_SHOWN * NOTES_SHOWN
    under = note_queries.under_mode(facts.project_id, facts.member, mode_id)
    some = under.offset(first).limit(NOTES_SHOWN)
    return NotePage(tuple(note_views(facts.session, facts.member, some).values()), first, count)


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
        ModeNote(note, (note.id, True) in shown, (note.id, False) in shown)
        for note in behind.inside.notes
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
