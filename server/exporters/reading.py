"""From the database to export records, a chunk of traces at a time, as far as a member may see."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from server.exporters.first_turns import FailedTrace, StepRecord
from server.exporters.records import (
    EVERYTHING,
    AnnotatorRecord,
    Codebook,
    LabelRecord,
    Manifest,
    ModeRecord,
    NoteRecord,
    Part,
    SignalRecord,
    TraceRecord,
    VerdictRecord,
)
from server.models.base import stored_id, utc_now
from server.models.project import Member
from server.queries import exports as queries
from server.queries import signals
from server.queries.filters import Filters
from server.signals import registry

CHUNK = 1_000
RUNS_AT_ONCE = 200
"""Traces whose steps are held at once."""
JUDGED = ("outcome", "outcome_source", "executed_outcome", "score", "metadata")
"""What a judge or the source's own scoring says; blind annotators see it after their verdict."""


@dataclass(frozen=True)
class Source:
    """What one export reads: the traces of a project that meet `where`, seen by a member."""

    session: Session
    member: Member
    where: Sequence[sa.ColumnElement[bool]]
    whole: "Source | None" = None
    """The same traces in every part of the split, where only one of them is exported."""

    def narrowed(self, *conditions: sa.ColumnElement[bool]) -> "Source":
        """Return the traces that meet these conditions, too."""
        return replace(self, where=[*self.where, *conditions])

    def of_part(self, condition: sa.ColumnElement[bool]) -> "Source":
        """Return the traces of one part of the split."""
        return replace(self.narrowed(condition), whole=self)

    @property
    def of_every_part(self) -> "Source":
        """The traces before one part of the split was chosen."""
        return self.whole or self

    def count(self) -> int:
        """How many traces the export holds."""
        return self._size

    @cached_property
    def _size(self) -> int:
        return self.session.scalar(queries.size(self.where)) or 0

    def label_counts(self) -> tuple[int, int]:
        """How many labels people gave on these traces, and how many people did."""
        labels, people = self.session.execute(queries.label_counts(self.member, self.where)).one()
        return labels, people

    def traces(
        self, *, most: int | None = None, parts: Collection[Part] = EVERYTHING
    ) -> Iterator[TraceRecord]:
        """Read the traces in the order they came in, at most `most`, with these parts."""
        after, left = 0, most
        while left is None or left > 0:
            count = CHUNK if left is None else min(CHUNK, left)
            statement = queries.chunk(self.member, self.where, after=after, count=count)
            rows = self._rows(statement)
            yield from self._records(rows, parts)
            if len(rows) < count:
                return
            after, left = rows[-1].id, None if left is None else left - len(rows)

    def _records(self, rows: Sequence[Any], parts: Collection[Part]) -> Iterator[TraceRecord]:
        ids, member = [row.id for row in rows], self.member
        reads = {part: _STATEMENTS[part] for part in _STATEMENTS if part in parts}
        said = {part: self._by_trace(*made(member, ids)) for part, made in reads.items()}
        statement = queries.splits(member.project_id, {row.item_id for row in rows})
        splits = dict(map(tuple, self._rows(statement)))
        measured = self._signals(rows) if Part.SIGNALS in parts else {}
        for row in rows:
            row_id = row.id
            own = {part: found.get(row_id, ()) for part, found in said.items()}
            yield TraceRecord(
                fields=_fields(row) | measured.get(row_id, {}),
                labels=tuple(own.get(Part.LABELS, ())),
                notes=tuple(own.get(Part.NOTES, ())),
                verdicts=_latest(own.get(Part.VERDICTS, ())),
                judge_verdicts=tuple(own.get(Part.JUDGE_VERDICTS, ())),
                split=splits.get(row.item_id),
                row_id=row_id,
            )

    def _signals(self, rows: Sequence[Any]) -> dict[int, dict[str, Any]]:
        """Read what stands under `signals` of these traces, as far as the member may see it."""
        is_open = {row.id: row.is_open for row in rows}
        if not self.signals:
            return {trace_id: {} for trace_id in is_open}
        found: dict[int, dict[str, Any]] = {trace_id: {} for trace_id in is_open}
        for trace_id, name, value, label in self._rows(signals.of_traces([*is_open])):
            seen = label if value is None else value
            if not is_open[trace_id]:
                seen = registry.definition_of(name).seen(seen, sees_outcomes=False)
            if seen is not None:
                found[trace_id][name] = seen
        names = [known.name for known in self.signals]
        return {
            trace_id: {"signals": {name: own[name] for name in names if name in own}}
            for trace_id, own in found.items()
        }

    @cached_property
    def signals(self) -> tuple[SignalRecord, ...]:
        """The signals that the project's traces have, in the order of their names."""
        project_id = self.member.project_id
        numeric = set(self.session.scalars(signals.numeric_names(project_id)))
        names = sorted(self.session.scalars(signals.names(project_id)))
        known = [registry.definition_of(name, is_label=name not in numeric) for name in names]
        return tuple(SignalRecord(one.name, one.meaning, one.is_label) for one in known)

    def failed(self, *, most: int | None = None) -> Iterator[FailedTrace]:
        """Read traces that somebody failed at a step, with their steps."""
        for trace, steps in self.runs(self.traces(most=most, parts={Part.NOTES, Part.VERDICTS})):
            yield FailedTrace(trace, steps)

    def runs(
        self, traces: Iterable[TraceRecord]
    ) -> Iterator[tuple[TraceRecord, Sequence[StepRecord]]]:
        """Read the steps of traces, some traces at a time."""
        left = iter(traces)
        while some := list(islice(left, RUNS_AT_ONCE)):
            steps: defaultdict[int, list[StepRecord]] = defaultdict(list)
            for row in self._rows(queries.steps([trace.row_id for trace in some])):
                steps[row[0]].append(StepRecord._make(row[1:]))
            for trace in some:
                yield trace, steps.pop(trace.row_id, [])

    def only_failed(self) -> "Source":
        """Return the traces that somebody failed at a step."""
        return self.narrowed(queries.failed_at_a_step(self.member))

    def _by_trace(
        self, make: Callable[..., Any], *statements: queries.Statement
    ) -> dict[int, list[Any]]:
        found: defaultdict[int, list[Any]] = defaultdict(list)
        for statement in statements:
            for row in self._rows(statement):
                found[row[0]].append(make(*row[1:]))
        return found

    def _rows(self, statement: sa.Executable) -> Sequence[Any]:
        """Read columns as the database gives them: the session would look at each row anew."""
        return self.session.connection().execute(statement).all()

    @cached_property
    def codebook(self) -> Codebook:
        """Which modes, people, dimensions and signals have columns."""
        modes = self.session.execute(queries.modes(self.member)).all()
        people = self.session.execute(queries.active_people(self.member)).all()
        is_sqlite = self.session.get_bind().dialect.name == "sqlite"
        names = queries.dimension_names(self.where, is_sqlite=is_sqlite)
        return Codebook(
            modes=tuple(ModeRecord(*mode) for mode in modes),
            annotators=tuple(AnnotatorRecord(*person) for person in people),
            dimensions=tuple(self.session.execute(names).scalars()),
            signals=self.signals,
        )

    def dimension_types(self) -> dict[str, set[str]]:
        """Read which JSON types the values of each dimension have."""
        is_sqlite = self.session.get_bind().dialect.name == "sqlite"
        statement = queries.dimension_types(self.where, is_sqlite=is_sqlite)
        found: defaultdict[str, set[str]] = defaultdict(set)
        for name, kind in self.session.execute(statement):
            found[name].add(kind)
        return dict(found)

    def taxonomy(self) -> list[dict[str, Any]]:
        """Read the codebook with every version of every definition."""
        modes = self.session.execute(queries.codebook(self.member)).scalars().all()
        guids = {mode.id: mode.guid for mode in modes}
        versions: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        for version, author in self.session.execute(queries.versions(self.member)):
            versions[version.mode_id].append(
                {
                    "number": version.number,
                    **{name: getattr(version, name) for name in _WORDING},
                    "reason": version.reason,
                    "author": author,
                    "at": version.created_at,
                }
            )
        return [
            {
                "mode_id": mode.guid,
                "name": mode.name,
                "status": mode.status.value,
                "parent": guids.get(mode.parent_id),
                "merged_into": guids.get(mode.merged_into),
                "decision": mode.decision.value if mode.decision else None,
                "impact": mode.impact,
                "colour": mode.colour,
                "version": mode.version,
                "versions": versions[stored_id(mode)],
            }
            for mode in modes
        ]

    def examples(self) -> Iterator[dict[str, Any]]:
        """Read the examples and counter-examples that lie on the traces."""
        statement = queries.codebook(self.member)
        modes = {mode.id: mode for mode in self.session.execute(statement).scalars()}
        for example, trace_id, note in self.session.execute(
            queries.examples(self.member, self.where)
        ):
            mode = modes[example.mode_id]
            anchor = {name: getattr(example, name) for name in ("step", "start", "end", "quote")}
            yield {
                "mode_id": mode.guid,
                "mode": mode.name,
                "positive": example.positive,
                "trace_id": trace_id,
                "note": note,
                "anchor": anchor,
            }

    def manifest(self, filters: Filters) -> Manifest:
        """Read what the export says of itself."""
        project = self.member.project
        project_id = self.member.project_id
        batches = self.session.execute(queries.batches(project_id)).all()
        return Manifest(
            project=project.slug,
            created_at=utc_now(),
            filters=filters.to_json(),
            traces=self.count(),
            event_log_head=self.session.execute(queries.event_head(project_id)).scalar(),
            split_seed=self.session.execute(queries.split_seed(project_id)).scalar(),
            seen_by=self.member.annotator.name if self.member.is_blind else None,
            batches=tuple(batch._asdict() for batch in batches),
        )


