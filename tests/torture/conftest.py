"""Long rounds and big hostile files: left out unless `make torture` asks for them.

Each test gives a row of the report; those that count something take the fixture `row`.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import pytest

from tests.torture import report
from tests.torture.report import Row

collect_ignore_glob = [] if os.environ.get("FAULTBOOK_TORTURE") else ["test_*.py"]

ROUNDS = int(os.environ.get("FAULTBOOK_TORTURE_ROUNDS") or "100")
MOST_S = 600 + 60 * ROUNDS
"""Seconds that a test may take on a busy machine: what takes longer hangs, and is ended."""
_HERE = Path(__file__).parent
_LAST = ("test_attacks", "test_big_files", "test_cluster_rounds")
"""What kills servers comes first: a limit of time (`--session-timeout`) cuts the end."""
_ROW = pytest.StashKey[Row]()
_ROW_OF = "row of the long rounds"
_FOUND: dict[tuple[str, str], Row] = {}
_BEGUN = pytest.StashKey[tuple[float, float]]()
_DATABASES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What kills PostgreSQL itself is nothing for SQLite; and nothing hangs for ever."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.timeout(MOST_S), append=False)
    dropped = [item for item in items if _kills_postgresql(item) and _backend(item) == "sqlite"]
    config.hook.pytest_deselected(items=dropped)
    items[:] = sorted(
        (item for item in items if item not in dropped),
        key=lambda item: item.path.stem in _LAST or not item.path.is_relative_to(_HERE),
    )


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
    told.user_properties.append((_ROW_OF, asdict(row)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Gather the rows, also of tests that ran in other processes (`-n 2`)."""
    for name, told in report.user_properties:
        if name == _ROW_OF:
            row = Row(**cast(dict[str, Any], told))
            _FOUND[row.what, row.database] = row


def pytest_sessionstart(session: pytest.Session) -> None:
    """Note when the rounds began, and beside what."""
    session.config.stash[_BEGUN] = (time.monotonic(), os.getloadavg()[0])


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    """Print the report, and write it where that was asked for."""
    rows = list(_FOUND.values())
    if not rows:
        return
    begun, load = config.stash[_BEGUN]
    terminalreporter.write_line(report.table(rows))
    if target := os.environ.get("FAULTBOOK_TORTURE_REPORT"):
        file = Path(target).with_suffix(".json")
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and is_whole(config):
            file.unlink(missing_ok=True)
        every = report.kept(file, rows)
        minutes = (time.monotonic() - begun) / 60
        Path(target).write_text(report.page(every, rounds=ROUNDS, minutes=minutes, load=load))


def is_whole(config: pytest.Config) -> bool:
    """Whether nothing was left out: then nothing of earlier runs is kept in the report."""
    return "tests/torture" in config.args and not config.getoption("keyword")
