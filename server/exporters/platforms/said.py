"""What people say of a trace, with the ids that its platform knows it by."""

import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from server.exporters.choices import Choices
from server.exporters.evaluators.cases import annotator_id
from server.exporters.evaluators.criteria import Criterion, read_criteria
from server.exporters.platforms.span_ids import Span, root_of, span_of, spans
from server.exporters.platforms.steps import StepStart, starts
from server.exporters.reading import Source
from server.exporters.records import PRESENT, LabelRecord, NoteRecord, Part, TraceRecord, combine
from server.queries import evaluators as queries

_AT_ONCE = 500
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://faultbook/exports/platforms")
COMBINED = "gold or majority"
SAID = frozenset({Part.LABELS, Part.NOTES})


@dataclass(frozen=True)
class SaidLabel:
    """One failure mode on one trace: by one person, or combined."""

    mode: str
    mode_id: str
    mode_version: int
    is_present: bool
    by: str
    source: str
    reason: str

    @property
    def about(self) -> dict[str, object]:
        """What the platforms keep beside the value."""
        return {
            "made_with": "Faultbook",
            "1_means": "the failure is present",
            "mode_id": self.mode_id,
            "mode_version": self.mode_version,
            "by": self.by,
            "source": self.source,
        }


@dataclass(frozen=True)
class SaidNote:
    """One note, with the span that its step came from; empty where that is not known."""

    id: str
    text: str
    by: str
    mode: str
    step: int | None
    span: str
    is_first_failure: bool

    @property
    def about(self) -> dict[str, object]:
        """What the platforms keep beside the text."""
        return {
            "made_with": "Faultbook",
            "by": self.by,
            **({"mode": self.mode} if self.mode else {}),
            **({} if self.step is None else {"step_from_0": self.step}),
            "is_first_failure": self.is_first_failure,
        }


@dataclass(frozen=True)
class Said:
    """What people say of one trace."""

    trace_id: str
    root: str
    """The root span as the platform names it; the trace's id where none is kept."""
    started_at: datetime | None
    labels: tuple[SaidLabel, ...]
    notes: tuple[SaidNote, ...]

    def key(self, *parts: str) -> str:
        """Return an id that is the same whenever this is exported again."""
        return str(uuid.uuid5(_NAMESPACE, "\n".join((self.trace_id, *parts))))


def narrow(source: Source, choices: Choices) -> Source:
    """Return the traces that people labelled for the chosen modes, or wrote notes on.

    Raises:
        Invalid: A chosen mode or person does not exist.
    """
    modes = [criterion.mode.id for criterion in read_criteria(source, choices)]
    is_labelled = queries.is_labelled(source.member, modes, annotator_id(source, choices))
    return source.narrowed(is_labelled | queries.is_noted(source.member))


def read_said(
    source: Source, choices: Choices, *, most: int | None = None, parts: Collection[Part] = SAID
) -> Iterator[Said]:
    """Read what people say, trace by trace, a few hundred at a time; of it, these parts."""
    criteria, person = read_criteria(source, choices), annotator_id(source, choices)
    by_name = {one.id: one.name for one in source.codebook.annotators}
    whose = by_name[person] if person is not None else ""
    names = {one.mode.id: one.mode.name for one in criteria}
    traces = source.traces(most=most, parts=parts)
    while some := list(islice(traces, _AT_ONCE)):
        anchored = {t.trace_id for t in some if any(n.step is not None for n in t.notes)}
        began = starts(source, anchored) if anchored else {}
        for trace in some:
            found = spans(trace.fields.get("metadata"))
            notes = _notes(trace.notes, whose, names, found, began.get(trace.trace_id, {}))
            labels = (_label(trace, criterion, person, whose) for criterion in criteria)
            yield Said(
                trace_id=trace.trace_id,
                root=root_of(found, trace.trace_id),
                started_at=trace.fields.get("started_at"),
                labels=tuple(label for label in labels if label is not None),
                notes=tuple(notes),
            )


def _label(
    trace: TraceRecord, criterion: Criterion, person: int | None, whose: str
) -> SaidLabel | None:
    mode = criterion.mode
    own = trace.labels_of(mode.id)
    if not own:
        return None
    if person is not None:
        mine = (one for one in own if one.annotator_id == person and not one.is_gold)
        label: LabelRecord | None = next(mine, None)
        if label is None:
            return None
        value, source, version, reason = label.value, label.source, label.mode_version, ""
    else:
        combined = combine(own, mode.id)
        if combined.value is None or combined.mode_version is None:
            return None
        value, source, version = combined.value, combined.source, combined.mode_version
        reason = next((label.reason for label in own if label.is_gold), "")
    return SaidLabel(
        mode=mode.name,
        mode_id=mode.guid,
        mode_version=version,
        is_present=value == PRESENT,
        by=whose or COMBINED,
        source=source,
        reason=reason,
    )


def _notes(
    notes: Iterable[NoteRecord],
    whose: str,
    modes: dict[int, str],
    found: list[Span],
    began: dict[int, StepStart],
) -> Iterator[SaidNote]:
    for note in notes:
        if whose and note.annotator != whose:
            continue
        step = note.step
        yield SaidNote(
            id="\n".join((note.annotator, str(step), str(note.start), note.text)),
            text=note.text,
            by=note.annotator,
            mode=modes.get(note.mode, "") if note.mode is not None else "",
            step=step,
            span="" if step is None else span_of(step, began.get(step), found),
            is_first_failure=note.is_first_failure,
        )
