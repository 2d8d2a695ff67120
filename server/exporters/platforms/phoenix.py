"""Phoenix: annotations of traces and spans, and notes on traces."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from server.exporters.platforms.feedback import Platform, Requests
from server.exporters.platforms.said import Said, SaidLabel
from server.exporters.records import Part

_AT_ONCE = 100
RESERVED = "note"
"""The name of Phoenix's own notes, which no annotation may have."""


def trace_annotations(said: Iterable[Said]) -> Iterator[dict[str, Any]]:
    """Yield bodies of `POST /v1/trace_annotations`, a hundred labels each."""
    rows = (
        {"trace_id": one.trace_id, **_annotation(label)} for one in said for label in one.labels
    )
    yield from _bodies(rows)


def _annotation(label: SaidLabel) -> dict[str, Any]:
    told = {"explanation": label.reason} if label.reason else {}
    value = "present" if label.is_present else "absent"
    return {
        "name": _name(label.mode),
        "annotator_kind": "HUMAN",
        "result": {"label": value, "score": int(label.is_present), **told},
        "metadata": label.about,
        "identifier": f"faultbook:{label.by}",
    }


def span_annotations(said: Iterable[Said]) -> Iterator[dict[str, Any]]:
    """Yield bodies of `POST /v1/span_annotations`: grouped notes at the span of their step."""
    rows = (
        {
            "span_id": note.span,
            "name": _name(note.mode),
            "annotator_kind": "HUMAN",
            "result": {"label": "present", "score": 1, "explanation": note.text},
            "metadata": note.about,
            "identifier": f"faultbook:{one.key('note', note.id)}",
        }
        for one in said
        for note in one.notes
        if note.span and note.mode
    )
    yield from _bodies(rows)


def trace_notes(said: Iterable[Said]) -> Iterator[dict[str, Any]]:
    """Yield bodies of `POST /v1/trace_notes`: every note, with its step counted from 1."""
    for one in said:
        for note in one.notes:
            where = "" if note.step is None else f" (step {note.step + 1})"
            yield {
                "data": {
                    "trace_id": one.trace_id,
                    "note": f"{note.by}{where}: {note.text}",
                    "identifier": f"faultbook:{one.key('note', note.id)}",
                }
            }


def _name(mode: str) -> str:
    return f"{mode} (failure)" if mode.casefold() == RESERVED else mode


def _bodies(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    while some := list(islice(rows, _AT_ONCE)):
        yield {"data": some}


PLATFORM = Platform(
    tool="phoenix",
    tested_with="arize-phoenix-client 3.5.0",
    address="PHOENIX_COLLECTOR_ENDPOINT=http://localhost:6006",
    headers=(("Authorization", "Bearer {PHOENIX_API_KEY}"),),
    requests=(
        Requests(
            *("trace_annotations.jsonl", "/v1/trace_annotations", trace_annotations),
            parts={Part.LABELS},
        ),
        Requests(
            *("span_annotations.jsonl", "/v1/span_annotations", span_annotations),
            parts={Part.NOTES},
        ),
        Requests("trace_notes.jsonl", "/v1/trace_notes", trace_notes, parts={Part.NOTES}),
    ),
)
