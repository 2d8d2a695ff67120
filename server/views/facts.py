"""What several parts of one page ask of a project, as far as a member may see it: read once."""

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property, partial
from typing import NamedTuple, TypeVar

import pandas as pd
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from analysis.frames import TRACE_ID
from analysis.prevalence import combine_labels
from server import frames
from server.models.mode import FailureMode
from server.models.project import Member
from server.models.trace import TraceSource
from server.queries import (
    batches,
    labels,
    modes,
    notes,
    readings,
    sampling_frames,
    sessions,
    signals,
    traces,
)
from server.queries import frames as frame_queries
from server.queries.batches import BatchProgress
from server.views import kept

Value = TypeVar("Value")


class ReadTrace(NamedTuple):
    """A trace that somebody has finished reading, and where it comes from."""

    id: int
    model: str
    pipeline_version: str
    source: TraceSource
    is_random_sample: bool


class PlacedNote(NamedTuple):
    """A note, the mode that it stands under, and the suggestion that put it there, if one did."""

    note_id: int
    mode_id: int
    suggestion_id: int | None


class GroupedNotes(NamedTuple):
    """How many notes stand under a mode, and how many of them a suggestion put there."""

    mode_id: int
    notes: int
    suggested: int


class StaleLabels(NamedTuple):
    """How many labels of one person rest on an older definition of one mode."""

    mode_id: int
    annotator_id: int
    labels: int


class SignalNames(NamedTuple):
    """Names of the signals that a project's traces have; one may have numbers and labels."""

    numeric: frozenset[str]
    labelled: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        return self.numeric | self.labelled


