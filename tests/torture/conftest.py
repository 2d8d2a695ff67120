"""Long rounds and big hostile files: left out unless `make torture` asks for them.

Each test gives a row of the report; those that count something take the fixture `row`.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.torture import report
from tests.torture.report import Row

collect_ignore_glob = [] if os.environ.get("FAULTBOOK_TORTURE") else ["test_*.py"]

ROUNDS = int(os.environ.get("FAULTBOOK_TORTURE_ROUNDS") or "100")
_HERE = Path(__file__).parent
_ROW = pytest.StashKey[Row]()
_ROWS = pytest.StashKey[list[Row]]()
_BEGUN = pytest.StashKey[float]()
_DATABASES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What kills PostgreSQL itself is nothing for SQLite."""
    dropped = [item for item in items if _kills_postgresql(item) and _backend(item) == "sqlite"]
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if item not in dropped]


def _kills_postgresql(item: pytest.Item) -> bool:
    return "cluster" in getattr(item, "fixturenames", ())


def _backend(item: pytest.Item) -> str:
    params = getattr(getattr(item, "callspec", None), "params", {})
    return str(params.get("backend", item.config.getoption("--db")))


def _row_of(item: pytest.Item) -> Row:
    name = getattr(item, "originalname", item.name).removeprefix("test_").replace("_", " ")
    given = dict(getattr(getattr(item, "callspec", None), "params", {}))
    for name_of_all in ("backend", "browser_name"):
        given.pop(name_of_all, None)
    uses = "backend" in getattr(item, "fixturenames", ())
    shown = ", ".join(str(value) for value in given.values() if isinstance(value, str | int))
    what = f"{name} ({shown})" if shown else name
    return Row(what, _DATABASES.get(_backend(item), "") if uses else "")


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Row:
    """The row of the report that the test fills."""
    found: Row = request.node.stash.setdefault(_ROW, _row_of(request.node))
    return found


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Note how each test of the long rounds ended."""
    outcome: Any = yield
    told: pytest.TestReport = outcome.get_result()
    if not item.path.is_relative_to(_HERE) or (told.when != "call" and told.passed):
        return
    row = item.stash.setdefault(_ROW, _row_of(item))
    if told.skipped:
        row.verdict = report.LEFT_OUT
        row.remark = str(told.longrepr[-1] if isinstance(told.longrepr, tuple) else told.longrepr)
    elif told.failed:
        row.verdict = report.BROKEN
        row.remark = str(call.excinfo.value).splitlines()[0][:200] if call.excinfo else ""
    row.on = report.now()
    rows = item.config.stash.setdefault(_ROWS, [])
    if row not in rows:
        rows.append(row)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Note when the rounds began."""
    session.config.stash[_BEGUN] = time.monotonic()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the report, and write it where that was asked for."""
    rows = config.stash.get(_ROWS, [])
    if not rows:
        return
    minutes = (time.monotonic() - config.stash[_BEGUN]) / 60
    terminalreporter.write_line(report.table(rows))
    if target := os.environ.get("FAULTBOOK_TORTURE_REPORT"):
        every = report.kept(Path(target).with_suffix(".json"), rows)
        Path(target).write_text(report.page(every, minutes=minutes))
