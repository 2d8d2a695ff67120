"""Spans that come in live: redacted, packed and stored before the sender is told so.

Storing them is all that a sender waits for; `live_traces` puts traces together of them afterwards.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

import zstandard
from sqlmodel import Session

from server.errors import Forbidden, Invalid, NotFound
from server.importers.base import RefusedRecord
from server.importers.redaction import Redactor, Rule
from server.importers.spans.otlp_wire import decode
from server.importers.spans.redaction import redacted
from server.importers.spans.span import Span
from server.models.base import stored_id, utc_now
from server.models.project import Project
from server.models.trace import Import, ImportStatus
from server.queries import otlp as queries
from server.settings import Settings

NAME = "Live traces"
QUIET = timedelta(seconds=1)
"""How long spans wait for others of their trace before it is put together."""
_QUIET_PER_SPAN = timedelta(milliseconds=2)
LONGEST_QUIET = timedelta(seconds=120)
_REFUSED_FILE_BYTES = 64 * 1024**2
"""Refused spans are kept in their file up to this size; further ones are only counted."""


class PackedSpan(NamedTuple):
    """A span as the database keeps it."""

    trace_key: str
    span_key: str
    payload: bytes


@dataclass(frozen=True)
class Delivery:
    """What one request brought for a project."""

    project_id: int
    sender_id: int
    """The annotator on whose behalf it was sent."""
    spans: tuple[PackedSpan, ...]
    refused: tuple[RefusedRecord, ...] = ()
    redacted: int = 0
    """How many finds the project's redaction rules replaced."""

    def parts(self, most: int) -> list["Delivery"]:
        """Return it in parts of at most so many spans; the first tells what there is besides."""
        first = replace(self, spans=self.spans[:most])
        rest = [self.spans[n : n + most] for n in range(most, len(self.spans), most)]
        return [first, *(replace(self, spans=part, refused=(), redacted=0) for part in rest)]


def pack(span: Span) -> bytes:
    """Return a span as the database keeps it."""
    return zstandard.compress(json.dumps(span.as_json(), separators=(",", ":")).encode())


def unpack(payload: bytes) -> Span:
    """Return a span from what the database keeps of it."""
    return Span.from_json(json.loads(zstandard.decompress(payload)))


def prepare(
    body: bytes, content_type: str, project_id: int, sender_id: int, rules: Sequence[Rule]
) -> Delivery:
    """Decode, redact and pack what was sent; a span that does not fit is refused alone.

    Raises:
        Undecodable: The body is no OTLP at all.
    """
    decoded = decode(body, content_type)
    redactor = Redactor(rules)
    spans: list[PackedSpan] = []
    refused = redactor.refused(
        RefusedRecord(NAME, 0, span.field, span.reason, span.record) for span in decoded.refused
    )
    total = 0
    for span in decoded.spans:
        try:
            clean, finds = redacted(span, redactor)
        except Invalid as problem:
            refused.append(_refusal(span.trace_key, span.span_key, problem.message))
        else:
            total += finds
            spans.append(PackedSpan(span.trace_key, span.span_key, pack(clean)))
    return Delivery(project_id, sender_id, tuple(spans), tuple(refused), total)


def _refusal(trace_key: str, span_key: str, reason: str) -> RefusedRecord:
    """Refuse a span without keeping its words."""
    names = json.dumps({"traceId": trace_key, "spanId": span_key})
    return RefusedRecord(NAME, 0, "", reason, names)


def store(
    session: Session, settings: Settings, project_id: int, deliveries: Sequence[Delivery]
) -> list[tuple[RefusedRecord, ...]]:
    """Write the spans of deliveries to one project; returns what was refused of each.

    A span that came before is replaced, so that a delivery sent again changes nothing.

    Raises:
        NotFound: The project is gone.
        Forbidden: It takes no more traces.
    """
    project = session.get(Project, project_id)
    if project is None:
        raise NotFound("This project is gone. Nothing of this delivery was kept.")
    if project.why_closed:
        raise Forbidden(f"{project.why_closed} Nothing of this delivery was kept.")
    row = live_import(session, project_id, deliveries[0].sender_id)
    rules = _Rules(session, settings, project_id, deliveries)
    taken = [rules.applied(delivery) for delivery in deliveries]
    _write(session, project_id, [span for spans, _ in taken for span in spans], rules.span_counts)
    refused = [records for _, records in taken]
    _count(
        session,
        settings,
        row,
        [record for records in refused for record in records],
        sum(delivery.redacted for delivery in deliveries),
    )
    return refused


