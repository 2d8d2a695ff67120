"""A project of any size with every kind of work in it, written straight into the tables.

What an import and weeks of people's work would leave: traces of real text, notes, verdicts, labels
of twelve modes by three people, gold labels, batches, signals, sketches, events. It is made once
and kept: `python -m benchmarks.large_project --data FOLDER` (or `--database URL`) does nothing
where the project is there already. Everything follows from the number of a trace, so that two
databases of the same size hold the same.
"""

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from benchmarks import real_traces
from benchmarks.large_project_work import Cast, write_batches, write_people, write_work
from server import bulk
from server.db import Database
from server.errors import NotFound
from server.models.event import Event
from server.models.note import Note
from server.models.project import Project, Stage
from server.models.signal import Signal
from server.models.sketch import Sketch
from server.models.trace import Import, ImportStatus, Outcome, Step, StepKind, Trace
from server.schema import upgrade
from server.services import projects

NAME, SLUG = "Large project", "large-project"
_COMPLETE = "Made by benchmarks/large_project.py."
LONG_STEPS = (20, 2_000, 30_000)
"""Traces of these lengths are called `steps-20` and so on."""
_CHUNK = 2_000
_SHARED_ITEMS = 5
"""So many traces are runs of one item."""
_MODELS = [f"model-{letter}" for letter in "abcdefgh"]
_TASKS = ["arithmetic", "booking", "code", "puzzles", "search", "tables"]
_TAGS = ["arch:moe", "arch:dense", "size:7b", "size:70b", "lang:en", "lang:de", "rare"]
_OUTCOMES = [Outcome.CORRECT] * 6 + [Outcome.INCORRECT] * 3 + [Outcome.TRUNCATED, Outcome.UNKNOWN]
_LOOPS = ["no_loop"] * 8 + ["verbatim_loop", "paraphrase_loop"]
_PATTERNS = ["typical"] * 6 + ["overthink", "underthink", "underthink", "broken_loop"]
_NUMBERS = (
    *("compression_ratio", "growth_ratio", "bits_per_token", "residual_redundancy", "bytes"),
    *("compressed_bytes", "hazard_percentile", "failure_incidence_at_end", "tool_calls"),
)
_KINDS = (
    ("assistant", StepKind.TOOL_CALL, "search"),
    ("tool", StepKind.TOOL_RESULT, "search"),
    ("assistant", StepKind.MESSAGE, ""),
)
_BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Size:
    """How much there is of everything."""

    traces: int = 100_000
    steps: int = 20
    characters: int = 190
    """Of a step: 20 of them make the 3.8 KB that real traces have on average."""
    read_share: float = 0.2
    """Of the traces: those that three people have judged and labelled."""


def build(database: Database, size: Size) -> bool:
    """Make the project; False where it is there already, of whatever size.

    Raises:
        SystemExit: An earlier attempt ended half-way.
    """
    upgrade(database)
    with database.reading() as session:
        try:
            found = projects.find(session, SLUG)
        except NotFound:
            pass
        else:
            if found.description != _COMPLETE:
                raise SystemExit("The large project was left half made: delete its database.")
            return False
    definitions = _without_indexes(database)
    with database.writing() as session:
        project = projects.create(session, NAME)
        project.stage = Stage.LABELLING
        session.flush()
        cast = write_people(session, project)
        import_id = _import(session, project, size)
    _fill(database, size, cast, import_id)
    _with_indexes(database, definitions)
    with database.writing() as session:
        _set_sequences(session)
        projects.find(session, SLUG).description = _COMPLETE
    return True


def _fill(database: Database, size: Size, cast: Cast, import_id: int) -> None:
    texts = _texts(size.characters)
    last = size.traces + len(LONG_STEPS)
    for start in range(1, last + 1, _CHUNK):
        numbers = range(start, min(start + _CHUNK, last + 1))
        with database.writing() as session, bulk.roomy(session):
            _traces(session, size, numbers, texts, cast.project_id, import_id)
            write_work(session, cast, numbers, size.read_share)
    with database.writing() as session:
        write_batches(session, cast, size.traces)


