"""A real scheduler and a real worker give what this process gives, to the last bit."""

from pathlib import Path

import pytest

from server.executors.choosing import current, offered, opened
from server.importers.base import ImportOptions
from server.services.signal_tables import computing
from tests.analysis.test_spreading import light_study
from tests.clusters import cluster
from tests.tables import traces_table, untold


@pytest.mark.timeout(120)
def test_a_cluster_gives_the_same_numbers_as_this_process(tmp_path: Path) -> None:
    table, here, there = (
        tmp_path / name for name in ("in.parquet", "here.parquet", "there.parquet")
    )
    traces_table(table, traces=60, row_group=20)
    computing.compute(table, here, ImportOptions(), untold)
    told: list[tuple[int, int]] = []
    with cluster(tmp_path, workers=1) as found:
        with opened(found.where) as workers:
            computing.compute(table, there, ImportOptions(), untold, workers)
        with offered(found.where, told=lambda done, asked: told.append((done, asked))):
            elsewhere = light_study(current())
    assert there.read_bytes() == here.read_bytes()
    assert elsewhere == light_study(None)
    assert told[-1][0] <= told[-1][1]
    assert told == sorted(told)
