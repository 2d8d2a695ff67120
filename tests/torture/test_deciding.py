"""People deciding in any order, for long: undo and redo exact, the log the truth."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from server.db import Database
from tests.server.deciding import Deciding, prepare
from tests.torture.conftest import ROUNDS
from tests.torture.report import Row

pytestmark = pytest.mark.timeout(7_200)
STORIES_A_ROUND = 4
DECISIONS = 60


def test_long_stories_of_decisions_are_undone_exactly_and_replayed(
    database: Database, row: Row
) -> None:
    prepare(database)
    Deciding.database = database
    row.rounds = STORIES_A_ROUND * ROUNDS
    row.remark = f"each of up to {DECISIONS} decisions, undos and redos"
    run_state_machine_as_test(
        Deciding,
        settings=settings(
            max_examples=STORIES_A_ROUND * ROUNDS,
            stateful_step_count=DECISIONS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
