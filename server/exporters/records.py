"""What an export is made of: plain rows, free of the database."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

PRESENT, ABSENT = "present", "absent"


class Part(StrEnum):
    """What was said of traces: each is read where an export holds it."""

    LABELS = "labels"
    NOTES = "notes"
    VERDICTS = "verdicts"
    JUDGE_VERDICTS = "judge_verdicts"
    SIGNALS = "signals"


EVERYTHING = frozenset(Part)


@dataclass(frozen=True)
class ModeRecord:
    """A failure mode as the exports name it."""

    id: int
    guid: str
    name: str
    version: int


@dataclass(frozen=True)
class AnnotatorRecord:
    """A person who judges in the project."""

    id: int
    name: str


class LabelRecord(NamedTuple):
    """One value of a mode on a trace; gold where `is_gold`."""

    mode: int
    value: str
    mode_version: int
    annotator_id: int | None
    annotator: str
    source: str
    at: datetime
    is_gold: bool = False
    reason: str = ""


class NoteRecord(NamedTuple):
    """A note with its anchor: 0-based step, characters [start, end) of its text."""

    id: int
    annotator: str
    text: str
    step: int | None
    start: int | None
    end: int | None
    quote: str
    is_first_failure: bool
    is_independent: bool
    mode: int | None
    at: datetime


class VerdictRecord(NamedTuple):
    """A verdict with its 0-based first failing step; machines' verdicts stand apart."""

    annotator_id: int | None
    annotator: str
    value: str
    first_failure_step: int | None
    at: datetime | None
    critique: str = ""
    reason: str = ""
    """Why it was deferred."""
    minimal_repro: str = ""
    """Least input that still fails."""
    first_failure_turn: int | None = None
    """Which turn of the user the first failing step belongs to, from 1."""


@dataclass(frozen=True)
class TraceRecord:
    """A trace with everything people said about it."""

    fields: Mapping[str, Any]
    """Its own columns by the names of the tables, in order; dimensions under `params`, and where
    the project has signals, those under `signals`."""
    labels: tuple[LabelRecord, ...] = ()
    notes: tuple[NoteRecord, ...] = ()
    verdicts: tuple[VerdictRecord, ...] = ()
    judge_verdicts: tuple[VerdictRecord, ...] = ()
    split: str | None = None
    row_id: int = 0
    """Its id in the database."""

    @property
    def trace_id(self) -> str:
        """The id the trace had in the data it came from."""
        name: str = self.fields["trace_id"]
        return name

    def labels_of(self, mode: int) -> tuple[LabelRecord, ...]:
        """The labels of one mode; tables ask for each mode of each trace."""
        return self.labels_by_mode.get(mode, ())

    @cached_property
    def labels_by_mode(self) -> Mapping[int, tuple[LabelRecord, ...]]:
        """The labels of each mode that has any."""
        found: defaultdict[int, list[LabelRecord]] = defaultdict(list)
        for label in self.labels:
            found[label.mode].append(label)
        return {mode: tuple(labels) for mode, labels in found.items()}


@dataclass(frozen=True)
class SignalRecord:
    """A signal that has a column of its own."""

    name: str
    meaning: str
    is_label: bool


@dataclass(frozen=True)
class Codebook:
    """Whose and which labels the exports have columns for."""

    modes: tuple[ModeRecord, ...]
    annotators: tuple[AnnotatorRecord, ...]
    dimensions: tuple[str, ...] = ()
    signals: tuple[SignalRecord, ...] = ()

    def mode(self, mode_id: int) -> ModeRecord | None:
        """The mode of that id, unless it was merged."""
        return self._by_id.get(mode_id)

    @cached_property
    def _by_id(self) -> Mapping[int, ModeRecord]:
        return {mode.id: mode for mode in self.modes}


class Combined(NamedTuple):
    """The one value of a mode on a trace, and how it came about."""

    value: str | None
    source: str
    n_present: int
    n_absent: int
    mode_version: int | None


NOBODY = Combined(None, "", 0, 0, None)
"""What nobody labelled."""


def combine(labels: tuple[LabelRecord, ...], mode: int) -> Combined:
    """Combine the labels of a mode on one trace: gold, else the majority; a tie is no value.

    The version is the oldest definition that the deciding labels were made under.
    """
    own = [label for label in labels if label.mode == mode]
    if not own:
        return NOBODY
    human = [label for label in own if not label.is_gold]
    n_present = sum(label.value == PRESENT for label in human)
    n_absent = len(human) - n_present
    gold = next((label for label in own if label.is_gold), None)
    if gold is not None:
        return Combined(gold.value, "gold", n_present, n_absent, gold.mode_version)
    if not human:
        return Combined(None, "", 0, 0, None)
    oldest = min(label.mode_version for label in human)
    if n_present == n_absent:
        return Combined(None, "tie", n_present, n_absent, oldest)
    value = PRESENT if n_present > n_absent else ABSENT
    return Combined(value, "majority", n_present, n_absent, oldest)


@dataclass(frozen=True)
class Manifest:
    """What an export says of itself."""

    project: str
    created_at: datetime
    filters: Mapping[str, Any]
    traces: int
    event_log_head: int | None
    split_seed: int | None
    seen_by: str | None = None
    """The blind annotator it was made for, who may not see everything."""
    batches: tuple[Mapping[str, Any], ...] = field(default=())