def live_import(session: Session, project_id: int, sender_id: int) -> Import:
    """Return the import that live spans of a project belong to, made with the first of them."""
    row = session.exec(queries.live_import(project_id)).first()
    if row is not None:
        return row
    # Of several server processes, one makes it.
    session.exec(queries.locked_project(project_id)).one()
    row = session.exec(queries.live_import(project_id)).first()
    if row is None:
        row = Import(
            project_id=project_id,
            created_by=sender_id,
            file_name=NAME,
            format=queries.LIVE,
            status=ImportStatus.DONE,
            finished_at=utc_now(),
        )
        session.add(row)
        session.flush()
    return row


class _Rules:
    """Which spans may not come in although nothing is wrong with them."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        project_id: int,
        deliveries: Sequence[Delivery],
    ) -> None:
        keys = {span.trace_key for delivery in deliveries for span in delivery.spans}
        found = session.execute(queries.span_counts(project_id, keys)) if keys else ()
        self.span_counts: dict[str, int] = {row[0]: row[1] for row in found}
        self._erased = set(session.exec(queries.erased(project_id, keys))) if keys else set()
        self._most = settings.otlp_trace_spans

    def applied(self, delivery: Delivery) -> tuple[list[PackedSpan], tuple[RefusedRecord, ...]]:
        """Return which spans of a delivery stay, and every refusal of it."""
        kept: list[PackedSpan] = []
        refused = [*delivery.refused]
        for span in delivery.spans:
            reason = self._why_not(span.trace_key)
            if reason:
                refused.append(_refusal(span.trace_key, span.span_key, reason))
            else:
                kept.append(span)
        return kept, tuple(refused)

    def _why_not(self, trace_key: str) -> str:
        if trace_key in self._erased:
            return f"Trace {trace_key} was erased here: nothing of it comes in again."
        count = self.span_counts.get(trace_key, 0)
        if count >= self._most:
            return (
                f"Trace {trace_key} has {count:,} spans, and {self._most:,} are the most: begin "
                "new traces, or raise FAULTBOOK_OTLP_TRACE_SPANS."
            )
        return ""


def _write(
    session: Session,
    project_id: int,
    spans: Sequence[PackedSpan],
    span_counts: Mapping[str, int],
) -> None:
    if not spans:
        return
    now = utc_now()
    connection = session.connection()
    dialect = connection.dialect.name
    # In one order everywhere, so that two processes do not wait for each other's rows.
    rows = [
        {"created_at": now, "project_id": project_id, **span._asdict()}
        for span in sorted(spans, key=lambda span: (span.trace_key, span.span_key))
    ]
    connection.execute(queries.keep_spans(dialect), rows)
    marks = [
        {
            "created_at": now,
            "project_id": project_id,
            "trace_key": key,
            "span_count": 0,
            "arrivals": 1,
            "received_at": now,
            "due_at": due_after(now, span_counts.get(key, 0)),
            "problem": "",
        }
        for key in sorted({span.trace_key for span in spans})
    ]
    connection.execute(queries.keep_traces(dialect), marks)


def due_after(now: datetime, span_count: int) -> datetime:
    """Return when a trace of so many spans is put together, after more of it came in.

    The longer it is, the longer it waits: work on it stays in proportion to its spans, however
    many deliveries they come in.
    """
    return now + min(QUIET + span_count * _QUIET_PER_SPAN, LONGEST_QUIET)


def _count(
    session: Session,
    settings: Settings,
    row: Import,
    refused: Sequence[RefusedRecord],
    redacted_finds: int,
) -> None:
    """Count what was refused and redacted; refused spans are on disk before their count is."""
    if not refused and not redacted_finds:
        return
    session.refresh(row, with_for_update=True)
    counts = row.counts
    row.counts = {
        **counts,
        "refused": counts.get("refused", 0) + len(refused),
        "redacted": counts.get("redacted", 0) + redacted_finds,
    }
    if refused:
        row.refused_file = _keep(settings, stored_id(row), refused)
    session.add(row)


def _keep(settings: Settings, import_id: int, refused: Sequence[RefusedRecord]) -> str:
    """Append refused spans to their file; returns its path in the data directory."""
    path = settings.refused / f"import-{import_id}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as stream:
        for record in refused:
            if stream.tell() < _REFUSED_FILE_BYTES:
                stream.write(json.dumps(asdict(record)).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    return f"refused/{path.name}"
