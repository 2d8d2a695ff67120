"""CSV: one row a trace, one binary column a failure mode, combined and per annotator (RFC 4180)."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from server.exporters.records import (
    NOBODY,
    PRESENT,
    AnnotatorRecord,
    Codebook,
    LabelRecord,
    ModeRecord,
    NoteRecord,
    Part,
    TraceRecord,
    VerdictRecord,
    combine,
)

CHUNK_CHARACTERS = 64 * 1024
LEADING_FIELDS = ("trace_id", "item_id", "model", "task", "outcome", "split")
OTHER_FIELDS = (
    "trial",
    "model_family",
    "eval_id",
    "tags",
    "session_id",
    "outcome_source",
    "executed_outcome",
    "score",
    "answer",
    "target",
    "prompt_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "token_limit",
    "finish_reason",
    "started_at",
    "duration_s",
    "cost",
    "pipeline_version",
    "source",
    "source_url",
    "import",
    "is_random_sample",
    "near_duplicate_of",
    "step_count",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")
"""How a text begins that a spreadsheet may take for a formula."""
PARTS = frozenset({Part.LABELS, Part.NOTES, Part.VERDICTS, Part.SIGNALS})
"""What the table holds of what was said."""
_NEVER_TEXT = frozenset({type(None), bool, int, float})
"""What the writer of the CSV turns into the same cell as `cell` does."""
_COUNTS = (".n_present", ".n_absent", ".n_annotators", ".source", ".mode_version")


class Kind(StrEnum):
    """What the values of a column are, where a format tells them apart."""

    TEXT = "text"
    TEXTS = "texts"
    BINARY = "binary"
    COUNT = "count"
    NUMBER = "number"
    TIME = "time"
    DIMENSION = "dimension"


@dataclass(frozen=True)
class Column:
    """A column of the table, and what it means."""

    name: str
    meaning: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True)
class Layout:
    """The columns of one table; a mode's or person's column name is the same in all of them."""

    codebook: Codebook
    mode_names: dict[int, str]
    annotator_names: dict[int, str]

    @property
    def columns(self) -> list[Column]:
        """Every column in order."""
        people = [self.annotator_names[a.id] for a in self.codebook.annotators]
        return [
            *map(_trace_column, LEADING_FIELDS),
            *(column for mode in self.codebook.modes for column in self._of_mode(mode, people)),
            *(column for name in people for column in _verdict_columns(name)),
            Column("n_notes", "how many notes you may see", Kind.COUNT),
            Column("notes", "the notes: who, at which step (counted from 1), and the text"),
            *map(_trace_column, OTHER_FIELDS),
            *(
                Column(f"params.{name}", "dimension", Kind.DIMENSION)
                for name in self.codebook.dimensions
            ),
            *(
                Column(
                    f"signal.{signal.name}",
                    signal.meaning,
                    Kind.TEXT if signal.is_label else Kind.NUMBER,
                )
                for signal in self.codebook.signals
            ),
        ]

    def _of_mode(self, mode: ModeRecord, people: list[str]) -> list[Column]:
        name = self.mode_names[mode.id]
        return [
            Column(name, "1 the failure is present, 0 absent, empty nobody decided", Kind.BINARY),
            Column(f"{name}.n_present", "people who say present", Kind.COUNT),
            Column(f"{name}.n_absent", "people who say absent", Kind.COUNT),
            Column(f"{name}.n_annotators", "people who labelled it", Kind.COUNT),
            Column(f"{name}.source", "gold, majority, tie, or empty where nobody labelled it"),
            Column(
                f"{name}.mode_version",
                "oldest version of the definition behind the value",
                Kind.COUNT,
            ),
            *(Column(f"{name}@{person}", f"what {person} says", Kind.BINARY) for person in people),
        ]


_TRACE_MEANINGS = {
    "trace_id": "the trace's id in the data it came from",
    "item_id": "the item that models and trials share",
    "outcome": "empty where a blind annotator may not see it yet",
    "split": "train, dev or test, where the project is split",
    "tags": "JSON list",
    "import": "the file it came in",
    "is_random_sample": "1 where its import is said to be one of what it comes from, else 0",
    "near_duplicate_of": "trace_id of the first trace that says nearly the same",
}


_TRACE_KINDS = {
    "tags": Kind.TEXTS,
    "started_at": Kind.TIME,
    "is_random_sample": Kind.BINARY,
    **dict.fromkeys(("score", "duration_s", "cost"), Kind.NUMBER),
    **dict.fromkeys(
        (
            "trial",
            "prompt_tokens",
            "completion_tokens",
            "reasoning_tokens",
            "token_limit",
            "step_count",
        ),
        Kind.COUNT,
    ),
}


def _trace_column(name: str) -> Column:
    kind = _TRACE_KINDS.get(name, Kind.TEXT)
    return Column(name, _TRACE_MEANINGS.get(name, "as imported"), kind)


def layout(codebook: Codebook) -> Layout:
    """Name the columns; a name that is taken already gets the row's id behind it."""
    taken = {*LEADING_FIELDS, *OTHER_FIELDS, "n_notes", "notes"}
    taken |= {f"params.{name}" for name in codebook.dimensions}
    taken |= {f"signal.{signal.name}" for signal in codebook.signals}
    people: dict[int, str] = {}
    for annotator in codebook.annotators:
        people[annotator.id] = _free(annotator.name, annotator.id, _verdict_names, taken)
    modes: dict[int, str] = {}
    for mode in codebook.modes:
        modes[mode.id] = _free(
            mode.name,
            mode.id,
            lambda name: (
                [name, *(name + count for count in _COUNTS)]
                + [f"{name}@{person}" for person in people.values()]
            ),
            taken,
        )
    return Layout(codebook, modes, people)


