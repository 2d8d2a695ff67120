"""Where traces come from: what an import says of them, and what that means for rates."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
from sqlmodel import Session

from analysis.frames import TRACE_ID
from server.models.base import stored_id
from server.models.project import Member
from server.models.trace import Import, TraceSource
from server.queries import sampling_frames as queries
from server.views.facts import Facts
from server.views.filter_bar import url
from server.views.imports import list_path, why_not
from server.views.prevalence import drawn_at_random
from server.views.tally import seen_verdicts

_VERSIONS_SHOWN = 5
SOURCE_WORDS = {
    TraceSource.UNKNOWN: "not known",
    TraceSource.PRODUCTION: "production: real use",
    TraceSource.SYNTHETIC: "synthetic: made to try the system",
    TraceSource.BENCHMARK: "benchmark",
}
SOURCES = tuple((source.value, words) for source, words in SOURCE_WORDS.items())


@dataclass(frozen=True)
class FrameView:
    """What an import says of its traces, and what they are runs of."""

    source: TraceSource
    source_words: str
    is_random_sample: bool
    pipeline_version: str
    """What a person said, for traces that do not say theirs."""
    versions: tuple[tuple[str, int, str], ...]
    """The commonest versions with their number of traces and the list of them."""
    more_versions: int
    template: str
    items: str
    """Such as 120 items × 2 models × 1 trial; empty where no trace has an item."""
    derived: int
    """How many of the items were made from prompts."""
    items_path: str
    sources: tuple[tuple[str, str], ...]
    can_change: bool
    path: str


def frame_view(session: Session, member: Member, row: Import) -> FrameView:
    """Describe what an import that is over says of its traces."""
    import_id = stored_id(row)
    runs = _Runs(*session.execute(queries.items_of_import(member.project_id, import_id)).one())
    found = session.execute(queries.versions_of_import(member.project_id, import_id)).all()
    versions = [(version, count) for version, count in found if version]
    of_import = ("import", str(import_id))
    traces = f"/projects/{member.project.slug}/traces"
    return FrameView(
        source=row.source,
        source_words=SOURCE_WORDS[row.source],
        is_random_sample=row.is_random_sample,
        pipeline_version=row.pipeline_version,
        versions=tuple(
            (version, count, url(traces, [of_import, ("pipeline_version", version)]))
            for version, count in versions[:_VERSIONS_SHOWN]
        ),
        more_versions=max(0, len(versions) - _VERSIONS_SHOWN),
        template=row.source_url_template,
        items=runs.in_words(),
        derived=runs.derived,
        items_path=url(traces, [of_import, ("sort", "item")]),
        sources=SOURCES,
        can_change=not why_not(member),
        path=f"{list_path(member)}/{import_id}/frame",
    )


class _Runs(NamedTuple):
    """How the traces of an import spread over items and models; `pairs` are those there are."""

    items: int
    models: int
    pairs: int
    fewest: int
    most: int
    derived: int

    def in_words(self) -> str:
        if not self.items:
            return ""
        trials = f"{self.fewest:,}" if self.fewest == self.most else f"{self.fewest}–{self.most:,}"
        words = [
            _plural(self.items, "item"),
            _plural(self.models, "model"),
            f"{trials} {'trial' if self.most == 1 else 'trials'}",
        ]
        missing = self.items * self.models - self.pairs
        gap = f"; {missing:,} of {self.items * self.models:,} pairs of item and model are missing"
        return " × ".join(words) + (gap if missing else "")


def _plural(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


@dataclass(frozen=True)
class FrameNotice:
    """What rates and saturation do not tell, as the traces read are no random sample."""

    text: str
    read: int
    """Randomly drawn traces that were read."""
    not_random: int
    """Those of them whose import is not said to be a random sample."""


def frame_notice(facts: Facts, drawn: Collection[int] | None = None) -> FrameNotice | None:
    """Say how many of the traces behind rates and saturation come from no random sample.

    Those are the traces `drawn`; where nothing is said, the randomly drawn ones.
    """
    among = None if drawn is None else frozenset(drawn)
    return facts.counted_of_traces(("frame notice", among), lambda: _notice(facts, among))


def _notice(facts: Facts, drawn: Collection[int] | None) -> FrameNotice | None:
    if drawn is None:
        drawn = [int(trace_id) for trace_id in drawn_at_random(facts.sampling)[TRACE_ID]]
    verdicts = seen_verdicts(facts)
    read = set(verdicts.loc[verdicts[TRACE_ID].isin(drawn), TRACE_ID])
    rows = [
        (trace.id, bool(trace.is_random_sample), trace.source.value) for trace in facts.read_traces
    ]
    frame = pd.DataFrame(rows, columns=[TRACE_ID, "is_random", "source"])
    frame = frame[frame[TRACE_ID].isin(read)]
    not_random = int((~frame["is_random"].astype(bool)).sum())
    if not not_random:
        return None
    return FrameNotice(_sentence(len(frame), not_random, frame), len(frame), not_random)


def _sentence(read: int, not_random: int, frame: pd.DataFrame) -> str:
    if read == 1:
        who = "The 1 trace read is of an import that is not marked as a random sample"
    elif not_random == read:
        who = f"All {read:,} traces read are of imports that are not marked as a random sample"
    else:
        verb = "is of an import that is" if not_random == 1 else "are of imports that are"
        who = f"{not_random:,} of {read:,} traces read {verb} not marked as a random sample"
    counts = frame["source"].value_counts()
    known = [f"{n:,} {name}" for name, n in counts.items() if name != TraceSource.UNKNOWN.value]
    told = f" ({', '.join(known)})" if known else ""
    return f"{who}{told}: what is found holds for these traces, not for all use of the system."