def _import(session: Session, project: Project, size: Size) -> int:
    row = Import(
        project_id=project.id or 0,
        file_name="traces.jsonl",
        format="openai-messages",
        status=ImportStatus.DONE,
        counts={"created": size.traces},
    )
    session.add(row)
    session.flush()
    return row.id or 0


def _texts(characters: int) -> list[str]:
    """Pieces of what people and models said in real traces."""
    pieces: list[str] = []
    for record in islice(real_traces.varied([real_traces.SHIPPED]), 800):
        for message in record["messages"]:
            text = message["content"]
            pieces += [text[at : at + characters] for at in range(0, len(text), characters)]
    return pieces


def _traces(
    session: Session,
    size: Size,
    numbers: Sequence[int],
    texts: Sequence[str],
    project_id: int,
    import_id: int,
) -> None:
    conversations = [_conversation(number, size, texts) for number in numbers]
    rows = [_trace(*one, size) for one in zip(numbers, conversations, strict=True)]
    bulk.insert(session, Trace, rows, same={"project_id": project_id, "import_id": import_id})
    steps = [
        _step(number, position, text)
        for number, said in zip(numbers, conversations, strict=True)
        for position, text in enumerate(said)
    ]
    bulk.insert(session, Step, steps)
    signals = [one for row in rows for one in _signals(row)]
    bulk.insert(session, Signal, signals, same={"project_id": project_id})
    bulk.insert(session, Sketch, [_sketch(row) for row in rows])


def _conversation(number: int, size: Size, texts: Sequence[str]) -> list[str]:
    chance = random.Random(number)
    steps = size.steps
    if number > size.traces:
        steps = LONG_STEPS[number - size.traces - 1]
    at = chance.randrange(len(texts))
    found = [texts[(at + place) % len(texts)] for place in range(steps)]
    # Words that are as rare as people search for: one in a thousand traces, and one in all.
    found[-1] += f" mark{number % 1_000} case{number}"
    return found


def _trace(number: int, said: Sequence[str], size: Size) -> dict[str, Any]:
    chance = random.Random(-number)
    is_long = number > size.traces
    tokens = int(chance.lognormvariate(6.5, 0.8))
    session = f"session-{number // 4}" if number % 10 == 0 else ""
    return {
        "id": number,
        "external_id": f"steps-{len(said)}" if is_long else f"trace-{number:07d}",
        "item_id": f"item-{number // _SHARED_ITEMS:06d}",
        "trial": number % _SHARED_ITEMS,
        "model": chance.choice(_MODELS),
        "task": chance.choice(_TASKS),
        "tags": chance.sample(_TAGS[:6], 2) + (_TAGS[6:] if number % 500 == 0 else []),
        "session_id": session,
        "outcome": chance.choice(_OUTCOMES),
        "completion_tokens": tokens if number % 50 else None,
        "prompt_tokens": 200,
        "token_limit": 16_384,
        "finish_reason": chance.choice(["stop", "stop", "stop", "length"]),
        "started_at": _BEGUN + timedelta(seconds=30 * number),
        "duration_s": tokens / 50,
        "pipeline_version": f"v{1 + number * 4 // (size.traces + 10)}",
        "dimensions": {
            "difficulty": chance.randrange(1, 11),
            "language": chance.choice(["en", "de", "fr"]),
            "variant": f"variant {chance.randrange(40)}",
        },
        "metadata_": {"run": number % 7},
        "content_hash": f"{number:032x}",
        "step_count": len(said),
        "search_text": "\n".join(said),
    }


def _step(number: int, position: int, text: str) -> dict[str, Any]:
    role, kind, name = _KINDS[position % 3] if position else ("user", StepKind.MESSAGE, "")
    return {
        "trace_id": number,
        "position": position,
        "role": role,
        "kind": kind,
        "name": name,
        "text": text,
    }


