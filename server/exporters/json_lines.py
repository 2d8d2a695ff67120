"""JSON Lines: one object a trace with its labels, notes and verdicts; values raw, steps 0-based."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from server.exporters.records import (
    Codebook,
    LabelRecord,
    NoteRecord,
    TraceRecord,
    VerdictRecord,
    combine,
)

CHUNK_CHARACTERS = 64 * 1024


def write(codebook: Codebook, traces: Iterable[TraceRecord]) -> Iterator[bytes]:
    """Stream the lines in pieces of about 64 kB."""
    return lines(as_object(codebook, trace) for trace in traces)


def lines(objects: Iterable[Any]) -> Iterator[bytes]:
    """Stream objects as lines of JSON."""
    waiting, size = [], 0
    for found in objects:
        line = dumps(found) + "\n"
        waiting.append(line)
        size += len(line)
        if size >= CHUNK_CHARACTERS:
            yield "".join(waiting).encode()
            waiting, size = [], 0
    yield "".join(waiting).encode()


def dumps(value: Any, *, indent: int | None = None) -> str:
    """Return JSON with times in ISO 8601."""
    if indent is None:
        return _LINE.encode(value)
    return json.dumps(value, ensure_ascii=False, indent=indent, default=_time)


def _time(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form here.")


_LINE = json.JSONEncoder(ensure_ascii=False, default=_time)


def as_object(codebook: Codebook, trace: TraceRecord) -> dict[str, Any]:
    """Return a trace as its JSON object."""
    return {
        **trace.fields,
        "split": trace.split,
        "modes": [
            _combined(codebook, trace, mode.id)
            for mode in codebook.modes
            if trace.labels_of(mode.id)
        ],
        "labels": [found for label in trace.labels if (found := _label(codebook, label))],
        "notes": [_note(codebook, note) for note in trace.notes],
        "verdicts": [
            {
                **_verdict(said),
                "first_failure_turn": said.first_failure_turn,
                "reason": said.reason,
                "minimal_repro": said.minimal_repro,
            }
            for said in trace.verdicts
        ],
        "judge_verdicts": [
            {**_verdict(verdict), "critique": verdict.critique} for verdict in trace.judge_verdicts
        ],
    }


def _combined(codebook: Codebook, trace: TraceRecord, mode_id: int) -> dict[str, Any]:
    found = combine(trace.labels_of(mode_id), mode_id)
    return {
        **mode_name(codebook, mode_id),
        "value": found.value,
        "source": found.source,
        "n_present": found.n_present,
        "n_absent": found.n_absent,
        "n_annotators": found.n_present + found.n_absent,
        "mode_version": found.mode_version,
    }


def mode_name(codebook: Codebook, mode_id: int | None) -> dict[str, Any]:
    """Return guid and name of a mode; both empty where it was merged away or is none."""
    mode = None if mode_id is None else codebook.mode(mode_id)
    return {"mode_id": mode.guid if mode else None, "mode": mode.name if mode else None}


def _label(codebook: Codebook, label: LabelRecord) -> dict[str, Any] | None:
    if codebook.mode(label.mode) is None:
        return None
    gold = {"reason": label.reason} if label.is_gold else {}
    return {
        **mode_name(codebook, label.mode),
        "mode_version": label.mode_version,
        "value": label.value,
        "annotator": label.annotator,
        "source": label.source,
        "at": label.at,
        **gold,
    }


def _note(codebook: Codebook, note: NoteRecord) -> dict[str, Any]:
    return {
        "note_id": note.id,
        "annotator": note.annotator,
        "text": note.text,
        "anchor": {"step": note.step, "start": note.start, "end": note.end, "quote": note.quote},
        "is_first_failure": note.is_first_failure,
        "is_independent": note.is_independent,
        **mode_name(codebook, note.mode),
        "at": note.at,
    }


def _verdict(verdict: VerdictRecord) -> dict[str, Any]:
    return {
        "annotator": verdict.annotator,
        "value": verdict.value,
        "first_failure_step": verdict.first_failure_step,
        "at": verdict.at,
    }
