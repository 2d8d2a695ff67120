"""The next trace of a queue, for fifty annotators at once: how long a claim takes, and to whom.

A project of 100,000 traces, batches of several sizes of which four fifths are read already. Each
annotator claims a trace, gives a verdict, hands it in with the claim's token and thinks for a
moment, by HTTP against a real server: four times as fast as the hundred traces an hour that people
aim for. Then all of them claim at the same moment.
"""

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlmodel import Session, col

from benchmarks import figures, measure, row, served
from benchmarks.figures import Figure
from server.db import Database
from server.models.base import stored_id, utc_now
from server.models.project import Member, Role
from server.models.trace import Trace
from server.models.user import User
from server.models.verdict import Verdict, VerdictValue
from server.queries import assignments
from server.services import accounts, batches, projects, rounds, tokens
from server.services.tokens import Scope

SLUG = "queue"
READ_BEFORE = 0.8
TARGET_MS = 30
_AT_ONCE = 10_000


@dataclass
class Reader:
    """One annotator with a connection of their own."""

    base: str
    secret: str
    seconds: list[float] = field(default_factory=list)
    """How long each claim took."""
    traces: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base)
        self._connection = http.client.HTTPConnection(
            str(parts.hostname), int(parts.port or 80), timeout=60
        )

    def look(self) -> None:
        """Ask for something else first: the first answers of a fresh server are slower."""
        self._send("GET", "/queue")

    def claim(self) -> dict[str, Any] | None:
        """Claim the next trace, and note how long that took."""
        started = time.perf_counter()
        claim: dict[str, Any] | None = self._send("POST", "/queue/claim")
        self.seconds.append(time.perf_counter() - started)
        if claim is not None:
            self.traces.append(claim["trace_id"])
        return claim

    def finish(self, claim: dict[str, Any]) -> None:
        """Pass the trace, and hand that in under the claim."""
        path = f"/traces/{claim['trace_id']}/verdict"
        self._send("PUT", path, {"value": "pass"})
        self._send("POST", f"{path}/submit", {"lease": claim["token"], "seconds": 1.0})

    def rest(self) -> None:
        """Close the connection before a pause; otherwise the server may, just as we ask again."""
        self._connection.close()

    def _send(self, method: str, path: str, body: object = None) -> Any:
        headers = {
            "Authorization": f"Bearer {self.secret}",
            "Content-Type": "application/json",
        }
        sent = None if body is None else json.dumps(body)
        self._connection.request(method, f"/api/v1/projects/{SLUG}{path}", sent, headers)
        answer = self._connection.getresponse()
        told = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {told.decode()}")
        return json.loads(told)


@dataclass(frozen=True)
class Result:
    """All annotators on one batch."""

    what: str
    seconds: Sequence[float]
    lasted_s: float
    twice: int
    """Traces that were handed to two people."""

    def figures(self, promise: str, size: int, target_ms: float | None) -> list[Figure]:
        """Return how long claims took, and how often two got the same."""
        ms = {share: 1000 * measure.quantile(self.seconds, share) for share in (0.5, 0.95)}
        rate = f"{len(self.seconds) / self.lasted_s:.0f} claims/s, p50 {figures.number(ms[0.5])} ms"
        return [
            Figure(promise, self.what, ms[0.95], "ms p95", size, target_ms, note=rate),
            Figure(promise, f"{self.what}: handed out twice", self.twice, "traces", size, 0),
        ]


def _fill(database: Database, trace_count: int, people: int) -> list[str]:
    """Make the project with its traces, and give the secrets of its annotators' tokens."""
    with database.writing() as session:
        project_id = stored_id(projects.create(session, SLUG))
        for start in range(0, trace_count, _AT_ONCE):
            rows = [
                {
                    "project_id": project_id,
                    "external_id": f"trace-{number}",
                    "item_id": f"trace-{number}",
                    "model": "model-a",
                    "step_count": 2,
                    "search_text": "",
                }
                for number in range(start, min(start + _AT_ONCE, trace_count))
            ]
            session.execute(sa.insert(Trace), rows)
        secrets = []
        for number in range(people):
            user = User(name=f"Reader {number}", email=f"reader-{number}@example.org")
            session.add(user)
            session.flush()
            accounts.take_part(session, project_id, user, Role.ANNOTATOR)
            secrets.append(tokens.create_token(session, user, "queue", list(Scope)))
        return secrets


