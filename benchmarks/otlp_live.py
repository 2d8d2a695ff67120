"""Live traces: how many are on disk before the sender hears 200, and what a killed server keeps.

The traces are those of the demo project (real runs, 4.4 KB each), sent as an SDK sends them:
two spans a trace, 512 spans a request. The clock stops with the last 200. Then the server is
killed, and what it kept is counted.
"""

import http.client
import io
import json
import os
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import zstandard
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks import measure, row
from benchmarks.figures import Figure, Theirs
from benchmarks.import_alternatives import Phoenix, phoenix, send_span_request, wait_for_rows
from benchmarks.row import Measured

TRACES = measure.ROOT / "server" / "demo" / "misguided_attention" / "traces.jsonl.zst"
SLUG = "live"
TARGET = 1_000
TRACES_SENT: Mapping[str, int] = {"quick": 1_000, "standard": 10_000, "full": 50_000}
BESIDE: Mapping[str, int] = {"quick": 500, "standard": 5_000, "full": 5_000}
SPANS_A_REQUEST = 512
SPANS_A_TRACE = 2
_START_NS = 1_760_000_000_000_000_000


@dataclass(frozen=True)
class Result:
    """One server under so many clients."""

    clients: int
    traces: int
    megabytes: float
    seconds: float
    latencies_s: Sequence[float]
    until_traces_s: float
    """From the last 200 until every trace could be read."""
    kept: int
    """Spans that another server, killed by SIGKILL right after its last 200, still has."""

    def figures(self, theirs: Mapping[str, Theirs]) -> list[Figure]:
        """Return the rate, and what a killed server lost of what it had acknowledged."""
        who = f"{self.clients} client{'s' if self.clients > 1 else ''}"
        p50, p95 = (1000 * measure.quantile(self.latencies_s, share) for share in (0.5, 0.95))
        told = f"{self.megabytes / self.seconds:.1f} MB/s, p50 {p50:.0f} ms, p95 {p95:.0f} ms"
        told += f", all readable {self.until_traces_s:.1f} s later"
        lost = self.traces * SPANS_A_TRACE - self.kept
        return [
            Figure(
                "otlp",
                f"stored before the 200, {who}",
                self.traces / self.seconds,
                "traces/s",
                self.traces,
                TARGET if self.clients == 1 else None,
                theirs.get("stored /s"),
                note=told,
            ),
            Figure(
                "otlp",
                f"spans lost by a kill -9 right after the last 200, {who}",
                lost,
                "lost",
                self.traces,
                0,
                theirs.get("lost"),
            ),
        ]


def conversations() -> Iterator[dict[str, str]]:
    """Yield question and answer of the demo's runs, over and over."""
    with TRACES.open("rb") as packed:
        reader = zstandard.ZstdDecompressor().stream_reader(packed)
        records = [json.loads(line) for line in io.TextIOWrapper(reader, encoding="utf-8")]
    for record in cycle(records):
        sent, answered = record["messages"][0], record["messages"][-1]
        yield {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": record["model"],
            "gen_ai.input.messages": _messages("user", sent["content"]),
            "gen_ai.output.messages": _messages("assistant", answered["content"]),
        }


