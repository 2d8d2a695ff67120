"""What people can agree on in a project: verdicts, first failing steps, notes, each mode."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

import pandas as pd

from analysis.agreement_units import PERIOD, VERSION, OpenCodes, open_codes
from analysis.frames import ANNOTATOR, MODE, TRACE_ID, VALUE, LabelValue
from server import frames
from server.frames import AT, FIRST_FAILURE_STEP, ROUND_ID
from server.models.base import stored_id
from server.models.batch import Round
from server.models.mode import FailureMode
from server.models.verdict import VerdictValue
from server.queries import ratings as queries
from server.queries import rounds
from server.views.population import Population

VERDICT, STEP, NOTES = "verdict", "first_failing_step", "notes"
JUDGED = (VerdictValue.PASS.value, VerdictValue.FAIL.value)
LABELS = tuple(value.value for value in LabelValue)
_NAMES = {VERDICT: "Verdict", STEP: "First failing step", NOTES: "Mode of the first note"}


class Versions(StrEnum):
    """Which labels count: all, or those made under today's definition."""

    ALL = "all"
    CURRENT = "current"


class Over(StrEnum):
    """What stretches of time agreement is compared over."""

    ROUND = "round"
    WEEK = "week"


@dataclass(frozen=True)
class Question:
    """One thing that several people answer about a trace, with their answers."""

    key: str
    """`verdict`, `first_failing_step`, `notes`, or the id of a mode."""
    name: str
    mode: FailureMode | None
    ratings: pd.DataFrame
    """Columns trace_id, annotator, value, at; one row a trace and annotator."""
    categories: tuple[str, ...] | None
    left_out: int = 0
    """Answers that say nothing: deferred verdicts, notes that stand under no mode."""

    @property
    def is_step(self) -> bool:
        """Whether answers are numbers with distances."""
        return self.key == STEP


class Rated(Population):
    """What each person said, as far as the member may see it, of the traces that match."""

    @cached_property
    def people(self) -> dict[str, str]:
        """Names of the people by their ids as text, as `analysis.ratings` has them."""
        rows = self.session.execute(queries.names(self.project_id))
        return {str(annotator_id): name for annotator_id, name in rows}

    @cached_property
    def each_label(self) -> pd.DataFrame:
        """See `frames.each_label_frame`."""
        return self._among(self._frame("each label", frames.each_label_frame))

    @cached_property
    def each_verdict(self) -> pd.DataFrame:
        """See `frames.each_verdict_frame`."""
        return self._among(self._frame("each verdict", frames.each_verdict_frame))

    @cached_property
    def latest_verdicts(self) -> pd.DataFrame:
        """Everybody's verdict of the latest round in which they judged a trace."""
        return self.each_verdict.drop_duplicates([TRACE_ID, ANNOTATOR], keep="last")

    @cached_property
    def codes(self) -> pd.DataFrame:
        """See `frames.code_frame`."""
        return self._among(self._frame("codes", frames.code_frame))

    @cached_property
    def rounds(self) -> Sequence[Round]:
        """Every round, the first one first."""
        return self.session.exec(rounds.of_project(self.project_id)).all()[::-1]

    def questions(self, versions: Versions = Versions.ALL) -> tuple[Question, ...]:
        """Return every question with its answers; modes only where the member may see them."""
        whole = (self.verdict(self.latest_verdicts), self.step(self.latest_verdicts))
        if not self.member.sees_modes:
            return whole
        by_mode = dict(tuple(self.each_label.groupby(MODE)))
        none = self.each_label.iloc[:0]
        labels = (
            _of_mode(mode, by_mode.get(stored_id(mode), none), versions) for mode in self.modes
        )
        return (*whole, self.notes(), *labels)

    def verdict(self, given: pd.DataFrame) -> Question:
        """Return pass or fail; who defers says neither."""
        judged = given[given[VALUE].isin(JUDGED)]
        left_out = len(given) - len(judged)
        return Question(VERDICT, _NAMES[VERDICT], None, judged, JUDGED, left_out)

    def step(self, given: pd.DataFrame) -> Question:
        """Return the first failing step of those who failed a trace and chose one."""
        failed = given[given[VALUE] == VerdictValue.FAIL.value]
        chosen = failed[failed[FIRST_FAILURE_STEP].notna()]
        steps = chosen.assign(**{VALUE: chosen[FIRST_FAILURE_STEP].astype(int)})
        return Question(STEP, _NAMES[STEP], None, steps, None, len(failed) - len(chosen))

    def notes(self) -> Question:
        """Return the mode that each annotator's note on the first failure stands under."""
        found: OpenCodes = open_codes(self.codes)
        times = self.codes.drop_duplicates([TRACE_ID, ANNOTATOR])[[TRACE_ID, ANNOTATOR, AT]]
        given = found.frame.merge(times, on=[TRACE_ID, ANNOTATOR], how="left")
        return Question(NOTES, _NAMES[NOTES], None, given, None, found.ungrouped)

    def in_periods(self, question: Question, over: Over) -> pd.DataFrame:
        """Return the answers with the stretch of time that each was given in: `period`."""
        times = question.ratings[AT]
        periods: Sequence[int] | Sequence[str]
        if over is Over.WEEK:
            periods = [_week(at) for at in times]
        elif ROUND_ID in question.ratings:
            numbers = {stored_id(one): one.number for one in self.rounds}
            periods = [numbers[round_id] for round_id in question.ratings[ROUND_ID]]
        else:
            opened = [one.opened_at or one.created_at for one in self.rounds]
            # What was written before the first round was opened belongs to it.
            places = [max(bisect_right(opened, at) - 1, 0) for at in times]
            periods = [self.rounds[place].number for place in places]
        frame = question.ratings.copy()
        frame[PERIOD] = periods
        return frame


def _of_mode(mode: FailureMode, labels: pd.DataFrame, versions: Versions) -> Question:
    if versions is Versions.CURRENT:
        labels = labels[labels[VERSION] == mode.version]
    return Question(str(stored_id(mode)), mode.name, mode, labels, LABELS)


def _week(at: datetime) -> str:
    return at.strftime("%G-W%V")