def _signals(trace: dict[str, Any]) -> Iterator[dict[str, Any]]:
    chance = random.Random(trace["id"] * 31)
    loop = chance.choice(_LOOPS)
    numbers = {name: round(chance.lognormvariate(0, 0.5), 6) for name in _NUMBERS}
    numbers |= {"steps": float(trace["step_count"])}
    if trace["completion_tokens"] is not None:
        numbers["tokens"] = float(trace["completion_tokens"])
    if loop != "no_loop":
        numbers |= {"loop_onset": float(chance.randrange(5_000)), "loop_cycles": 4.0}
    labels = {"loop_class": loop, "reasoning_pattern": chance.choice(_PATTERNS)}
    of_trace = {"trace_id": trace["id"], "computed_with": "0123456789abcdef0123456789abcdef"}
    for name, value in numbers.items():
        yield {**of_trace, "name": name, "value": value, "label": None}
    for name, label in labels.items():
        yield {**of_trace, "name": name, "value": None, "label": label}


def _sketch(trace: dict[str, Any]) -> dict[str, Any]:
    number = trace["id"]
    first = number - number % 20 or None
    is_alike = number % 20 in (0, 1, 2) and first is not None
    return {
        "trace_id": number,
        "content_hash": trace["content_hash"],
        "text_hash": f"{number:016x}",
        "first_trace_id": first if is_alike else None,
        "similarity": 0.9 if is_alike else None,
    }


_INDEXES = """SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    AND indexname NOT IN (SELECT conname FROM pg_constraint)"""


def _without_indexes(database: Database) -> list[str]:
    """Take PostgreSQL's indexes away, which are made in a fraction of the time afterwards."""
    if database.takes_turns:
        return []
    with database.engine.begin() as connection:
        found = connection.exec_driver_sql(_INDEXES).all()
        for name, _ in found:
            connection.exec_driver_sql(f"DROP INDEX {name}")
    return [definition for _, definition in found]


def _with_indexes(database: Database, definitions: Sequence[str]) -> None:
    if database.takes_turns:
        database.refresh_statistics()
        return
    with database.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '512MB'")
        for definition in definitions:
            connection.exec_driver_sql(definition)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


def _set_sequences(session: Session) -> None:
    """Let PostgreSQL's ids go on behind those that were given; SQLite does so by itself."""
    if session.connection().dialect.name == "sqlite":
        return
    tables: tuple[Any, ...] = (Trace, Note, Event)
    for table in tables:
        sequence = sa.func.pg_get_serial_sequence(table.__tablename__, "id")
        highest = sa.select(sa.func.max(table.id)).scalar_subquery()
        session.execute(sa.select(sa.func.setval(sequence, highest)))


def main() -> None:
    """Make the project in a folder or database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with faultbook.sqlite")
    parser.add_argument("--database", default="", help="URL of a PostgreSQL database instead")
    parser.add_argument("--traces", type=int, default=Size.traces)
    parser.add_argument("--steps", type=int, default=Size.steps)
    parser.add_argument("--characters", type=int, default=Size.characters, help="of a step")
    parser.add_argument("--read-share", type=float, default=Size.read_share)
    options = parser.parse_args()
    if not options.database and options.data is None:
        parser.error("give --data FOLDER or --database URL")
    url = options.database or f"sqlite:///{options.data.resolve() / 'faultbook.sqlite'}"
    database = Database.from_url(url)
    started = time.perf_counter()
    size = Size(options.traces, options.steps, options.characters, options.read_share)
    is_new = build(database, size)
    told = f"made in {time.perf_counter() - started:.0f} s" if is_new else "there already"
    print(f"{SLUG} with {size.traces:,} traces: {told}")
    database.dispose()


if __name__ == "__main__":
    main()
