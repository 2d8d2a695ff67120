"""A project with work in it, for the browser: the demo, read and coded in part by three people."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

from sqlmodel import Session, col, select

from server import schema
from server.db import Database
from server.jobs import Jobs
from server.models.base import stored_id
from server.models.batch import BatchTrace
from server.models.label import LabelValue
from server.models.note import Anchor, Note
from server.models.project import LEAD, Member
from server.models.trace import Outcome, Step, Trace
from server.models.verdict import VerdictValue
from server.queries import traces
from server.services import (
    batches,
    demo,
    groupings,
    labels,
    notes,
    projects,
    runs,
    suggestions,
    verdicts,
)
from server.services.modes import Wording
from server.settings import Settings
from server.tasks import HANDLERS

READ = 48
"""Traces of the first batch that are read; the rest wait."""
GROUPED_MODES = 4
"""Modes whose notes are grouped; the notes of the others wait as draft groups."""
LABELLED = 30


@dataclass(frozen=True)
class Topic:
    """Failures of a kind: how items of it are called, what people write, and the mode's wording."""

    items: tuple[str, ...]
    texts: tuple[str, ...]
    mode: str
    definition: str


TOPICS = (
    Topic(
        ("river", "cabbage", "goat", "bridge"),
        (
            "Plans several crossings although everybody fits into the boat at once",
            "Ferries the cargo one by one; the boat is big enough for all of it",
            "Starts the classic river crossing, the question asks for something else",
            "Builds a schedule of crossings that nobody needs",
        ),
        "Solves the famous version",
        "The answer is right for the well-known puzzle and wrong for the one that was asked.",
    ),
    Topic(
        ("monty", "rabbit_inverted"),
        (
            "Advises to switch, as in Monty Hall, although staying is better here",
            "Recites 2/3 against 1/3 without looking at what the host did",
            "Treats the tested box as if a goat had been revealed",
        ),
        "Borrows a known probability",
        "A probability is taken over from a famous problem whose conditions do not hold here.",
    ),
    Topic(
        ("riddle",),
        (
            "Gives the stock answer of the riddle, the wording was changed",
            "Answers the original riddle by heart",
            "Does not notice that the riddle was altered",
        ),
        "Recites the stock answer",
        "The answer of the well-known riddle, although a changed word rules it out.",
    ),
    Topic(
        ("conjunction", "paradox", "barber", "cat", "unstoppable", "heavy"),
        (
            "Explains a paradox that the wording has removed",
            "Argues about the paradox although the statement leaves nothing open",
            "Misses that the stated fact settles the question",
        ),
        "Sees a paradox that is gone",
        "A dilemma or paradox is discussed although a stated fact dissolves it.",
    ),
    Topic(
        ("jugs", "rope", "bucket", "hanoi", "poison"),
        (
            "Follows the long recipe where one step is enough",
            "Pours back and forth, the amount is there after filling once",
            "Claims it cannot be done although it is trivial",
        ),
        "Long recipe for a short task",
        "Many steps where the changed question needs one.",
    ),
    Topic(
        ("",),
        (
            "Overlooks the changed detail in the question",
            "Reads past the fact that decides it",
            "Computes without checking what was asked",
        ),
        "Overlooks a stated fact",
        "A fact stated in the question, on which the answer turns, is not used.",
    ),
)


def fill(settings: Settings) -> Settings:
    """Load the demo into a data directory and do a round's work in it."""
    database = Database.from_url(settings.database_url)
    schema.upgrade(database)
    demo.load(database, settings, lambda *_: None)
    with database.writing() as session:
        _read(session, _member(session))
    with database.writing() as session:
        _code(session, _member(session))
    _suggest(database, settings)
    database.dispose()
    return settings


def _member(session: Session, name: str = LEAD) -> Member:
    return projects.local_member(session, projects.find(session, demo.SLUG), name)


