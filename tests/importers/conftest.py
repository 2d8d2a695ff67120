"""Reading files and texts with the importers, and comparing drafts with golden files."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from server.importers.base import ImportOptions, RefusedRecord, Source, StepDraft, TraceDraft
from server.importers.registry import chosen

DATA = Path(__file__).parents[1] / "data"


class Read(NamedTuple):
    format: str
    drafts: list[TraceDraft]
    refused: list[RefusedRecord]


def read(path: Path, **options: Any) -> Read:
    """Read a file as an import would, with the format sniffed unless `format` names it."""
    source, chosen_options = Source(path), ImportOptions(**options)
    importer = chosen(source, chosen_options)
    found = list(importer.read(source, chosen_options))
    return Read(
        importer.name,
        [item for item in found if isinstance(item, TraceDraft)],
        [item for item in found if isinstance(item, RefusedRecord)],
    )


@pytest.fixture
def read_file() -> Callable[..., Read]:
    return read


@pytest.fixture
def read_text(tmp_path: Path) -> Callable[..., Read]:
    """Read what a file of this name and content gives; lists are written as JSON lines."""

    def write_and_read(content: object, name: str = "traces.jsonl", **options: Any) -> Read:
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_bytes(content.encode())
        else:
            assert isinstance(content, list)
            path.write_text("".join(f"{json.dumps(record)}\n" for record in content))
        return read(path, **options)

    return write_and_read


@pytest.fixture
def check_golden() -> Callable[[str, list[TraceDraft]], None]:
    """Compare drafts with `tests/data/NAME.golden.json`; WRITE_GOLDEN=1 writes it and fails."""

    def check(name: str, drafts: list[TraceDraft]) -> None:
        path = DATA / f"{name}.golden.json"
        shown = json.dumps([_shown(draft) for draft in drafts], indent=1, default=str) + "\n"
        if os.environ.get("WRITE_GOLDEN"):
            path.write_text(shown)
            pytest.fail(f"wrote {path.name}; look at it, then run without WRITE_GOLDEN")
        assert shown == path.read_text()

    return check


def _shown(draft: TraceDraft) -> dict[str, Any]:
    """A draft with its long texts as digests: golden files hold no item of a benchmark."""
    result = {
        key: value
        for key, value in asdict(draft).items()
        if key not in ("steps", "metadata", "annotations") and value not in (None, "", (), {})
    }
    result["metadata"] = {key: _digest(value) for key, value in draft.metadata.items()}
    result["steps"] = [_shown_step(step) for step in draft.steps]
    result["annotations"] = [
        {
            "annotator": f"{annotation.annotator} ({annotation.kind})",
            "verdict": annotation.verdict,
            "first_failure_step": annotation.first_failure_step,
            "critique": _digest(annotation.critique),
            "notes": [
                [note.step, note.category, note.is_first_failure, _digest(note.text)]
                for note in annotation.notes
            ],
        }
        for annotation in draft.annotations
    ]
    return result


def _shown_step(step: StepDraft) -> str:
    data = "" if step.data is None else f" data {_digest(step.data)}"
    call = f" {step.call_id}" if step.call_id else ""
    return f"{step.role} {step.kind} {step.name}{call} {_digest(step.text)}{data}"


def _digest(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return f"{len(text)}:{hashlib.sha256(text.encode()).hexdigest()[:12]}"
