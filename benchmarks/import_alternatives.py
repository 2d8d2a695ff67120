"""The same traces into Phoenix and Label Studio, by the way that each documents.

Both run as servers on two cores with the SQLite database they come with. The clock runs from the
first byte that is sent to the last trace that is in the database.
"""

import json
import os
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks import measure, real_traces

_WITHIN_S = 3600.0
_SPANS_A_REQUEST = 512
_TASKS_A_REQUEST = 10_000
TOKEN = "0123456789abcdef0123456789abcdef01234567"


class Taken(NamedTuple):
    """How long so many traces took, and the most memory the server held."""

    seconds: float
    peak_bytes: int


class Alternative(Protocol):
    """Another tool that takes traces in."""

    name: str
    package: str

    def take(self, bin_directory: Path, traces: Path, folder: Path, times: int) -> Taken:
        """Import a file of traces into a server that lives in `folder`; the median of some times.

        A server that takes minutes for them does it once.
        """


class Phoenix:
    """OTLP over HTTP, one LLM span a trace, as its documentation sends traces from elsewhere."""

    name = "Phoenix"
    package = "arize-phoenix"

    def take(self, bin_directory: Path, traces: Path, folder: Path, times: int) -> Taken:
        bodies = list(_otlp(traces))
        with phoenix(bin_directory, folder) as (url, pid), measure.Memory(pid) as memory:
            seconds = _send_spans(url, bodies, folder)
        return Taken(seconds, memory.peak_bytes)


@contextmanager
def phoenix(bin_directory: Path, folder: Path) -> Iterator[tuple[str, int]]:
    """Run Phoenix on a database in `folder`; gives its address and process id."""
    port = measure.free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(measure.free_port()),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    command = [str(bin_directory / "python"), str(bin_directory / "phoenix"), "serve"]
    with measure.serving(command, f"{url}/healthz", folder / "log", env=settings) as pid:
        yield url, pid


def send_traces(url: str, traces: Path, folder: Path) -> None:
    """Deliver a file of traces to Phoenix and wait until they are in its database."""
    _send_spans(url, list(_otlp(traces)), folder)


def _send_spans(url: str, bodies: list[tuple[bytes, int]], folder: Path) -> float:
    """Return the seconds until the last trace is in the database."""
    started = time.perf_counter()
    for body, _ in bodies:
        send_span_request(f"{url}/v1/traces", body)
    wait_for_rows(folder / "phoenix.db", "traces", sum(n for _, n in bodies))
    return time.perf_counter() - started


def send_span_request(url: str, body: bytes) -> None:
    """Deliver a request; a full queue is waited for, as exporters do."""
    headers = {"content-type": "application/x-protobuf"}
    deadline = time.monotonic() + _WITHIN_S
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=600):
                return
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503) or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def wait_for_rows(database: Path, table: str, number: int) -> None:
    """Wait until a table of a SQLite database holds so many rows.

    Raises:
        RuntimeError: It does not within an hour.
    """
    deadline = time.monotonic() + _WITHIN_S
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=60)) as connection:
        while time.monotonic() < deadline:
            (found,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            if found >= number:
                return
            time.sleep(0.2)
    raise RuntimeError(f"{found} of {number} rows in {table} after {_WITHIN_S:.0f} s")


def _otlp(traces: Path) -> Iterator[tuple[bytes, int]]:
    """Yield requests with so many traces each; messages as OpenInference names them."""
    records = real_traces.read(traces)
    while part := list(islice(records, _SPANS_A_REQUEST)):
        request = ExportTraceServiceRequest()
        spans = request.resource_spans.add().scope_spans.add().spans
        for record in part:
            span = spans.add(trace_id=os.urandom(16), span_id=os.urandom(8), name="chat")
            span.start_time_unix_nano = time.time_ns()
            span.end_time_unix_nano = span.start_time_unix_nano + 10**9
            for key, value in _attributes(record):
                span.attributes.add(key=key).value.string_value = value
        yield request.SerializeToString(), len(part)


def _attributes(record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "openinference.span.kind", "LLM"
    yield "llm.model_name", str(record.get("model", ""))
    yield "metadata", json.dumps({k: v for k, v in record.items() if k != "messages"})
    *sent, answered = record["messages"]
    for direction, messages in (("input", sent), ("output", [answered])):
        for place, message in enumerate(messages):
            prefix = f"llm.{direction}_messages.{place}.message"
            yield f"{prefix}.role", message["role"]
            for key in ("content", "reasoning"):
                if message.get(key):
                    yield f"{prefix}.{key}", str(message[key])


class LabelStudio:
    """Its JSON import API, ten thousand tasks a request."""

    name = "Label Studio"
    package = "label-studio"

    def take(self, bin_directory: Path, traces: Path, folder: Path, times: int) -> Taken:
        with label_studio(bin_directory, folder) as (url, pid):
            bodies = list(_tasks(traces))
            with measure.Memory(pid) as memory:
                seconds = sorted(_import_tasks(url, bodies) for _ in range(times))
        return Taken(seconds[times // 2], memory.peak_bytes)


@contextmanager
def label_studio(bin_directory: Path, folder: Path) -> Iterator[tuple[str, int]]:
    """Run Label Studio on a database in `folder`; gives its address and process id."""
    port = measure.free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
    }
    command = [str(bin_directory / name) for name in ("python", "label-studio")]
    command += ["start", "--no-browser"]
    command += ["--port", str(port), "--data-dir", str(folder), "--user-token", TOKEN]
    command += ["--username", "bench@host.example", "--password", "benchmark"]
    with measure.serving(command, f"{url}/health", folder / "log", env=settings) as pid:
        yield url, pid


def import_tasks(url: str, traces: Path) -> None:
    """Import a file of traces into a project of Label Studio, each with one annotation."""
    _import_tasks(url, list(_tasks(traces, labelled=True)))


def _import_tasks(url: str, bodies: list[bytes]) -> float:
    """Return the seconds that tasks take into a project of their own."""
    project = _call(f"{url}/api/projects", {"title": "Import", "label_config": _LABELS})
    started = time.perf_counter()
    for body in bodies:
        _call(f"{url}/api/projects/{project['id']}/import", body)
    return time.perf_counter() - started


_LABELS = (
    '<View><Paragraphs name="chat" value="$messages" layout="dialogue" nameKey="role" '
    'textKey="content"/><Choices name="verdict" toName="chat"><Choice value="pass"/>'
    '<Choice value="fail"/></Choices></View>'
)


_ANNOTATION = {
    "result": [
        {
            "from_name": "verdict",
            "to_name": "chat",
            "type": "choices",
            "value": {"choices": ["fail"]},
        }
    ]
}


def _tasks(traces: Path, *, labelled: bool = False) -> Iterator[bytes]:
    records = real_traces.read(traces)
    while part := list(islice(records, _TASKS_A_REQUEST)):
        if labelled:
            part = [{"data": record, "annotations": [_ANNOTATION]} for record in part]
        yield json.dumps(part).encode()


def _call(url: str, body: Any) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"authorization": f"Token {TOKEN}", "content-type": "application/json"}
    request = urllib.request.Request(url, data, headers)
    with urllib.request.urlopen(request, timeout=_WITHIN_S) as answer:
        return json.load(answer)


ALTERNATIVES: tuple[Alternative, ...] = (LabelStudio(), Phoenix())