def topic_of(trace: Trace) -> Topic:
    """Return the kind of failure that an item invites."""
    return next(topic for topic in TOPICS if any(word in trace.item_id for word in topic.items))


def _read(session: Session, lead: Member) -> None:
    """The lead reads most of the batch; two annotators read a part of it and disagree at times."""
    batch = batches.current(session, lead)
    assert batch is not None
    readers = (lead, _member(session, "Annotator A"), _member(session, "Annotator B"))
    wordings = {topic: cycle(topic.texts) for topic in TOPICS}
    drawn = session.exec(
        select(Trace)
        .join(BatchTrace, col(BatchTrace.trace_id) == col(Trace.id))
        .where(BatchTrace.batch_id == stored_id(batch))
        .order_by(col(BatchTrace.position))
        .limit(READ)
    ).all()
    for number, trace in enumerate(drawn):
        for place, reader in enumerate(readers[: 1 if number % 3 else 3]):
            passes = (trace.outcome is Outcome.CORRECT) ^ (place > 0 and number % 9 == 0)
            _judge(session, reader, trace, wordings[topic_of(trace)], passes=passes)


def _judge(
    session: Session, reader: Member, trace: Trace, texts: Iterator[str], *, passes: bool
) -> None:
    trace_id = stored_id(trace)
    value = VerdictValue.PASS if passes else VerdictValue.FAIL
    verdicts.decide(session, reader, trace_id, value)
    if not passes:
        answer = session.exec(traces.steps(trace_id)).all()[-1]
        verdicts.choose_first_failure_step(session, reader, trace_id, answer.position)
        anchor = Anchor(answer.position, *_first_sentence(answer))
        notes.add_note(session, reader, trace_id, next(texts), anchor=anchor, is_first_failure=True)
    verdicts.submit(session, reader, trace_id, seconds=62)


def _first_sentence(step: Step) -> tuple[int, int]:
    start = len(step.text) - len(step.text.lstrip())
    ends = [step.text.find(mark, start) for mark in (". ", ".\n", "\n")]
    return start, min((end for end in ends if end > start), default=len(step.text))


def _code(session: Session, lead: Member) -> None:
    """The lead makes modes of the notes on the first topics and labels traces with them."""
    rows = session.exec(
        select(Note, Trace).join(Trace, col(Trace.id) == col(Note.trace_id)).order_by(col(Note.id))
    ).all()
    modes = {}
    for topic in TOPICS[:GROUPED_MODES]:
        ids = [stored_id(note) for note, trace in rows if topic_of(trace) is topic]
        wording = Wording(definition=topic.definition)
        mode = groupings.accept_as_mode(session, lead, ids, topic.mode, wording=wording)
        modes[stored_id(mode)] = topic
    for trace in {trace.id: trace for _, trace in rows[:LABELLED]}.values():
        _label(session, lead, trace, modes)


def _label(session: Session, lead: Member, trace: Trace, modes: dict[int, Topic]) -> None:
    values = {
        mode_id: LabelValue.PRESENT if topic_of(trace) is topic else LabelValue.ABSENT
        for mode_id, topic in modes.items()
    }
    labels.label(session, lead, stored_id(trace), values)


def _suggest(database: Database, settings: Settings) -> None:
    """Make draft groups of the notes that are left, as the button on Group does."""
    jobs = Jobs.immediate()
    jobs.performed_by(lambda run_id: runs.perform(database, settings, HANDLERS, run_id))
    with database.writing() as session:
        suggestions.request_groups(session, jobs, _member(session), settings)


def read_trace_id(settings: Settings) -> int:
    """Return a trace that the lead failed with a note, for pages about one trace."""
    database = Database.from_url(settings.database_url)
    with database.reading() as session:
        lead = _member(session)
        noted = select(Note.trace_id).where(Note.annotator_id == lead.id).order_by(col(Note.id))
        found = session.exec(noted).first()
    database.dispose()
    assert found is not None
    return found
