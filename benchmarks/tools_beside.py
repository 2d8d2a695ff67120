"""Saving an annotation and opening a trace in Phoenix and Label Studio, by their own APIs.

The same traces, the same clients, the same cores; the SQLite database that each comes with.
"""

import json
import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from benchmarks import import_alternatives as imports


class Place(NamedTuple):
    """A running server: where it is, what to send it, and how to count what it kept."""

    base: str
    headers: dict[str, str]
    items: Sequence[str]
    save: Callable[[str, str], tuple[str, bytes]]
    """Item and text -> path and body."""
    opened: Callable[[str], str]
    """Item -> path that its screen is filled from."""
    kept: Callable[[], int]
    """How many annotations are in the database."""


class Alternative(Protocol):
    """Another tool that takes annotations."""

    name: str
    package: str

    def serve(
        self, bin_directory: Path, traces: Path, folder: Path
    ) -> AbstractContextManager[Place]:
        """Run it with the traces of a file in it."""
        ...


class Phoenix:
    """A span annotation with `sync=true`, and the trace's page by the API that its screen asks."""

    name = "Phoenix"
    package = "arize-phoenix"

    @contextmanager
    def serve(self, bin_directory: Path, traces: Path, folder: Path) -> Iterator[Place]:
        """Run it with the traces of a file in it."""
        database = folder / "phoenix.db"
        with imports.phoenix(bin_directory, folder) as (base, _):
            imports.send_traces(base, traces, folder)
            spans = _column(database, "SELECT span_id FROM spans")
            yield Place(
                base,
                {"Content-Type": "application/json"},
                spans,
                self._save,
                self._open,
                lambda: int(_column(database, "SELECT count(*) FROM span_annotations")[0]),
            )

    @staticmethod
    def _save(span_id: str, text: str) -> tuple[str, bytes]:
        annotation = {
            "span_id": span_id,
            "name": "reading",
            "identifier": f"{random.getrandbits(48):x}",
            "annotator_kind": "HUMAN",
            "result": {"label": "fail", "explanation": text},
        }
        return "/v1/span_annotations?sync=true", json.dumps({"data": [annotation]}).encode()

    @staticmethod
    def _open(span_id: str) -> str:
        return f"/v1/projects/default/spans?limit=1&span_id={span_id}"


class LabelStudio:
    """An annotation of a task, and the task with its annotations."""

    name = "Label Studio"
    package = "label-studio"

    @contextmanager
    def serve(self, bin_directory: Path, traces: Path, folder: Path) -> Iterator[Place]:
        """Run it with the traces of a file in it."""
        database = folder / "label_studio.sqlite3"
        with imports.label_studio(bin_directory, folder) as (base, _):
            imports.import_tasks(base, traces)
            yield Place(
                base,
                {"Authorization": f"Token {imports.TOKEN}", "Content-Type": "application/json"},
                _column(database, "SELECT id FROM task"),
                self._save,
                lambda task: f"/api/tasks/{task}",
                lambda: int(_column(database, "SELECT count(*) FROM task_completion")[0]),
            )

    @staticmethod
    def _save(task: str, text: str) -> tuple[str, bytes]:
        choice = {
            "from_name": "verdict",
            "to_name": "chat",
            "type": "choices",
            "value": {"choices": ["fail"]},
            "meta": {"text": [text]},
        }
        return f"/api/tasks/{task}/annotations", json.dumps({"result": [choice]}).encode()


def _column(database: Path, statement: str) -> list[str]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=60)) as connection:
        return [str(row[0]) for row in connection.execute(statement)]


ALTERNATIVES: tuple[Alternative, ...] = (Phoenix(), LabelStudio())