class Facts:
    """One page's reads; make a new one for each page, for nothing is read twice."""

    def __init__(self, session: Session, member: Member) -> None:
        self.session = session
        self.member = member
        self.project_id = member.project_id

    @cached_property
    def state(self) -> kept.State:
        """What moves when anything of the project does."""
        return kept.state(self.session, self.project_id)

    @cached_property
    def _imported(self) -> kept.State:
        return tuple(self.session.execute(readings.population_state(self.project_id)).one())

    def kept(self, what: Hashable, read: Callable[[], Value]) -> Value:
        """Return what `read` gives, from an earlier page where nothing moved since."""
        return kept.value(self.session, self.state, (self.project_id, what), read)

    def kept_of_traces(self, what: Hashable, read: Callable[[], Value]) -> Value:
        """Return what `read` gives, as `kept` does; an import may change traces that are there."""
        now = (self.state, self._imported)
        return kept.value(self.session, now, (self.project_id, what), read)

    @property
    def _sight(self) -> int | None:
        """Whose eyes a frame is seen with: a blind member sees as nobody else."""
        return self.member.id if self.member.is_blind else None

    @property
    def scope(self) -> Hashable:
        """What tells those facts apart that are of one project in one state."""
        return self._sight, self.member.sees_modes

    def counted(self, what: str, read: Callable[[], Value]) -> Value:
        """Return what `read` counts in these facts, from an earlier page where nothing moved."""
        return self.kept((what, self.scope), read)

    def counted_of_traces(self, what: Hashable, read: Callable[[], Value]) -> Value:
        """Return what `read` counts, as `counted` does, of traces that an import may change."""
        return self.kept_of_traces((what, self.scope), read)

    def _frame(self, what: str, read: Callable[..., pd.DataFrame]) -> pd.DataFrame:
        return kept.frame(
            self.session,
            self.state,
            (self.project_id, what, self._sight),
            lambda: read(self.session, self.project_id, member=self.member),
        )

    def _one(self, what: Hashable, made: Callable[[], SelectOfScalar[int]]) -> int:
        # Making a statement takes longer than finding a kept number: only where it is asked.
        return self.kept(what, lambda: self.session.exec(made()).one())

    @cached_property
    def modes(self) -> Sequence[FailureMode]:
        """Modes in use; none for somebody who may not learn them yet."""
        if not self.member.sees_modes:
            return ()
        return self.session.exec(modes.in_use(self.project_id)).all()

    @cached_property
    def groupings(self) -> Sequence[PlacedNote]:
        """Where every note stands."""
        rows = self.session.execute(notes.places(self.project_id))
        return [PlacedNote(*row) for row in rows]

    @cached_property
    def batches(self) -> Sequence[BatchProgress]:
        """Every batch with how much of it the member has left, the oldest first."""
        rows = self.session.execute(batches.progress(self.project_id, self.member.id))
        return [BatchProgress(*row) for row in rows]

    @cached_property
    def unread(self) -> int | None:
        """How many places in batches the member has left to read; None without any batch."""

        def read() -> int | None:
            return sum(batch.unread for batch in self.batches) if self.batches else None

        return self.kept(("unread", self.member.id), read)

    @cached_property
    def trace_count(self) -> int:
        """How many traces there are."""
        return self._one("traces", lambda: traces.count(self.project_id))

    def having(self, signal: str) -> int:
        """How many traces have a number for a signal; all of them, without one."""
        if not signal:
            return self.trace_count
        return self._one(("with", signal), lambda: signals.with_number(self.project_id, signal))

    @cached_property
    def has_sessions(self) -> bool:
        """Whether there are traces of a session."""

        def read() -> bool:
            found = self.session.execute(sessions.any_session(self.project_id))
            return found.first() is not None

        return self.kept_of_traces("sessions", read)

    @cached_property
    def signal_names(self) -> SignalNames:
        """The signals that the traces have."""
        return SignalNames(
            frozenset(self.session.scalars(signals.numeric_names(self.project_id))),
            frozenset(self.session.scalars(signals.label_names(self.project_id))),
        )

    @cached_property
    def mode_count(self) -> int:
        """How many modes are in use."""
        if "modes" in self.__dict__ or not self.member.sees_modes:
            return len(self.modes)
        return self._one("modes", lambda: modes.in_use_count(self.project_id))

    @cached_property
    def traces_to_label(self) -> int:
        """How many traces of the member's queue have something left to label."""
        who = self.member.id
        return self._one(("to label", who), lambda: labels.traces_to_label(self.project_id, who))

    @cached_property
    def models(self) -> Sequence[str]:
        """The different models of the traces."""
        found = self.session.exec(traces.models(self.project_id))
        return [model for model in found if model]

    @cached_property
    def read_traces(self) -> Sequence[ReadTrace]:
        """Every trace that somebody has finished reading, in the order they came in."""
        rows = self.session.execute(sampling_frames.of_read_traces(self.project_id))
        return [ReadTrace(*row) for row in rows]

    @cached_property
    def read_models(self) -> tuple[int, frozenset[str]]:
        """How many traces somebody has finished reading, and the models that they name."""

        def read() -> tuple[int, frozenset[str]]:
            found = self.read_traces
            return len(found), frozenset(trace.model for trace in found if trace.model)

        return self.counted_of_traces("read models", read)

    @cached_property
    def grouped(self) -> Sequence[GroupedNotes]:
        """How many notes stand under each mode that has any."""
        rows = self.session.execute(notes.grouped_by_mode(self.project_id))
        return [GroupedNotes(*row) for row in rows]

    @cached_property
    def ungrouped_notes(self) -> int:
        """How many notes stand under no mode."""
        return self._one("ungrouped", lambda: notes.ungrouped_count(self.project_id))

    @cached_property
    def ungrouped_failures(self) -> int:
        """How many notes on failures stand under no mode; of a blind member's own."""
        only = self.member.id if self.member.is_blind else None
        return self._one(
            ("ungrouped failures", only), lambda: notes.ungrouped_failures(self.project_id, only)
        )

    @cached_property
    def stale_labels(self) -> Sequence[StaleLabels]:
        """Everybody's labels that rest on an older definition than today's, counted."""
        rows = self.session.execute(labels.stale_by_mode(self.project_id))
        return [StaleLabels(*row) for row in rows]

    @cached_property
    def labels(self) -> pd.DataFrame:
        """See `frames.label_frame`."""
        return self._frame("labels", frames.label_frame)

    @cached_property
    def labels_in_batches(self) -> pd.DataFrame:
        """See `frames.label_frame`: of the traces that are in a batch, which alone feed rates."""
        drawn = frame_queries.drawn_traces(self.project_id)
        return self._frame("labels in batches", partial(frames.label_frame, trace_ids=drawn))

    @cached_property
    def decided_traces(self) -> frozenset[int]:
        """The traces that are in `labels`."""
        if "labels" in self.__dict__:
            return frozenset(self.labels[TRACE_ID].unique().tolist())
        found = frame_queries.decided_traces(self.project_id, self.member)
        what = ("decided traces", self._sight)
        return self.kept(what, lambda: frozenset(self.session.execute(found).scalars()))

    @cached_property
    def combined_labels(self) -> pd.DataFrame:
        """One value a trace and mode."""
        return kept.frame(
            self.session,
            self.state,
            (self.project_id, "combined labels", self._sight),
            lambda: combine_labels(self.labels),
        )

    @cached_property
    def drafts(self) -> pd.DataFrame:
        """See `frames.draft_frame`."""
        return self._frame("drafts", frames.draft_frame)

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """See `frames.verdict_frame`."""
        return self._frame("verdicts", frames.verdict_frame)

    @cached_property
    def sampling(self) -> pd.DataFrame:
        """See `frames.sampling_frame`."""
        return kept.frame(
            self.session,
            self.state,
            (self.project_id, "sampling"),
            lambda: frames.sampling_frame(self.session, self.project_id),
        )
