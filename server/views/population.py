"""The facts of a project, of all traces or only of those that a filter finds."""

from collections.abc import Hashable, Sequence
from functools import cached_property

import pandas as pd
from sqlmodel import Session

from analysis.frames import TRACE_ID
from server import search
from server.models.project import Member
from server.queries import populations
from server.queries.filter_conditions import Names
from server.queries.filters import Filters
from server.views.facts import Facts, ReadTrace


class Population(Facts):
    """What is known of the traces that match; with no filter, of all of them."""

    def __init__(self, session: Session, member: Member, filters: Filters) -> None:
        super().__init__(session, member)
        self.filters = filters

    @property
    def scope(self) -> Hashable:
        """What tells those facts apart that are of one project in one state."""
        if not self.filters:
            return super().scope, ()
        return super().scope, tuple(self.filters.to_query()), self.member.id, self._imported

    @cached_property
    def names(self) -> Names:
        """What filters may name."""
        return search.names(self.session, self.member)

    @cached_property
    def matching(self) -> frozenset[int]:
        """The traces that the filters find.

        Raises:
            Invalid: They name what the project does not have.
        """
        asked = search.matching(self.session, self.member, self.filters, known=self.names)
        ids = self.session.scalars(populations.trace_ids(asked))
        return frozenset(trace_id for trace_id in ids if trace_id is not None)

    def _among(self, frame: pd.DataFrame) -> pd.DataFrame:
        if not self.filters:
            return frame
        return frame[frame[TRACE_ID].isin(self.matching)].reset_index(drop=True)

    @cached_property
    def labels(self) -> pd.DataFrame:
        """See `frames.label_frame`."""
        return self._among(super().labels)

    @cached_property
    def labels_in_batches(self) -> pd.DataFrame:
        """See `Facts.labels_in_batches`."""
        return self._among(super().labels_in_batches)

    @cached_property
    def decided_traces(self) -> frozenset[int]:
        """The traces that are in `labels`."""
        found = super().decided_traces
        return found & self.matching if self.filters else found

    @cached_property
    def drafts(self) -> pd.DataFrame:
        """See `frames.draft_frame`."""
        return self._among(super().drafts)

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """See `frames.verdict_frame`."""
        return self._among(super().verdicts)

    @cached_property
    def sampling(self) -> pd.DataFrame:
        """See `frames.sampling_frame`."""
        return self._among(super().sampling)

    @cached_property
    def read_traces(self) -> Sequence[ReadTrace]:
        """Every matching trace that somebody has finished reading, in the order they came in."""
        found = super().read_traces
        return [t for t in found if t.id in self.matching] if self.filters else found