def _messages(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def bodies(traces: int) -> list[bytes]:
    """Return so many traces as requests in protobuf."""
    found: list[bytes] = []
    request, spans = _request()
    for attributes in islice(conversations(), traces):
        trace_id, root_id = os.urandom(16), os.urandom(8)
        for name, own, parent in (("agent", root_id, b""), ("chat", os.urandom(8), root_id)):
            span = spans.add(trace_id=trace_id, span_id=own, parent_span_id=parent, name=name)
            span.start_time_unix_nano = _START_NS
            span.end_time_unix_nano = _START_NS + 10**9
            for key, value in attributes.items() if parent else ():
                span.attributes.add(key=key).value.string_value = value
        if len(spans) >= SPANS_A_REQUEST:
            found.append(request.SerializeToString())
            request, spans = _request()
    return [*found, request.SerializeToString()] if len(spans) else found


def _request() -> tuple[ExportTraceServiceRequest, Any]:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = "benchmark"
    return request, group.scope_spans.add().spans


def send(port: int, sent: Sequence[bytes], latencies_s: list[float]) -> None:
    """Deliver requests one after the other over one connection."""
    headers = {"content-type": "application/x-protobuf", "x-faultbook-project": SLUG}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        for body in sent:
            started = time.perf_counter()
            connection.request("POST", "/v1/traces", body, headers)
            answer = connection.getresponse()
            told = answer.read()
            if answer.status != 200 or told:
                raise RuntimeError(f"answered {answer.status}: {told!r}")
            latencies_s.append(time.perf_counter() - started)


def measured(clients: int, traces: int) -> Result:
    """Send traces to a server of its own, and once more to one that is killed."""
    sent = bodies(traces)
    with serving() as server:
        seconds, latencies_s = server.take(sent, clients)
        started = time.perf_counter()
        while server.count("otlp_trace WHERE due_at IS NOT NULL"):
            time.sleep(0.05)
        until_s = time.perf_counter() - started
        if server.count("trace") != traces:
            raise RuntimeError(f"{server.count('trace')} traces came out of {traces}")
    with serving() as server:
        server.take(sent, clients)
        os.kill(server.pid, signal.SIGKILL)
        kept = server.count("otlp_span")
    size = sum(map(len, sent))
    return Result(clients, traces, size / 1e6, seconds, latencies_s, until_s, kept)


@dataclass(frozen=True)
class Server:
    """A server with an empty project."""

    pid: int
    port: int
    data: Path

    def take(self, sent: Sequence[bytes], clients: int) -> tuple[float, list[float]]:
        """Deliver requests by so many clients; returns the seconds in all, and for each."""
        latencies_s: list[float] = []
        threads = [
            threading.Thread(target=send, args=(self.port, sent[number::clients], latencies_s))
            for number in range(clients)
        ]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - started
        if len(latencies_s) != len(sent):
            raise RuntimeError("A client was refused.")
        return seconds, latencies_s

    def count(self, what: str) -> int:
        """Count rows on disk, beside the server."""
        with closing(sqlite3.connect(self.data / "faultbook.sqlite")) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0])


@contextmanager
def serving() -> Iterator[Server]:
    """Run a server on a database of its own."""
    port = measure.free_port()
    with tempfile.TemporaryDirectory(prefix="faultbook-otlp-") as folder:
        data = Path(folder) / "data"
        command = [row.faultbook(), "serve", "--no-login"]
        command += ["--port", str(port), "--data", str(data)]
        url = f"http://127.0.0.1:{port}/healthz"
        with measure.serving(command, url, Path(folder) / "log") as pid:
            _make_project(port)
            yield Server(pid, port, data)


def _make_project(port: int) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        headers = {"content-type": "application/json"}
        connection.request("POST", "/api/v1/projects", json.dumps({"name": SLUG}), headers)
        answer = connection.getresponse()
        if answer.status != 201:
            raise RuntimeError(answer.read())


def phoenix_beside(traces: int) -> Measured:
    """Send the same requests to Phoenix by one client, wait for its database; then kill another.

    It is killed a second after its last 200.
    """
    bin_directory = measure.environment(Phoenix.package, Phoenix.package)
    sent = bodies(traces)
    values: dict[str, float] = {}
    with row.scratch("phoenix") as folder, phoenix(bin_directory, folder) as (url, _):
        started = time.perf_counter()
        _send_to_phoenix(url, sent)
        values["acknowledged /s"] = traces / (time.perf_counter() - started)
        wait_for_rows(folder / "phoenix.db", "traces", traces)
        values["stored /s"] = traces / (time.perf_counter() - started)
    with row.scratch("phoenix") as folder:
        with phoenix(bin_directory, folder) as (url, pid):
            _send_to_phoenix(url, sent)
            time.sleep(1)
            os.kill(pid, signal.SIGKILL)
        with closing(sqlite3.connect(folder / "phoenix.db")) as connection:
            (kept,) = connection.execute("SELECT count(*) FROM spans").fetchone()
        values["lost"] = traces * SPANS_A_TRACE - kept
    return Measured(measure.installed_version(bin_directory, Phoenix.package), values)


def _send_to_phoenix(url: str, sent: Sequence[bytes]) -> None:
    for body in sent:
        send_span_request(f"{url}/v1/traces", body)


def main() -> None:
    """Measure and print the figures."""
    asked = row.parser(__doc__).parse_args()
    traces, beside = TRACES_SENT[asked.form], BESIDE[asked.form]
    with row.running("otlp", asked) as found:
        theirs = found.beside("Phoenix", "live", partial(phoenix_beside, beside), size=beside)
        for clients in (1, 4):
            found.add(*measured(clients, traces).figures(theirs if clients == 1 else {}))


if __name__ == "__main__":
    main()
