"""Phoenix and Label Studio filled with the same traces: saving, opening and listing by their APIs.

Each is filled once with the SQLite database it comes with, kept, and served from a copy.
"""

import argparse
import json
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlencode

from benchmarks import import_alternatives as imports
from benchmarks import measure, real_traces
from benchmarks.clients import Client

BESIDE: Mapping[str, int] = {"quick": 500, "standard": 10_000, "full": 100_000}
"""Traces in the other tools, by the form of the run: Phoenix takes some 150 a second."""


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    body: bytes | None = None


class Place(NamedTuple):
    """A running server: where it is, what to send it, and how to count what it kept."""

    base: str
    pid: int
    headers: dict[str, str]
    items: Sequence[str]
    save: Callable[[str, str], tuple[str, bytes]]
    """Item and text -> path and body."""
    opened: Sequence[Asked]
    """What the screens of single traces are filled from."""
    listed: Mapping[str, Asked]
    """First page, a filter, a search -> what its list is filled from."""
    kept: Callable[[], int]
    """How many annotations are in the database."""


def check(client: Client, asked: Asked) -> None:
    """Ask once: GraphQL answers 200 to what it refuses.

    Raises:
        RuntimeError: It was refused.
    """
    answer = client.send(*asked).json()
    if answer.get("errors"):
        raise RuntimeError(f"{asked.path}: {answer['errors']}")


class Alternative(Protocol):
    """Another tool that takes annotations."""

    name: str
    package: str

    def fill(self, bin_directory: Path, traces: Path, folder: Path) -> None:
        """Import a file of traces into a new database in `folder`."""
        ...

    def serve(self, bin_directory: Path, folder: Path) -> AbstractContextManager[Place]:
        """Run it on a filled folder."""
        ...


def filled(other: Alternative, asked: argparse.Namespace, into: Path) -> tuple[Path, Path]:
    """Return where it is installed, and a copy of its data with the traces of this form in it.

    Raises:
        NotInstallable: It cannot be installed here.
    """
    bin_directory = measure.environment(other.package, other.package)
    number = BESIDE[asked.form]
    kept = asked.data / f"{other.package}-{number}"
    if not kept.exists():
        asked.data.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        lines = real_traces.write([real_traces.SHIPPED], number, into / f"{number}.jsonl")
        other.fill(bin_directory, lines, part)
        part.rename(kept)
    copy = into / kept.name
    shutil.copytree(kept, copy)
    return bin_directory, copy


class Phoenix:
    """A span annotation with `sync=true`; lists and traces by the GraphQL that its screens ask."""

    name = "Phoenix"
    package = "arize-phoenix"
    _PROJECT = "UHJvamVjdDox"
    """`Project:1`, the default project."""
    _LIST = """query ($id: ID!, $condition: String) { node(id: $id) { ... on Project {
        spans(first: 50, sort: {col: startTime, dir: desc},
              filterCondition: $condition) {
          edges { node { id name startTime latencyMs statusCode tokenCountTotal
                         input { value: truncatedValue } output { value: truncatedValue } } }
          pageInfo { endCursor hasNextPage } } } } }"""

    _TRACE = """query ($id: ID!, $trace: ID!) { node(id: $id) { ... on Project {
        trace(traceId: $trace) { id latencyMs
          spans(first: 1000) { edges { node { id name spanKind statusCode startTime parentId
            latencyMs attributes input { value mimeType } output { value mimeType } } } } } } } }"""

    def fill(self, bin_directory: Path, traces: Path, folder: Path) -> None:
        """Import a file of traces into a new database in `folder`."""
        with imports.phoenix(bin_directory, folder) as (base, _):
            imports.send_traces(base, traces, folder)

    @contextmanager
    def serve(self, bin_directory: Path, folder: Path) -> Iterator[Place]:
        """Run it on a filled folder."""
        database = folder / "phoenix.db"
        with imports.phoenix(bin_directory, folder) as (base, pid):
            yield Place(
                base,
                pid,
                {"Content-Type": "application/json"},
                _column(database, "SELECT span_id FROM spans"),
                self._save,
                [self._open(one) for one in _column(database, "SELECT trace_id FROM traces")],
                self._lists(),
                lambda: int(_column(database, "SELECT count(*) FROM span_annotations")[0]),
            )

    def _lists(self) -> dict[str, Asked]:
        conditions = {
            "first page": "",
            "filter": "llm.model_name == 'claude-opus-4'",
            "text": "'barber' in str(attributes['llm']['input_messages'][0]['message']['content'])",
        }
        return {
            what: self._asked(self._LIST, condition=condition)
            for what, condition in conditions.items()
        }

    def _open(self, trace_id: str) -> Asked:
        return self._asked(self._TRACE, trace=trace_id)

    def _asked(self, query: str, **variables: str) -> Asked:
        told = {"query": query, "variables": {"id": self._PROJECT, **variables}}
        return Asked("POST", "/graphql", json.dumps(told).encode())

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


class LabelStudio:
    """An annotation of a task, the task with its annotations, the tasks of its data manager."""

    name = "Label Studio"
    package = "label-studio"

    def fill(self, bin_directory: Path, traces: Path, folder: Path) -> None:
        """Import a file of traces into a new database in `folder`."""
        with imports.label_studio(bin_directory, folder) as (base, _):
            imports.import_tasks(base, traces)

    @contextmanager
    def serve(self, bin_directory: Path, folder: Path) -> Iterator[Place]:
        """Run it on a filled folder."""
        database = folder / "label_studio.sqlite3"
        with imports.label_studio(bin_directory, folder) as (base, pid):
            yield Place(
                base,
                pid,
                {"Authorization": f"Token {imports.TOKEN}", "Content-Type": "application/json"},
                _column(database, "SELECT id FROM task"),
                self._save,
                [
                    Asked("GET", f"/api/tasks/{task}?project=1")
                    for task in _column(database, "SELECT id FROM task")
                ],
                self._lists(),
                lambda: int(_column(database, "SELECT count(*) FROM task_completion")[0]),
            )

    @classmethod
    def _lists(cls) -> dict[str, Asked]:
        return {
            "first page": cls._asked(),
            "filter": cls._asked("data.model", "equal", "claude-opus-4"),
            "text": cls._asked("data.messages", "contains", "barber"),
        }

    @staticmethod
    def _asked(field: str = "", operator: str = "", value: str = "") -> Asked:
        items = [
            {
                "filter": f"filter:tasks:{field}",
                "operator": operator,
                "value": value,
                "type": "String",
            }
        ]
        query = {"filters": {"conjunction": "and", "items": items if field else []}}
        fields = {"project": 1, "page": 1, "page_size": 50, "query": json.dumps(query)}
        return Asked("GET", f"/api/tasks?{urlencode(fields)}")

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
