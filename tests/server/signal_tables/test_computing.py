"""Signals of a Parquet file: those of a project, whatever its row groups, and gone on with."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlmodel import Session, select
from typer.testing import CliRunner

from server.cli import app
from server.db import Database
from server.errors import Conflict, Invalid
from server.importers.base import ImportOptions
from server.models.signal import Signal
from server.models.trace import Trace
from server.services.signal_tables import computing, parts, slices
from tests.tables import traces_table, untold


def computed(table: Path, output: Path, **options: str) -> computing.Computed:
    return computing.compute(table, output, ImportOptions(mapping=options), untold)


def test_row_groups_make_the_slices_and_do_not_change_a_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "ROWS", 10)
    found = []
    for row_group in (4, 25, 1_000):
        table, output = tmp_path / f"{row_group}.parquet", tmp_path / f"out-{row_group}.parquet"
        traces_table(table, traces=90, row_group=row_group)
        cut = slices.cut(table)
        assert [one.start for one in cut.slices] == [
            sum(one.rows for one in cut.slices[:n]) for n in range(len(cut.slices))
        ]
        found.append(({one.rows for one in cut.slices}, computed(table, output).traces))
    assert found == [({8, 10}, 90), ({25, 15}, 90), ({10}, 90)]
    frames = [pd.read_parquet(tmp_path / f"out-{size}.parquet") for size in (4, 25, 1_000)]
    assert frames[0]["trace_id"].tolist() == [f"t{n}" for n in range(90)]
    assert frames[0]["loop_class"].iloc[9] != frames[0]["loop_class"].iloc[8]
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frame, frames[0], check_exact=True)


def test_what_was_measured_before_it_was_stopped_is_gone_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "ROWS", 10)
    table, output = tmp_path / "in.parquet", tmp_path / "out.parquet"
    traces_table(table, traces=50, row_group=10)

    def stop(done: int, total: int | None, text: str) -> None:
        if done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        computing.compute(table, output, ImportOptions(), stop)
    assert not output.exists()
    assert computed(table, output).gone_on == 20
    first = output.read_bytes()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["in.parquet", "out.parquet"]
    assert computed(table, output).gone_on == 0
    assert output.read_bytes() == first


def test_parts_of_another_table_or_another_reading_are_not_gone_on_from(tmp_path: Path) -> None:
    output = tmp_path / "out.parquet"
    with parts.beside(output, "one plan") as kept:
        kept.keep(0, computing.MeasuredSlice(b"", ()))
        assert kept.has(0)
        with pytest.raises(Conflict, match="another command"), parts.beside(output, "one plan"):
            pass
    with parts.beside(output, "one plan") as kept:
        assert kept.has(0)
    with parts.beside(output, "another") as kept:
        assert not kept.has(0)


def test_rows_that_do_not_fit_are_named_and_the_others_measured(tmp_path: Path) -> None:
    table, output = tmp_path / "in.parquet", tmp_path / "out.parquet"
    frame = traces_table(table, traces=6, row_group=2)
    frame.loc[3, "answer"] = "a\x00b"
    frame.loc[4, "trace_id"] = "t0"
    frame.to_parquet(table, row_group_size=2)
    found = computed(table, output)
    assert [(one.row, one.field) for one in found.refused] == [(4, "answer")]
    assert (found.traces, found.repeated) == (5, 1)
    assert pd.read_parquet(output)["trace_id"].tolist() == ["t0", "t1", "t2", "t0", "t5"]


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more", b"trace_id,answer\n1,2\n"])
def test_a_file_that_is_no_parquet_is_told_by_name(tmp_path: Path, content: bytes) -> None:
    table = tmp_path / "in.parquet"
    table.write_bytes(content)
    with pytest.raises(Invalid, match=r"in\.parquet can't be read as Parquet"):
        computed(table, tmp_path / "out.parquet")
    assert list(tmp_path.iterdir()) == [table]


@pytest.mark.sqlite
def test_conversations_give_the_signals_that_a_project_gives(tmp_path: Path) -> None:
    table, output = tmp_path / "in.parquet", tmp_path / "out.parquet"
    call = {"name": "look", "arguments": json.dumps({"up": "left " * 40})}
    talk = [
        {"role": "user", "content": "Where is it?"},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": call}]},
        {"role": "tool", "tool_call_id": "c", "content": "Error: nowhere"},
        {"role": "assistant", "content": "It is not there. " * 30},
    ]
    rows = [
        {"trace_id": f"t{n}", "model": "m", "passed": n % 3 > 0, "completion_tokens": 90 + n}
        | {"messages": json.dumps([*talk, {"role": "assistant", "content": f"So: {n}. " * n}])}
        for n in range(45)
    ]
    pq.write_table(pa.Table.from_pylist(rows), table)
    data = ["--data", str(tmp_path / "data")]
    for words in (
        ["signals", "--input", str(table), "--output", str(output)],
        [*data, "import", str(table), "--project", "P"],
        [*data, "signals", "--project", "P"],
    ):
        assert CliRunner().invoke(app, words).exit_code == 0
    wide = pd.read_parquet(output).set_index("trace_id")
    told = {
        (trace_id, name): value
        for name in wide.columns[len(computing.FACTS) - 1 :]
        for trace_id, value in wide[name].items()
        if pd.notna(value)
    }
    database = Database.from_url(f"sqlite:///{tmp_path / 'data' / 'faultbook.sqlite'}")
    with database.reading() as session:
        assert told == stored(session)
    database.dispose()
    assert told["t1", "tool_errors"] == 1
    assert ("t1", "reasoning_pattern") in told


def stored(session: Session) -> dict[tuple[str, str], float | str | None]:
    rows = session.exec(select(Trace.external_id, Signal).where(Signal.trace_id == Trace.id))
    return {
        (trace_id, one.name): one.label if one.value is None else one.value
        for trace_id, one in rows
    }