def _free(name: str, row_id: int, names: Any, taken: set[str]) -> str:
    """Return `name`, or `name (id)`, such that none of its columns is taken; takes them."""
    candidate = name
    while not taken.isdisjoint(names(candidate)):
        candidate = f"{candidate} ({row_id})"
    taken.update(names(candidate))
    return candidate


def _verdict_names(person: str) -> list[str]:
    names = ("verdict", "first_failure_step_from_1", "first_failure_turn", "reason")
    return [f"{name}@{person}" for name in (*names, "minimal_repro")]


def _verdict_columns(person: str) -> list[Column]:
    verdict, step, turn, reason, repro = _verdict_names(person)
    return [
        Column(verdict, "pass, fail or defer"),
        Column(step, "first failing step, counted from 1 as on screen", Kind.COUNT),
        Column(turn, "turn of the user that this step belongs to, from 1", Kind.COUNT),
        Column(reason, "why it was deferred"),
        Column(repro, "least input that still fails"),
    ]


def rows(table: Layout, traces: Iterable[TraceRecord]) -> Iterator[list[str]]:
    """Return the cells of each trace, ready to write."""
    for trace in traces:
        yield [cell(value) for value in values(table, trace)]


def write(table: Layout, traces: Iterable[TraceRecord]) -> Iterator[bytes]:
    """Stream the table as UTF-8 with CRLF line ends, in pieces of about 64 kB."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([cell(column.name) for column in table.columns])
    for trace in traces:
        row = values(table, trace)
        writer.writerow([value if type(value) in _NEVER_TEXT else cell(value) for value in row])
        if buffer.tell() >= CHUNK_CHARACTERS:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def cell(value: Any) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return str(value)
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(FORMULA) else text


def values(table: Layout, trace: TraceRecord) -> list[Any]:
    """Return the values of a trace as they are, one for each column."""
    is_random = trace.fields["is_random_sample"]
    fields = {
        **trace.fields,
        "split": trace.split,
        "tags": trace.fields["tags"] or None,
        "is_random_sample": int(is_random) if isinstance(is_random, bool) else is_random,
    }
    codebook = table.codebook
    found = [fields[name] for name in LEADING_FIELDS]
    undecided = _label_values((), codebook.annotators)
    by_mode = trace.labels_by_mode
    for mode in codebook.modes:
        own = by_mode.get(mode.id)
        found += _label_values(own, codebook.annotators) if own else undecided
    verdicts = {verdict.annotator_id: verdict for verdict in trace.verdicts}
    for annotator in codebook.annotators:
        found += _verdict_values(verdicts.get(annotator.id))
    found += (len(trace.notes), "\n".join(map(_note_line, trace.notes)))
    found += [fields[name] for name in OTHER_FIELDS]
    found += map(fields["params"].get, codebook.dimensions)
    found += map(fields.get("signals", {}).get, [signal.name for signal in codebook.signals])
    return found


def _label_values(own: tuple[LabelRecord, ...], people: Sequence[AnnotatorRecord]) -> list[Any]:
    """Return the values of one mode, from the labels of it on a trace."""
    found = combine(own, own[0].mode) if own else NOBODY
    by_person = {label.annotator_id: label.value for label in own if not label.is_gold}
    return [
        _binary(found.value),
        *(found.n_present, found.n_absent, found.n_present + found.n_absent),
        *(found.source, found.mode_version),
        *(_binary(by_person.get(person.id)) for person in people),
    ]


def _binary(value: str | None) -> int | None:
    return None if value is None else int(value == PRESENT)


def _verdict_values(verdict: VerdictRecord | None) -> tuple[Any, ...]:
    if verdict is None:
        return (None,) * 5
    step = verdict.first_failure_step
    return (
        verdict.value,
        None if step is None else step + 1,
        verdict.first_failure_turn,
        verdict.reason or None,
        verdict.minimal_repro or None,
    )


def _note_line(note: NoteRecord) -> str:
    where = "" if note.step is None else f", step {note.step + 1}"
    return f"{note.annotator}{where}: {note.text}"
