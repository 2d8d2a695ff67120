"""What people have done in a large project: codebook, notes, verdicts, labels, batches, events."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from server import bulk
from server.models.base import stored_id
from server.models.batch import Batch, BatchTrace, Round
from server.models.event import Event, EventRow
from server.models.grouping import Grouping
from server.models.judge import Judge, JudgeVerdict
from server.models.label import GoldLabel, Label, LabelSource, LabelValue
from server.models.mode import FailureMode, ModeVersion
from server.models.note import Note
from server.models.project import Annotator, AnnotatorKind, Project, Role
from server.models.run import AnalysisRun, RunKind, RunStatus
from server.models.verdict import Verdict, VerdictValue

MODES = (
    *("Answers another question", "Arithmetic slip", "Calls the wrong tool", "Drops a constraint"),
    *("Ends too early", "Invents a source", "Loops", "Misreads a number", "Misreads a table"),
    *("Repeats the question", "States what it did not do", "Wrong unit"),
)
_BATCH = 500
_BATCHES = 20
_GOLD_EACH = 10
"""One in so many of the traces that were read has gold labels."""
_NOTES = ("misread the number in line two", "stopped before it was done", "called the wrong tool")
_SHARES = (0.3, 0.2, 0.12, 0.1, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02, 0.01, 0.005)
_BEGUN = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Cast:
    """Who works in the project, with what."""

    project_id: int
    round_id: int
    people: tuple[int, ...]
    judge_id: int
    modes: tuple[int, ...]
    batches: tuple[int, ...]


def write_people(session: Session, project: Project) -> Cast:
    """Make the codebook, a judge, and empty batches; what start would compute counts as done."""
    project_id = stored_id(project)
    people = session.exec(select(Annotator).where(Annotator.project_id == project_id)).all()
    ids = tuple(sorted(stored_id(person) for person in people))
    round_id = stored_id(session.exec(select(Round).where(Round.project_id == project_id)).one())
    machine = Annotator(
        project_id=project_id, kind=AnnotatorKind.MACHINE, name="judge", role=Role.VIEWER
    )
    modes = [
        FailureMode(project_id=project_id, name=name, colour=number, created_at=_BEGUN)
        for number, name in enumerate(MODES, 1)
    ]
    batches = [
        Batch(round_id=round_id, name=f"batch {number}", strategy="random")
        for number in range(1, _BATCHES + 1)
    ]
    runs = [
        AnalysisRun(project_id=project_id, kind=kind, status=RunStatus.DONE)
        for kind in (RunKind.SIGNALS, RunKind.NEAR_DUPLICATES)
    ]
    session.add_all([machine, *modes, *batches, *runs])
    session.flush()
    judge = Judge(project_id=project_id, annotator_id=machine.id, name="judge")
    versions = [
        ModeVersion(mode_id=stored_id(mode), number=1, definition=f"{mode.name}, as agreed.")
        for mode in modes
    ]
    session.add_all([judge, *versions])
    session.flush()
    return Cast(
        project_id,
        round_id,
        ids,
        stored_id(judge),
        tuple(map(stored_id, modes)),
        tuple(map(stored_id, batches)),
    )


def write_work(session: Session, cast: Cast, trace_ids: Sequence[int], share: float) -> None:
    """Let people work on a share of these traces, spread evenly, and the judge on all of them."""
    every = max(1, round(1 / share))
    read = [trace_id for trace_id in trace_ids if trace_id % every == 0]
    verdicts = [
        {"trace_id": trace_id, "value": _judged(trace_id), "critique": ""} for trace_id in trace_ids
    ]
    bulk.insert(session, JudgeVerdict, verdicts, same={"judge_id": cast.judge_id})
    _verdicts(session, cast, read)
    _labels(session, cast, read)
    _notes(session, cast, read)
    _events(session, cast, read)


def write_batches(session: Session, cast: Cast, traces: int) -> None:
    """Fill the batches with traces from all over the project."""
    wanted = min(traces, _BATCH * len(cast.batches))
    drawn = random.Random(0).sample(range(1, traces + 1), wanted)
    each = -(-wanted // len(cast.batches))
    rows = [
        {"batch_id": cast.batches[place // each], "trace_id": trace_id, "position": place % each}
        for place, trace_id in enumerate(drawn)
    ]
    bulk.insert(session, BatchTrace, rows, same={"sampled_by": "random"})


def _judged(trace_id: int) -> VerdictValue:
    return VerdictValue.FAIL if trace_id % 3 == 0 else VerdictValue.PASS


def _verdicts(session: Session, cast: Cast, read: Sequence[int]) -> None:
    rows = []
    for trace_id in read:
        chance = random.Random(trace_id * 7)
        fails = chance.random() < 0.4
        for person in cast.people:
            value = VerdictValue.FAIL if fails != (chance.random() < 0.1) else VerdictValue.PASS
            step = 1 if value is VerdictValue.FAIL else None
            rows.append(
                {
                    "trace_id": trace_id,
                    "annotator_id": person,
                    "value": value,
                    "first_failure_step": step,
                    "submitted_at": _at(trace_id),
                }
            )
    bulk.insert(session, Verdict, rows, same={"round_id": cast.round_id})


def _at(trace_id: int) -> datetime:
    return _BEGUN + timedelta(seconds=20 * trace_id)


def _labels(session: Session, cast: Cast, read: Sequence[int]) -> None:
    labels, gold = [], []
    for number, trace_id in enumerate(read):
        chance = random.Random(trace_id * 13)
        for mode_id, share in zip(cast.modes, _SHARES, strict=True):
            is_there = chance.random() < share
            for person in cast.people:
                seen = is_there != (chance.random() < 0.03)
                value = LabelValue.PRESENT if seen else LabelValue.ABSENT
                labels.append(
                    {
                        "trace_id": trace_id,
                        "mode_id": mode_id,
                        "annotator_id": person,
                        "value": value,
                    }
                )
            if number % _GOLD_EACH == 0:
                value = LabelValue.PRESENT if is_there else LabelValue.ABSENT
                gold.append({"trace_id": trace_id, "mode_id": mode_id, "value": value})
    bulk.insert(session, Label, labels, same={"mode_version": 1, "source": LabelSource.HAND})
    bulk.insert(session, GoldLabel, gold, same={"decided_by": cast.people[0]})


def _notes(session: Session, cast: Cast, read: Sequence[int]) -> None:
    """A note a trace, and two on every other one; six in ten stand under a mode."""
    notes, groupings = [], []
    for trace_id in read:
        for again in range(1 + trace_id % 2):
            chance = random.Random(trace_id * 17 + again)
            note_id = 2 * trace_id + again
            notes.append(
                {
                    "id": note_id,
                    "trace_id": trace_id,
                    "annotator_id": chance.choice(cast.people),
                    "text": f"{chance.choice(_NOTES)} ({trace_id}.{again})",
                    "is_first_failure": again == 0,
                    "step": 1,
                }
            )
            if chance.random() < 0.6:
                groupings.append({"note_id": note_id, "mode_id": chance.choice(cast.modes)})
    bulk.insert(session, Note, notes)
    bulk.insert(session, Grouping, groupings, same={"created_by": cast.people[0]})


def _events(session: Session, cast: Cast, read: Sequence[int]) -> None:
    """What the log holds of it: a verdict submitted by each person on each trace."""
    events: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for trace_id in read:
        for place, person in enumerate(cast.people):
            event_id = 3 * trace_id + place
            events.append(
                {
                    "id": event_id,
                    "actor_id": person,
                    "summary": f"Submitted trace-{trace_id:07d}",
                    "payload": {"changes": []},
                    "created_at": _at(trace_id),
                }
            )
            key = f"{trace_id},{person},{cast.round_id}"
            rows.append({"event_id": event_id, "row_key": key})
    same = {"project_id": cast.project_id, "kind": "verdict.submitted"}
    bulk.insert(session, Event, events, same=same)
    bulk.insert(session, EventRow, rows, same={"table_name": "verdict", "changed": True})