def _draw(session: Session, size: int, first: int) -> None:
    """Make a batch of traces from the `first` on; most of it is read already."""
    project = projects.find(session, SLUG)
    lead = projects.local_member(session, project, "Lead")
    ids = session.scalars(
        sa.select(col(Trace.id)).where(col(Trace.project_id) == project.id).order_by(col(Trace.id))
    ).all()[first : first + size]
    batches.create_from(session, lead, [trace_id for trace_id in ids if trace_id], f"{size:,}")
    _read(session, lead, [trace_id for trace_id in ids[: int(READ_BEFORE * size)] if trace_id])


def _read(session: Session, lead: Member, ids: Sequence[int]) -> None:
    readers = session.exec(assignments.readers(lead.project_id)).all()
    round_id = stored_id(rounds.current(session, lead))
    rows = [
        {
            "trace_id": trace_id,
            "annotator_id": readers[number % len(readers)].id,
            "round_id": round_id,
            "value": VerdictValue.PASS,
            "submitted_at": utc_now(),
        }
        for number, trace_id in enumerate(ids)
    ]
    session.execute(sa.insert(Verdict), rows)


def _work(what: str, readers: Sequence[Reader], task: Callable[[Reader], None]) -> Result:
    """Let everybody do their task at the same time, and measure their claims."""
    for reader in readers:
        reader.seconds.clear()
        reader.traces.clear()
    barrier = threading.Barrier(len(readers))

    def run(reader: Reader) -> None:
        reader.rest()
        barrier.wait()
        task(reader)

    started = time.perf_counter()
    with ThreadPoolExecutor(len(readers)) as pool:
        list(pool.map(run, readers))
    lasted = time.perf_counter() - started
    holders = Counter(trace for reader in readers for trace in set(reader.traces))
    twice = sum(count > 1 for count in holders.values())
    return Result(what, [s for reader in readers for s in reader.seconds], lasted, twice)


def _reading(seconds: float, pause_s: float) -> Callable[[Reader], None]:
    """Claim, read and hand in for so long, with a pause of a second or so for each trace."""

    def task(reader: Reader) -> None:
        chance = random.Random(reader.secret)
        until = time.monotonic() + seconds
        time.sleep(chance.uniform(0, pause_s))  # they do not begin at the same moment
        while time.monotonic() < until and (claim := reader.claim()):
            reader.finish(claim)
            reader.rest()
            time.sleep(chance.uniform(0, 2 * pause_s))

    return task


class Asked(NamedTuple):
    """How large, how long, and on what."""

    traces: int = 100_000
    annotators: int = 50
    sizes: Sequence[int] = (100, 1_000, 5_000)
    seconds: float = 20.0
    """How long each batch is read."""
    pause_s: float = 9.0
    """For a trace, on average."""
    workers: int = 1


FORMS: Mapping[str, Asked] = {
    "quick": Asked(10_000, sizes=(1_000,), seconds=10.0, pause_s=5.0),
    "standard": Asked(),
    "full": Asked(seconds=60.0),
}


def measured(asked: Asked, folder: Path, url: str = "") -> Iterator[tuple[Result, bool]]:
    """Yield the result for each batch, and whether people came at their pace, not all at once."""
    database_url = url or served.url_of(folder)
    measure.run([row.faultbook(), "migrate", "--data", str(folder), "--database", database_url])
    with served.opened(database_url) as database:
        secrets = _fill(database, asked.traces, asked.annotators)
        with served.serving(folder, database=database_url, workers=asked.workers) as (base, _):
            readers = [Reader(base, secret) for secret in secrets]
            drawn = 0
            for reader in readers[:3]:
                reader.look()
            for size in asked.sizes:
                with database.writing() as session:
                    _draw(session, size, drawn)
                drawn += size
                task = _reading(asked.seconds, asked.pause_s)
                yield _work(f"next trace, batch of {size:,}", readers, task), True
            with database.writing() as session:
                _draw(session, 5 * asked.annotators, drawn)
            yield _work("next trace, all in one moment", readers, _claim), False


def _claim(reader: Reader) -> None:
    reader.claim()


def main() -> None:
    """Measure and print the figures."""
    parser = row.parser(__doc__)
    parser.add_argument("--database", default="", help="URL of an empty database; SQLite if none")
    parser.add_argument("--workers", type=int, default=1, help="server processes (PostgreSQL)")
    asked = parser.parse_args()
    form = FORMS[asked.form]._replace(workers=asked.workers)
    with row.running("queue", asked) as found, row.scratch("queue") as folder:
        for result, at_pace in measured(form, folder, asked.database):
            found.add(*result.figures("queue", form.traces, TARGET_MS if at_pace else None))


if __name__ == "__main__":
    main()
