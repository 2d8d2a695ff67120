"""Up, down and up again with rows in it, on whichever database the suite runs on."""

import pytest

from server import schema
from server.db import Database
from server.errors import StartupError
from server.services import modes, notes
from tests.factories import make_project, member


def test_a_filled_database_goes_down_and_up_again(database: Database) -> None:
    trace_id = make_project(database)[0]
    with database.writing() as session:
        notes.add_note(session, member(session), trace_id, "wrong sum")
        modes.create(session, member(session), "Slip")
    schema.check(database)
    schema.downgrade(database, "base")
    assert schema.current_revision(database) is None
    schema.upgrade(database)
    schema.check(database)
    assert len(make_project(database)) == 3


def test_postgresql_is_migrated_only_when_asked(database: Database) -> None:
    schema.downgrade(database, "base")
    if database.takes_turns:
        schema.prepare(database)
        assert schema.current_revision(database) == schema.head_revision()
    else:
        with pytest.raises(StartupError, match="faultbook migrate"):
            schema.prepare(database)
        assert schema.current_revision(database) is None
