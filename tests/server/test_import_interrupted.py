"""Ctrl+C during an import on the command line: what is done stays, and it can go on."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import col, select
from typer.testing import CliRunner, Result

from server.cli import app
from server.commands.interrupts import interrupts
from server.db import Database
from server.models.trace import Import, ImportStatus, Trace
from server.services import import_runs
from server.settings import Settings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "traces.jsonl"
    chats = (
        {"id": f"t{number}", "messages": [{"role": "user", "content": "Hi."}]}
        for number in range(10)
    )
    path.write_text("".join(f"{json.dumps(chat)}\n" for chat in chats))
    return path


def run(settings: Settings, path: Path) -> Result:
    where = ["--data", str(settings.data), "--database", settings.database_url]
    return CliRunner().invoke(app, ["import", str(path), "-p", "Try me", "--json", *where])


@contextmanager
def pressing_when_stored(traces: int) -> Iterator[None]:
    """Press Ctrl+C while the transaction that stores so many traces is committed."""

    def press(connection: sa.Connection) -> None:
        if (
            not pressed
            and connection.exec_driver_sql("SELECT count(*) FROM trace").scalar() == traces
        ):
            pressed.append(traces)
            signal.raise_signal(signal.SIGINT)

    pressed: list[int] = []
    sa.event.listen(Engine, "commit", press)
    try:
        yield
    finally:
        sa.event.remove(Engine, "commit", press)


def test_ctrl_c_stops_between_chunks_and_the_same_command_goes_on(
    settings: Settings, database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_runs, "CHUNK_RECORDS", 3)
    with pressing_when_stored(6):
        stopped = run(settings, path)
    answer: dict[str, Any] = json.loads(stopped.stdout)
    assert stopped.exit_code == 130
    assert (answer["cancelled"], answer["created"]) == (True, 6)
    assert "6 records, which stay" in answer["error"]
    with database.reading() as session:
        assert session.exec(select(Import)).one().status is ImportStatus.CANCELLED
        assert len(session.exec(select(Trace)).all()) == 6

    went_on = run(settings, path)
    assert went_on.exit_code == 0
    with database.reading() as session:
        row = session.exec(select(Import)).one()
        assert row.status is ImportStatus.DONE
        assert (row.counts["read"], row.counts["created"]) == (10, 10)
        ids = session.exec(select(col(Trace.external_id)).order_by(col(Trace.id))).all()
        assert ids == [f"t{number}" for number in range(10)]


@pytest.fixture
def as_at_the_start() -> Iterator[None]:
    """What Python does on Ctrl+C unless somebody changed it, as servers in other tests did."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("as_at_the_start")
def test_a_second_ctrl_c_is_not_kept_waiting() -> None:
    with interrupts() as interrupted:
        assert not interrupted()
        signal.raise_signal(signal.SIGINT)
        assert interrupted()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
