"""Parquet: the CSV's table with types, whole however it is cut into row groups."""

import io
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlmodel import Session

from server.exporters import csv_table, parquet
from server.models.base import stored_id
from server.models.label import LabelValue
from server.models.note import Anchor
from server.models.project import Member, Project
from server.models.trace import Outcome
from server.models.verdict import VerdictValue
from server.queries.filters import Filters
from server.services import exports, labels, modes, notes, verdicts
from server.services.exports import Format
from tests.factories import make_trace


def read(session: Session, member: Member, **filters: Any) -> pa.Table:
    session.flush()
    export = exports.prepare(session, member, Format.PARQUET, Filters.parse(filters))
    return pq.read_table(io.BytesIO(b"".join(export.pieces)))


@pytest.fixture
def filled(session: Session, project: Project, lead: Member) -> None:
    """Three traces, of which the first has everything."""
    first = make_trace(
        session,
        project,
        "a",
        model="=cmd()",
        outcome=Outcome.INCORRECT,
        completion_tokens=12,
        score=0.5,
        tags=["x", "y"],
        started_at=datetime(2026, 5, 1, 12, 30, tzinfo=UTC),
        dimensions={"length": 3, "ratio": 1, "hard": True, "mixed": 1, "who": "=A1"},
    )
    make_trace(session, project, "b", dimensions={"ratio": 0.25, "mixed": "one", "hard": False})
    make_trace(session, project, "c")
    mode = modes.create(session, lead, "Slip")
    labels.label(session, lead, stored_id(first), {stored_id(mode): LabelValue.PRESENT})
    notes.add_note(session, lead, stored_id(first), "wrong sum", anchor=Anchor(1, 0, 2))
    verdicts.decide(session, lead, stored_id(first), VerdictValue.FAIL)
    verdicts.choose_first_failure_step(session, lead, stored_id(first), 1)
    verdicts.submit(session, lead, stored_id(first))


@pytest.mark.usefixtures("filled")
def test_values_have_their_types(session: Session, lead: Member) -> None:
    table = read(session, lead)
    types = {field.name: field.type for field in table.schema}
    expected = {
        "trace_id": pa.string(),
        "Slip": pa.int8(),
        "Slip.n_present": pa.int64(),
        "Slip@Lead": pa.int8(),
        "first_failure_step_from_1@Lead": pa.int64(),
        "completion_tokens": pa.int64(),
        "score": pa.float64(),
        "started_at": pa.timestamp("us", tz="UTC"),
        "tags": pa.list_(pa.string()),
        "params.length": pa.int64(),
        "params.ratio": pa.float64(),
        "params.hard": pa.bool_(),
        "params.mixed": pa.string(),
    }
    assert {name: types[name] for name in expected} == expected
    first, second, third = table.to_pylist()
    assert (first["Slip"], second["Slip"], third["Slip"]) == (1, None, None)
    assert first["first_failure_step_from_1@Lead"] == 2
    assert (first["completion_tokens"], third["completion_tokens"]) == (12, None)
    assert first["started_at"] == datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
    assert (first["tags"], first["outcome"]) == (["x", "y"], "incorrect")
    assert [row["params.ratio"] for row in (first, second, third)] == [1.0, 0.25, None]
    assert [row["params.hard"] for row in (first, second, third)] == [True, False, None]
    assert [row["params.mixed"] for row in (first, second, third)] == ["1", "one", None]


@pytest.mark.usefixtures("filled")
def test_text_is_raw_and_columns_say_what_they_mean(session: Session, lead: Member) -> None:
    table = read(session, lead)
    assert table.column("model")[0].as_py() == "=cmd()"
    assert table.column("params.who")[0].as_py() == "=A1"
    meaning = table.schema.field("Slip").metadata[b"meaning"].decode()
    assert meaning.startswith("1 the failure is present")


@pytest.mark.usefixtures("filled")
def test_it_has_the_columns_of_the_csv_and_keeps_the_filters(
    session: Session, lead: Member
) -> None:
    csv_export = exports.prepare(session, lead, Format.CSV, Filters.parse({}))
    header = b"".join(csv_export.pieces).decode().splitlines()[0]
    # Only where a name begins like a formula would the two differ.
    assert ",".join(read(session, lead).column_names) == header
    assert read(session, lead, outcome="incorrect").column("trace_id").to_pylist() == ["a"]
    empty = read(session, lead, outcome="truncated")
    assert empty.num_rows == 0


@pytest.mark.usefixtures("filled")
def test_row_groups_make_one_whole_and_come_one_by_one(
    session: Session, lead: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP", 2)
    session.flush()
    export = exports.prepare(session, lead, Format.PARQUET, Filters.parse({}))
    pieces = list(export.pieces)
    # Two traces, one trace, the footer.
    assert len(pieces) == 3
    file = pq.ParquetFile(io.BytesIO(b"".join(pieces)))
    assert [file.metadata.row_group(n).num_rows for n in range(2)] == [2, 1]
    assert file.read().column("trace_id").to_pylist() == ["a", "b", "c"]


def test_every_column_of_the_csv_has_a_kind_that_parquet_knows() -> None:
    known = {*parquet._TYPES, csv_table.Kind.DIMENSION}
    assert known == set(csv_table.Kind)
