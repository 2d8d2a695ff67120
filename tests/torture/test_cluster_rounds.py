"""Workers and schedulers that are killed while they compute: the numbers stay what they are."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from server.errors import Unavailable
from server.executors.choosing import current, offered, opened
from server.importers.base import ImportOptions
from server.services.signal_tables import computing, slices
from tests.analysis.test_spreading import study
from tests.clusters import Cluster, cluster, kill
from tests.tables import traces_table, untold
from tests.torture.conftest import ROUNDS
from tests.torture.report import Row

pytestmark = pytest.mark.timeout(1_800)
TRACES, ROWS = 1_200, 20
MOST_ROUNDS = 10


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of sixty slices, and beside it what this process makes of it."""
    monkeypatch.setattr(slices, "ROWS", ROWS)
    traces_table(tmp_path / "in.parquet", traces=TRACES, row_group=ROWS, words=400)
    computing.compute(tmp_path / "in.parquet", tmp_path / "here.parquet", ImportOptions(), untold)
    return tmp_path / "in.parquet"


def compute(table: Path, found: Cluster, at: int, then: Callable[[], None]) -> computing.Computed:
    """Compute on a cluster, and do something once so many rows are measured."""
    waiting = [then]

    def told(done: int, total: int | None, text: str) -> None:
        if done >= at and waiting:
            waiting.pop()()

    with opened(found.where) as workers:
        output = table.with_name("there.parquet")
        return computing.compute(table, output, ImportOptions(), told, workers)


def test_a_killed_worker_changes_nothing_but_time(table: Path, row: Row) -> None:
    row.rounds = min(ROUNDS, MOST_ROUNDS)
    for number in range(row.rounds):
        folder = table.with_name(str(number))
        folder.mkdir()
        with cluster(folder, workers=2) as found:
            at = ROWS * (1 + number * 5 % 55)
            compute(table, found, at, partial(kill, found.workers[number % 2]))
        assert table.with_name("there.parquet").read_bytes() == (
            table.with_name("here.parquet").read_bytes()
        )


def test_a_lost_scheduler_is_told_and_what_was_measured_is_gone_on_from(
    table: Path, row: Row
) -> None:
    row.rounds = min(ROUNDS, MOST_ROUNDS)
    output = table.with_name("there.parquet")
    for number in range(row.rounds):
        folder, again = table.with_name(f"{number}"), table.with_name(f"{number}-again")
        folder.mkdir()
        again.mkdir()
        at = ROWS * (1 + number * 5 % 50)
        with (
            cluster(folder, workers=2) as found,
            pytest.raises(Unavailable, match=r"was lost\. Nothing half-done was kept"),
        ):
            compute(table, found, at, partial(kill, found.scheduler))
        assert not output.exists()
        with cluster(again, workers=1) as found:
            done = compute(table, found, TRACES, lambda: None)
        assert done.gone_on >= at
        assert output.read_bytes() == table.with_name("here.parquet").read_bytes()
        output.unlink()


def test_processes_and_workers_of_any_number_give_the_same_numbers(tmp_path: Path) -> None:
    alone = study(None)
    for count in (2, 4):
        with offered("local", count):
            assert study(current()) == alone
    for count in (1, 2):
        folder = tmp_path / str(count)
        folder.mkdir()
        with cluster(folder, workers=count) as found, offered(found.where):
            assert study(current()) == alone
