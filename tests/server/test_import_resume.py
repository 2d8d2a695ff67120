"""An import killed at any moment and run again gives the database of one that ran through."""

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import select

from server.db import Database
from server.models.judge import JudgeVerdict
from server.models.trace import Import, ImportStatus, Step, Trace
from server.settings import Settings
from tests.factories import SLUG, make_project

ROOT = Path(__file__).parents[2]
RECORDS = 1_200
IMPORT = f"""
import sys
from pathlib import Path
from server.db import Database
from server.importers.base import ImportOptions
from server.services import import_runs, imports
from server.settings import Settings

import_runs.CHUNK_RECORDS = 20
settings = Settings(data=Path(sys.argv[1]), database=sys.argv[2])
database = Database.from_url(settings.database_url)
progress = lambda done, total, text: print(done, flush=True)
imports.import_path(database, settings, {SLUG!r}, Path(sys.argv[3]), ImportOptions(), progress)
"""


def record(number: int) -> str:
    if number % 7 == 3:
        return f'{{"broken": {number}'
    passed = "true" if number % 2 else "false"
    return (
        f'{{"trace_id": "t{number}", "item_id": "i{number}", "run": 1, "criteria": [], '
        f'"judge_feedback": "Because {number}.", "passed": {passed}, '
        f'"messages": [{{"role": "user", "content": "{number}?"}}, '
        f'{{"role": "assistant", "content": "{"x" * (number % 50)}", "reasoning": "Hm."}}]}}'
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "traces.jsonl"
    path.write_text("".join(f"{record(number)}\n" for number in range(RECORDS)))
    return path


def start(settings: Settings, path: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", IMPORT, str(settings.data), settings.database_url, str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(settings: Settings, path: Path) -> None:
    with start(settings, path) as process:
        process.communicate(timeout=60)
    assert process.returncode == 0


def kill_after(settings: Settings, path: Path, chunks: int, delay: float) -> None:
    """Kill the import some moments after it told that so many chunks are done."""
    with start(settings, path) as process:
        assert process.stdout is not None
        for _ in range(chunks):
            process.stdout.readline()
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.kill()


def contents(database: Database, settings: Settings) -> dict[str, Any]:
    """Everything an import wrote, but for times and paths."""
    result: dict[str, Any] = {}
    with database.engine.connect() as connection:
        for model in (Trace, Step, JudgeVerdict):
            table = model.__table__
            columns = [column for column in table.c if column.name != "created_at"]
            rows = connection.execute(sa.select(*columns).order_by(table.c.id))
            result[table.name] = [tuple(map(repr, row)) for row in rows]
        rows = connection.execute(sa.select(Import.status, Import.counts))
        result["import"] = [(row.status, _without_seconds(row.counts)) for row in rows]
    files = sorted(settings.refused.iterdir())
    result["refused"] = [file.read_text() for file in files]
    return result


def _without_seconds(counts: dict[str, Any]) -> str:
    files = [{**file, "seconds": 0} for file in counts["files"]]
    return json.dumps({**counts, "files": files}, sort_keys=True)


@pytest.fixture
def clean(database: Database, settings: Settings, path: Path) -> dict[str, Any]:
    """The database after one undisturbed import; then emptied for the disturbed one."""
    make_project(database, traces=0)
    finish(settings, path)
    found = contents(database, settings)
    # Of the records 0 to 1199 every seventh from 3 on is broken: 171.
    assert len(found["trace"]) == RECORDS - 171
    shutil.rmtree(settings.refused)
    with database.engine.begin() as connection:
        for table in ("judge_verdict", "judge", "step", "trace", "import"):
            connection.execute(sa.text(f'DELETE FROM "{table}"'))
        connection.execute(sa.text("DELETE FROM annotator WHERE kind = 'machine'"))
        if database.takes_turns:
            connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name <> 'annotator'"))
    return found


def test_a_killed_import_goes_on_to_the_same_database(database, settings, path, clean):
    if not database.takes_turns:
        pytest.skip("PostgreSQL does not hand out the ids of a lost chunk again")
    moments = random.Random(20)
    for chunks in (0, 2, 5, 11, 7):
        kill_after(settings, path, chunks, moments.uniform(0.0, 0.05))
    with database.reading() as session:
        assert session.exec(select(Import)).one().status is ImportStatus.RUNNING
    finish(settings, path)
    assert contents(database, settings) == clean
