"""Rows to signals: what whoever measures does with one slice. It needs no database."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from server.importers.base import ImportOptions, RefusedRecord, Source, StepDraft, TraceDraft
from server.importers.items import item_id
from server.importers.outcome_facts import tool_failed
from server.importers.registry import importers
from server.importers.seen_ids import Place, SeenIds
from server.models.trace import StepKind
from server.services.signal_measuring import is_cut, values_of
from server.services.signal_tables.slices import groups_of, sees
from server.signals import registry
from server.signals.base import Output

FACTS = {
    "trace_id": pa.string(),
    "item": pa.string(),
    "model": pa.string(),
    "model_family": pa.string(),
    "task": pa.string(),
    "outcome": pa.string(),
    "token_limit": pa.int64(),
}
"""What stands beside the signals of each trace; comparisons with others read it."""
_OWN_KINDS = (StepKind.REASONING, StepKind.TOOL_CALL)


@dataclass(frozen=True)
class Reading:
    """How rows are read: the same for all slices, whatever the first rows of one look like."""

    name: str
    """Of the file, as people know it."""
    format: str
    mapping: tuple[tuple[str, str], ...]
    left_alone: tuple[str, ...]
    path: str
    size: int
    footer: str

    def options(self) -> ImportOptions:
        """Return what an importer takes."""
        return ImportOptions(
            format=self.format,
            mapping=dict(self.mapping),
            left_alone=self.left_alone,
            seen_ids=_NothingSeen(),
        )


@dataclass(frozen=True)
class Refused:
    """A row that does not fit: its number in the file from 1, and why."""

    row: int
    field: str
    reason: str


@dataclass(frozen=True)
class MeasuredSlice:
    """The signals of a slice: an Arrow stream of one row a trace, and the rows that do not fit."""

    rows: bytes
    refused: tuple[Refused, ...] = field(default=())


class _NothingSeen(SeenIds):
    """Rows of a table stand for themselves: an id may stand in another slice, too."""

    def place(self, external_id: str) -> Place | None:
        return None

    def put(self, external_id: str, place: Place) -> None:
        """Forget it."""


def can_see(reading: Reading) -> bool:
    """Return whether this process has the file itself."""
    return sees(reading.path, reading.size, reading.footer)


def measure_groups(reading: Reading, start: int, groups: Sequence[int]) -> MeasuredSlice | None:
    """Read row groups of the file and measure them; None where it is not to be seen from here."""
    if not can_see(reading):
        return None
    return _measured(reading, start, groups_of(reading.path, groups))


def measure_rows(reading: Reading, start: int, packed: bytes) -> MeasuredSlice:
    """Measure rows that were sent."""
    return _measured(reading, start, pq.read_table(pa.BufferReader(packed), use_threads=False))


def _measured(reading: Reading, start: int, rows: pa.Table) -> MeasuredSlice:
    refused: list[Refused] = []
    columns: dict[str, list[Any]] = {name: [] for name in schema().names}
    with tempfile.TemporaryDirectory(prefix="faultbook-slice-") as folder:
        path = Path(folder) / "slice.parquet"
        pq.write_table(rows, path, compression="none")
        known = importers()[reading.format]
        for found in known.read(Source(path, reading.name), reading.options()):
            if isinstance(found, RefusedRecord):
                refused.append(Refused(start + found.line, found.field, found.reason))
                continue
            values = {**_facts(found), **values_of(output_of(found))}
            for name, column in columns.items():
                column.append(values[name])
    batch = pa.RecordBatch.from_pydict(columns, schema=schema())
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema()) as writer:
        writer.write_batch(batch)
    return MeasuredSlice(sink.getvalue().to_pybytes(), tuple(refused))


def schema() -> pa.Schema:
    """Return the columns of a measured slice: facts, then signals of single traces."""
    known = registry.definitions()
    signals = {
        name: pa.string() if known[name].is_label else pa.float64()
        for name in registry.names_of_traces()
    }
    return pa.schema({**FACTS, **signals})


def _facts(draft: TraceDraft) -> dict[str, Any]:
    return {
        "trace_id": draft.external_id,
        "item": item_id(draft),
        "model": draft.model,
        "model_family": draft.model_family,
        "task": draft.task,
        "outcome": draft.outcome.value,
        "token_limit": draft.token_limit,
    }


def output_of(draft: TraceDraft) -> Output:
    """Return what a trace says as it is read, alike to what the database tells of it."""
    spoken = [step for step in draft.steps if _is_own(step)]
    parts = [step.text or _data(step) for step in spoken]
    return Output(
        text="\n".join(part for part in parts if part) if draft.steps else None,
        tokens=draft.completion_tokens,
        is_truncated=is_cut(draft),
        has_answer=bool(draft.answer),
        steps=len(draft.steps),
        tool_calls=sum(step.kind is StepKind.TOOL_CALL for step in spoken),
        tool_errors=sum(tool_failed(step.kind, "", step.text) for step in draft.steps),
        duration_s=draft.duration_s,
    )


def _is_own(step: StepDraft) -> bool:
    says = step.kind is StepKind.MESSAGE and step.role == "assistant"
    return says or step.kind in _OWN_KINDS


def _data(step: StepDraft) -> str:
    return "" if step.data is None else json.dumps(step.data)
