"""The Read screen: one trace, the reader's verdict and notes, and others' where they may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from server.models.base import stored_id
from server.models.display_profile import DisplayProfile
from server.queries import readings as queries
from server.views.comments import KeptComment, Thread, threads
from server.views.conversation import (
    NO_SEARCH,
    BlockView,
    Conversation,
    MapMark,
    conversation,
)
from server.views.corrections import OutcomeView, outcome_view
from server.views.hits import Hits, SearchBar, search_bar
from server.views.lease import LeaseView, lease_view
from server.views.links import Link, link
from server.views.near_duplicates import NearDuplicateLink, near_duplicate_link
from server.views.outline import WINDOW
from server.views.place_in_batch import PlaceInBatch, place_in_batch
from server.views.read_notes import (
    CAUSAL_WORDS,
    Kept,
    NoteView,
    Others,
    Threads,
    others_of,
    own_notes,
)
from server.views.reading import Reading, Sight
from server.views.session_bar import SessionBar, session_bar
from server.views.signals import SignalPanel, signal_panel
from server.views.similar_failures import offers_similar
from server.views.spans import has_spans
from server.views.step import Gutter
from server.views.trace_facts import TraceFacts, trace_facts
from server.views.trace_title import trace_title

_LIST_STEPS = 200


@dataclass(frozen=True)
class VerdictPanel:
    value: str
    version: int | None
    is_submitted: bool
    first_failure: int | None
    first_failure_label: str
    first_failure_turn: str
    """Which turn of the user that is; empty where there is one turn only."""
    options: tuple[tuple[int, str], ...]
    """Steps to choose from; empty for long traces, where a number is typed."""
    step_count: int
    reason: str
    """Why it was deferred."""
    minimal_repro: str


@dataclass(frozen=True)
class ReadPage:
    """The page, or parts of it: each part is read when it is shown, and once.

    Saving a note shows the notes again and little else, which must not cost a whole page.
    """

    found: Reading
    kept: Kept | None
    """Text of the box for a new note that could not be saved."""
    kept_edit: Kept | None
    """The same of a note that was edited."""
    first: int | None
    hits: Hits
    changed_steps: Sequence[int | None]
    changed_notes: Sequence[int | None]
    changed_thread_ids: Sequence[int | None]
    kept_comment: KeptComment | None
    causal_words: str = "|".join(CAUSAL_WORDS)

    @property
    def trace_id(self) -> int:
        return stored_id(self.found.trace)

    @property
    def url(self) -> str:
        return self.found.url

    @property
    def title(self) -> str:
        return trace_title(self.found.trace)

    @property
    def can_annotate(self) -> bool:
        return self.found.can_annotate

    @property
    def draft_key(self) -> str:
        """End of the keys under which the browser keeps unsent text of this page."""
        return f"{self.trace_id}-{self.found.member.id}"

    @cached_property
    def facts(self) -> TraceFacts:
        profile = DisplayProfile.read(self.found.member.project.display_profile)
        return trace_facts(self.found.trace, profile, sees_judged=self.found.sight is Sight.SHOWN)

    @cached_property
    def link(self) -> Link | None:
        """To the trace in the tool it came from."""
        return link(self.found.trace.source_url)

    @cached_property
    def near_duplicates(self) -> NearDuplicateLink | None:
        return near_duplicate_link(self.found.session, self.found.member, self.trace_id)

    @cached_property
    def similar_path(self) -> str:
        """Where similar earlier failures are; empty where they are not shown."""
        offered = offers_similar(self.found.session, self.found.member)
        return f"{self.url}/similar" if offered else ""

    @cached_property
    def has_spans(self) -> bool:
        """Whether it is known how long its parts took, or which lies inside which."""
        return has_spans(self.found)

    @cached_property
    def place(self) -> PlaceInBatch:
        return place_in_batch(self.found)

    @cached_property
    def session(self) -> SessionBar | None:
        """The session that the trace is a turn of."""
        return session_bar(self.found)

    @cached_property
    def lease(self) -> LeaseView:
        return lease_view(self.found.session, self.found.member, self.found.trace)

    @cached_property
    def saved_at(self) -> datetime | None:
        return _saved_at(self.found)

    @cached_property
    def verdict(self) -> VerdictPanel:
        return _panel(self.found)

    @cached_property
    def conversation(self) -> Conversation:
        return conversation(
            self.found.outline,
            self.url,
            self.found.annotated,
            self.found.first_failure,
            can_choose=self.can_annotate,
            first=self._from,
            hits=self.hits,
        )

    @cached_property
    def marks(self) -> tuple[MapMark, ...]:
        """The map of the conversation, for which its texts need not be read."""
        if "conversation" in self.__dict__:
            return self.conversation.marks
        found = self.found
        return found.outline.map_marks(
            self.url, found.annotated, found.first_failure, self._from, self.hits
        )

    @property
    def search(self) -> SearchBar | None:
        return search_bar(self.hits)

    @cached_property
    def notes(self) -> tuple[NoteView, ...]:
        return own_notes(self.found, self._threads, self.kept_edit)

    @cached_property
    def others(self) -> Others:
        return others_of(self.found, self._threads)

    @cached_property
    def outcome(self) -> OutcomeView | None:
        """None until the reader may see it."""
        return _outcome(self.found)

    @property
    def modes_of_signals_path(self) -> str:
        """Where failure modes are that go with its signals; empty until one may see modes."""
        return f"{self.url}/modes" if _sees_modes(self.found) else ""

    @cached_property
    def signals(self) -> SignalPanel:
        return _signals(self.found)

    @cached_property
    def changed_gutters(self) -> tuple[Gutter, ...]:
        found = self.found
        return found.outline.gutters(self.changed_steps, found.annotated, found.first_failure)

    @cached_property
    def changed_blocks(self) -> tuple[BlockView, ...]:
        outline = self.found.outline
        steps = [step for step in self.changed_notes if step is not None]
        blocks = [block for step in steps for block in outline.around(step)]
        return outline.blocks(blocks, self.found.annotated, self.found.first_failure)

    @property
    def changed_threads(self) -> tuple[Thread, ...]:
        said = self._threads
        return tuple(said[note_id] for note_id in self.changed_thread_ids if note_id in said)

    @cached_property
    def _threads(self) -> Threads:
        return threads(self.found, changed=self.changed_thread_ids, kept=self.kept_comment)

    @property
    def _from(self) -> int:
        return _window(self.hits) if self.first is None else max(self.first, 0)


def read_page(
    found: Reading,
    *,
    first: int | None = None,
    hits: Hits = NO_SEARCH,
    changed_steps: Sequence[int | None] = (),
    changed_notes: Sequence[int | None] = (),
    kept: Kept | None = None,
    changed_threads: Sequence[int | None] = (),
    kept_comment: KeptComment | None = None,
) -> ReadPage:
    """Build the page; `changed_…` name steps and threads that a part of it renews."""
    is_new = kept is None or kept.note_id is None
    return ReadPage(
        found=found,
        kept=kept if is_new else None,
        kept_edit=None if is_new else kept,
        first=first,
        hits=hits,
        changed_steps=changed_steps,
        changed_notes=changed_notes,
        changed_thread_ids=changed_threads,
        kept_comment=kept_comment,
    )


def _signals(found: Reading) -> SignalPanel:
    def call_count() -> int:
        calls = found.session.execute(queries.tool_calls([stored_id(found.trace)])).first()
        return calls[1] if calls else 0

    return signal_panel(
        found.session,
        found.trace,
        call_count,
        sees_outcomes=found.sight is Sight.SHOWN,
    )


def _sees_modes(found: Reading) -> bool:
    return found.sight is Sight.SHOWN and found.member.sees_modes


def _outcome(found: Reading) -> OutcomeView | None:
    if found.sight is not Sight.SHOWN:
        return None
    return outcome_view(found.session, found.member, found.trace)


def _saved_at(found: Reading) -> datetime | None:
    verdict = found.verdict
    if verdict is None:
        return max((note.created_at for note in found.own), default=None)
    return verdict.submitted_at or verdict.created_at


def _window(hits: Hits) -> int:
    """Return where the window begins that shows the hit somebody looks at."""
    return hits.here.step // WINDOW * WINDOW if hits.here else 0


def _panel(found: Reading) -> VerdictPanel:
    verdict, count = found.verdict, found.outline.step_count
    failure = found.first_failure
    return VerdictPanel(
        value=verdict.value.value if verdict else "",
        version=verdict.version if verdict else None,
        is_submitted=verdict is not None and verdict.submitted_at is not None,
        first_failure=failure,
        first_failure_label="" if failure is None else found.outline.label(failure),
        first_failure_turn="" if failure is None else found.outline.turn(failure),
        options=found.outline.options() if count <= _LIST_STEPS else (),
        step_count=count,
        reason=verdict.reason if verdict else "",
        minimal_repro=verdict.minimal_repro if verdict else "",
    )