_WORDING = ("definition", "apply_when", "not_when", "pass_rule", "fail_rule")


def _fields(row: Any) -> dict[str, Any]:
    """Return a trace's columns under the names of the exports, judged ones only where open."""
    shown = dict(zip(row._fields, row, strict=True))
    for name in ("id", "external_id", "dimensions", "is_open"):
        del shown[name]
    if not row.is_open:
        shown |= dict.fromkeys(JUDGED)
    return {"trace_id": row.external_id, **shown, "params": row.dimensions}


_STATEMENTS: Mapping[Part, Callable[[Member, Sequence[int]], tuple[Any, ...]]] = {
    Part.LABELS: lambda who, ids: (LabelRecord, queries.labels(who, ids), queries.gold(who, ids)),
    Part.NOTES: lambda who, ids: (NoteRecord, queries.notes(who, ids)),
    Part.VERDICTS: lambda who, ids: (VerdictRecord, queries.verdicts(who, ids)),
    Part.JUDGE_VERDICTS: lambda who, ids: (VerdictRecord, queries.judge_verdicts(who, ids)),
}
"""What each part is made of: a record, and the statements whose columns it has, the trace first."""


def _latest(verdicts: Iterable[VerdictRecord]) -> tuple[VerdictRecord, ...]:
    """Return the last verdict of each person, in the order of first appearance."""
    return tuple({verdict.annotator_id: verdict for verdict in verdicts}.values())
