"""What is known of judges beside people, as far as a member may see it: read once for a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
from sqlmodel import Session

from analysis.frames import MODE, TRACE_ID, VALUE, LabelValue
from server import search
from server.errors import Invalid, NotFound
from server.frames import BATCH_ID
from server.models.base import stored_id
from server.models.batch import Split, SplitPart
from server.models.judge import Judge
from server.models.project import Member
from server.models.verdict import VerdictValue
from server.queries import judges as queries
from server.queries import splits as split_queries
from server.queries.filters import Filters
from server.views.judge_answer import EVERY, HUMAN, JUDGE, PART
from server.views.population import Population
from server.views.prevalence import drawn_at_random

NAME, JUDGE_ID = "name", "judge_id"
DECIDED = (VerdictValue.PASS.value, VerdictValue.FAIL.value)
_AS_VERDICT = {LabelValue.PRESENT.value: DECIDED[1], LabelValue.ABSENT.value: DECIDED[0]}
WHOLE_TRACE = "the whole trace"


@dataclass(frozen=True)
class JudgeMode:
    """The failure mode that a judge is for."""

    id: int
    name: str
    hue: int


class JudgeFacts:
    """People's values and judges' verdicts of the traces that filters find."""

    def __init__(self, session: Session, member: Member, filters: Filters) -> None:
        self.session = session
        self.member = member
        self.population = Population(session, member, filters)

    @cached_property
    def judges(self) -> Sequence[Judge]:
        """Every judge of the project."""
        return self.session.exec(queries.of_project(self.member.project_id)).all()

    @cached_property
    def modes(self) -> dict[int | None, JudgeMode]:
        """All modes by id, retired ones included."""
        rows = self.session.execute(queries.mode_names(self.member.project_id))
        return {mode_id: JudgeMode(mode_id or 0, name, hue) for mode_id, name, hue in rows}

    @cached_property
    def split(self) -> Split | None:
        """How the project is split, if it is."""
        return self.session.exec(split_queries.of_project(self.member.project_id)).first()

    @cached_property
    def contaminated(self) -> frozenset[int]:
        """Judges changed after the test part was opened."""
        if self.split is None or self.split.test_opened_at is None:
            return frozenset()
        found = split_queries.contaminated(self.member.project_id, self.split.test_opened_at)
        return frozenset(stored_id(judge) for judge in self.session.exec(found))

    @cached_property
    def _openings(self) -> list[str]:
        found = self.session.exec(split_queries.openings(self.member.project_id))
        return [str(event.payload.get("why", "")) for event in found]

    def is_opened_for(self, judge: Judge) -> bool:
        """Whether the test part was opened to measure this judge."""
        return any(why.startswith(queries.opening_of(judge)) for why in self._openings)

    def find(self, judge_id: int) -> Judge:
        """Return a judge.

        Raises:
            NotFound: The project has no such judge.
        """
        for judge in self.judges:
            if judge.id == judge_id:
                return judge
        raise NotFound(f"This project has no judge {judge_id}.")

    def versions(self, judge: Judge) -> list[Judge]:
        """Return all versions of a judge, the oldest first."""
        same = [
            one for one in self.judges if (one.name, one.mode_id) == (judge.name, judge.mode_id)
        ]
        return sorted(same, key=stored_id)

    @cached_property
    def _said(self) -> pd.DataFrame:
        rows = self.session.execute(
            queries.on_labelled(self.member.project_id, self.member, None)
        ).all()
        columns = [JUDGE_ID, TRACE_ID, JUDGE, NAME, PART]
        told = [(*row[:2], row[2].value, row[3], row[4].value if row[4] else "") for row in rows]
        frame = pd.DataFrame(told, columns=columns)
        if self.population.filters:
            frame = frame[frame[TRACE_ID].isin(self.population.matching)]
        return frame

    @cached_property
    def _combined(self) -> pd.DataFrame:
        combined = self.population.combined_labels[[TRACE_ID, MODE, VALUE]]
        return combined.assign(**{HUMAN: combined[VALUE].map(_AS_VERDICT).fillna("")})

    @cached_property
    def _of_whole_traces(self) -> pd.DataFrame:
        """The majority of people's latest verdicts; empty where they are tied or put it off."""
        frame = self.population.verdicts
        told = frame[frame[VALUE].isin(DECIDED)]
        votes = (told[VALUE] == DECIDED[0]).map({True: 1, False: -1}).groupby(told[TRACE_ID]).sum()
        of_trace = votes.reindex(frame[TRACE_ID].unique(), fill_value=0)
        human = of_trace.map(lambda lead: "" if not lead else DECIDED[0 if lead > 0 else 1])
        return pd.DataFrame({TRACE_ID: of_trace.index, HUMAN: human.to_numpy()})

    def people(self, judge: Judge) -> pd.DataFrame:
        """Return what people say of what the judge is for: trace_id, human (empty: undecided)."""
        if judge.mode_id is None:
            return self._of_whole_traces
        frame = self._combined
        return frame.loc[frame[MODE] == judge.mode_id, [TRACE_ID, HUMAN]]

    def known_to_people(self, judge: Judge) -> pd.DataFrame:
        """Return the judge's verdicts on traces with a value of people, decided or not.

        Columns trace_id, judge, name, split, human.
        """
        said = self._said[self._said[JUDGE_ID] == judge.id].drop(columns=JUDGE_ID)
        # Frames without rows know no type of their ids, and would not be merged.
        ids = {TRACE_ID: "int64"}
        return said.astype(ids).merge(self.people(judge).astype(ids), on=TRACE_ID)

    def compared(self, judge: Judge) -> pd.DataFrame:
        """Return the traces that people and the judge passed or failed, sealed ones left out."""
        both = self.known_to_people(judge)
        both = both[(both[HUMAN] != "") & both[JUDGE].isin(DECIDED)]
        if self.is_opened_for(judge):
            return both
        return both[both[PART] != SplitPart.TEST.value]

    def unlabelled(self, judge: Judge) -> tuple[int, int]:
        """Return how many traces without a value of people the judge passed, and judged at all."""
        where = self._conditions()
        statement = queries.counts_among(stored_id(judge), self.member, where)
        counts = {value.value: n for value, n in self.session.execute(statement)}
        known = self.known_to_people(judge)[JUDGE].value_counts()
        left = {value: counts.get(value, 0) - int(known.get(value, 0)) for value in DECIDED}
        return left[DECIDED[0]], left[DECIDED[0]] + left[DECIDED[1]]

    def unlabelled_rows(self, judge: Judge) -> pd.DataFrame:
        """Return these traces themselves: trace_id, judge, name, split, and an empty human."""
        found = queries.among(stored_id(judge), self.member, self._conditions())
        rows = self.session.execute(found).all()
        told = [(row[0], row[1].value, row[2], row[3].value if row[3] else "") for row in rows]
        frame = pd.DataFrame(told, columns=[TRACE_ID, JUDGE, NAME, PART])
        known = set(self.known_to_people(judge)[TRACE_ID])
        rest = frame[~frame[TRACE_ID].isin(known) & frame[JUDGE].isin(DECIDED)]
        return rest.assign(**{HUMAN: ""})

    def both_versions(self, earlier: Judge, later: Judge) -> dict[tuple[str, str], int]:
        """Return on how many traces two versions said what: (earlier, later) to count."""
        pair = (stored_id(earlier), stored_id(later))
        rows = self.session.execute(queries.both(*pair, self.member, self._conditions()))
        return {(one.value, other.value): n for one, other, n in rows}

    def _conditions(self) -> list[queries.Bool]:
        population = self.population
        return search.matching(
            self.session, self.member, population.filters, known=population.names
        )

    def drawn_at_random(self, judge: Judge, trace_ids: Sequence[int]) -> bool | None:
        """Return whether all of these traces came by draws that gave each the same chance.

        None where they did, but the judge has judged traces that came in after such a draw.
        """
        drawn = drawn_at_random(self.population.sampling)
        ours = drawn[drawn[TRACE_ID].isin(trace_ids)]
        if len(ours) < len(set(trace_ids)):
            return False
        batch_ids = [int(batch_id) for batch_id in ours[BATCH_ID].unique()]
        came_later = queries.came_after(stored_id(judge), batch_ids)
        return None if self.session.execute(came_later).scalar() else True

    def part(self, judge: Judge, wanted: str) -> str:
        """Return on which part of the split the judge is measured: dev, unless said otherwise.

        Raises:
            Invalid: The project is not split, the test part is sealed for this judge, or there is
                no such part.
        """
        if wanted not in ("", EVERY, *SplitPart):
            raise Invalid(f"There is no part «{wanted}», only train, dev, test and all.")
        if self.split is None:
            if wanted not in ("", EVERY):
                raise Invalid("This project is not split into train, dev and test yet.")
            return EVERY
        if wanted == SplitPart.TEST and not self.is_opened_for(judge):
            raise Invalid(
                "The test part is sealed for this judge. Measure it there on the judge's page, "
                "which counts as a use."
            )
        return wanted or SplitPart.DEV.value
