"""Each trouble that the doctor knows is made, found, and told with what to do."""

import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import select

from server import schema
from server.db import Database
from server.models.base import utc_now
from server.models.batch import BatchTrace, Lease
from server.models.note import Note
from server.models.project import Project
from server.models.run import AnalysisRun, RunKind, RunStatus
from server.models.trace import Attachment, Step
from server.services import batches, doctor, notes, retention
from server.services.checks import disk, postgres, sqlite_file, surroundings, work
from server.services.checks.findings import Check
from server.settings import Settings
from tests.factories import make_project, member

OK, WARNING, TROUBLE = doctor.State.OK, doctor.State.WARNING, doctor.State.TROUBLE


@pytest.fixture(autouse=True)
def looks_at_a_free_port(settings: Settings) -> None:
    """Whatever runs on this machine is no trouble of the test's."""
    settings.port = 0


def found(settings: Settings, *, fix: bool = False) -> dict[str, Check]:
    return {check.name: check for check in doctor.examine(settings, fix=fix)}


def sqlite_path(settings: Settings) -> Path:
    return settings.data / "faultbook.sqlite"


@pytest.fixture
def trace_id(database: Database) -> int:
    first: int = make_project(database)[0]
    return first


def test_all_is_well_and_nothing_is_made(
    database: Database, settings: Settings, trace_id: int
) -> None:
    with database.writing() as session:
        notes.add_note(session, member(session), trace_id, "wrong sum")
    settings.data.chmod(0o700)
    before = sorted(settings.data.iterdir())
    expected = {"embedding model", "locale"}  # a test may have no model, and C as its locale
    troubles = [
        check
        for check in found(settings).values()
        if check.name not in expected and check.state is not OK
    ]
    assert troubles == []
    if database.takes_turns:
        assert sorted(settings.data.iterdir()) == before


def test_a_data_directory_that_is_missing_is_not_made(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "typo", port=0)
    checks = found(settings)
    assert checks["data directory"].state is TROUBLE
    assert "FAULTBOOK_DATA" in checks["data directory"].remedy
    assert not settings.data.exists()


def test_a_data_directory_that_takes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert disk.directory(file).state is TROUBLE
    # Even root writes nothing there.
    assert "cannot be written" in disk.directory(Path("/proc/self/ns")).finding


def test_room_is_measured_against_the_copy_of_a_migration(tmp_path: Path) -> None:
    assert disk.room(tmp_path, 2**60).state is not OK


def test_others_may_not_read_the_data(settings: Settings) -> None:
    settings.data.chmod(0o755)
    assert disk.permissions(settings.data, fix=False).state is WARNING
    assert disk.permissions(settings.data, fix=True).is_fixed
    assert disk.permissions(settings.data, fix=False).state is OK
    assert settings.data.stat().st_mode & 0o777 == 0o750


def test_what_a_killed_backup_left_is_removed_once_it_is_old(tmp_path: Path) -> None:
    left = tmp_path / ".backup-x1"
    left.mkdir()
    assert disk.leftovers(tmp_path, fix=True).state is OK
    assert left.exists()  # it may be under way
    os.utime(left, (0, 0))
    assert disk.leftovers(tmp_path, fix=False).state is WARNING
    assert disk.leftovers(tmp_path, fix=True).is_fixed
    assert not left.exists()


def test_sqlite_over_a_network_is_trouble(tmp_path: Path) -> None:
    mounts = f"/dev/sda1 / ext4 rw 0 0\nserver:/share {tmp_path} nfs4 rw 0 0\n"
    local = Settings(data=tmp_path / "data")
    assert disk.filesystem(local, mounts).state is TROUBLE
    assert disk.filesystem(local, "/dev/sda1 / ext4 rw 0 0\n").state is OK
    elsewhere = Settings(data=tmp_path / "data", database="postgresql://db/faultbook")
    assert disk.filesystem(elsewhere, mounts).state is OK


def test_an_old_sqlite_is_trouble() -> None:
    assert sqlite_file.library((3, 31, 1)).state is TROUBLE
    assert sqlite_file.library().state is OK


@pytest.mark.sqlite
def test_a_locked_database(database: Database, settings: Settings, trace_id: int) -> None:
    with closing(sqlite3.connect(sqlite_path(settings), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        checks = {
            c.name: c for c in sqlite_file.examine(sqlite_path(settings), fix=False, wait_s=0)
        }
    assert checks["database lock"].state is TROUBLE
    assert checks["database integrity"].state is OK


@pytest.mark.sqlite
@pytest.mark.parametrize("is_whole_header", [True, False])
def test_a_damaged_database(
    database: Database, settings: Settings, trace_id: int, is_whole_header: bool
) -> None:
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    content = bytearray(sqlite_path(settings).read_bytes())
    start = 4096 * 3 if is_whole_header else 0
    content[start : start + 4096 * 30] = b"\xff" * 4096 * 30
    sqlite_path(settings).write_bytes(content)
    checks = found(settings)
    assert checks["database integrity"].state is TROUBLE
    assert "restore the latest backup" in checks["database integrity"].remedy
    assert "event log" not in checks


@pytest.mark.sqlite
def test_a_search_index_that_lags_is_built_anew(
    database: Database, settings: Settings, trace_id: int
) -> None:
    with database.writing() as session:
        session.execute(sa.text("DROP TRIGGER trace_text_update"))
        session.execute(sa.text("UPDATE trace SET search_text = 'zebra'"))
    assert found(settings)["search index"].state is WARNING
    assert found(settings, fix=True)["search index"].is_fixed
    assert found(settings)["search index"].state is OK
    with database.reading() as session:
        hits = sa.text("SELECT count(*) FROM trace_text WHERE trace_text MATCH 'zebra'")
        assert session.execute(hits).scalar_one() > 0


def test_a_database_of_another_version(database: Database, settings: Settings) -> None:
    with database.writing() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    checks = found(settings)
    assert checks["database revision"].state is TROUBLE
    assert "newer" in checks["database revision"].finding
    assert "event log" not in checks
    with database.writing() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '0017'"))
    older = found(settings)["database revision"]
    assert older.state is (WARNING if database.takes_turns else TROUBLE)
    assert "faultbook migrate" in older.remedy
    assert schema.current_revision(database) == "0017"  # it only looked


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"postgresql://nobody@127.0.0.1:{port}/none"
    check = found(Settings(data=tmp_path, database=url, port=0))["database"]
    assert check.state is TROUBLE
    assert "refused" in check.finding


def test_tables_that_were_changed_beside_the_log(
    database: Database, settings: Settings, trace_id: int
) -> None:
    with database.writing() as session:
        for text in ("kept", "goes", "changes"):
            notes.add_note(session, member(session), trace_id, text)
    with database.writing() as session:
        session.execute(sa.text("DELETE FROM note WHERE text = 'goes'"))
        session.execute(sa.text("UPDATE note SET text = 'otherwise' WHERE text = 'changes'"))
    check = found(settings)["event log"]
    assert check.state is TROUBLE
    assert "note 2 is gone" in check.finding
    assert "note 3 reads otherwise" in check.finding
    with database.reading() as session:
        assert session.exec(select(Note.text)).all() == ["kept", "otherwise"]


def test_files_that_rows_name_and_files_that_none_does(
    database: Database, settings: Settings, trace_id: int
) -> None:
    settings.attachments.mkdir()
    orphan = settings.attachments / "0000"
    orphan.write_text("orphan")
    assert found(settings)["orphan files"].state is OK  # it may just come in
    os.utime(orphan, (0, 0))
    with database.writing() as session:
        step = session.exec(select(Step).where(Step.trace_id == trace_id)).first()
        assert step is not None
        session.add(Attachment(step_id=step.id or 0, media_type="", sha256="ab12", byte_count=1))
    checks = found(settings)
    assert checks["orphan files"].state is WARNING
    assert checks["attached files"].state is TROUBLE
    assert "attachments/ab12" in checks["attached files"].finding


def test_runs_that_nobody_performs(database: Database, settings: Settings, trace_id: int) -> None:
    long_ago = utc_now() - timedelta(hours=5)
    run = AnalysisRun(
        project_id=1, kind=RunKind.SIGNALS, status=RunStatus.RUNNING, heartbeat_at=long_ago
    )
    with database.writing() as session:
        run.created_at = long_ago
        session.add(run)
    assert found(settings)["background jobs"].state is WARNING
    checks = found(settings, fix=True)
    assert checks["background jobs"].is_fixed
    checks = found(settings)
    assert checks["waiting jobs"].state is WARNING
    assert "faultbook worker" in checks["waiting jobs"].remedy
    assert checks["job queue"].finding == "1 messages wait"


@pytest.mark.sqlite
def test_a_queue_that_cannot_be_read(settings: Settings, database: Database) -> None:
    settings.jobs_path.write_bytes(b"no database" * 1000)
    check = found(settings)["job queue"]
    assert check.state is TROUBLE
    assert "jobs.sqlite" in check.remedy


def test_traces_that_are_held_longer_than_anybody_may(
    database: Database, settings: Settings, trace_id: int
) -> None:
    with database.writing() as session:
        lead = member(session)
        batches.create_from(session, lead, [trace_id])
        place = session.exec(select(BatchTrace)).one()
        session.add(
            Lease(
                batch_trace_id=place.id or 0,
                annotator_id=lead.id,
                expires_at=utc_now() + timedelta(days=3),
                token="t",
            )
        )
    check = found(settings)["leases"]
    assert (check.state, "1 traces are held longer" in check.finding) == (WARNING, True)


def test_retention_that_nobody_applies(
    database: Database, settings: Settings, trace_id: int
) -> None:
    with database.writing() as session:
        retention.change(session, member(session), 30)
        assert session.exec(select(Project)).one().settings
    check = found(settings)["retention"]
    assert check.state is WARNING
    assert "faultbook retention" in check.remedy


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_port_that_something_else_has(taken: int) -> None:
    assert surroundings.port(Settings(port=taken), wait_s=0.1).state is WARNING
    assert surroundings.port(Settings(host="192.0.2.1", port=taken)).state is TROUBLE


def test_who_may_reach_the_server_without_signing_in() -> None:
    assert surroundings.sign_in(Settings(no_login=True, host="0.0.0.0")).state is TROUBLE
    assert surroundings.sign_in(Settings(no_login=True)).state is OK
    assert surroundings.sign_in(Settings(host="0.0.0.0")).state is OK


def test_names_and_proxies_that_do_not_fit() -> None:
    assert surroundings.hosts(Settings()).state is OK
    assert surroundings.hosts(Settings(host="0.0.0.0")).state is WARNING
    assert surroundings.hosts(Settings(trusted_proxies=["127.0.0.1"])).state is WARNING
    assert surroundings.hosts(Settings(trusted_proxies=["0.0.0.0/0"])).state is TROUBLE
    named = Settings(public_url="https://fb.example.org", host="0.0.0.0")
    assert surroundings.hosts(named).state is TROUBLE
    named.allowed_hosts = ["*.example.org"]
    assert surroundings.hosts(named).state is OK


def test_extras_that_the_settings_need() -> None:
    assert surroundings.extras(Settings(), {"dask": "no_such_module"}).state is OK
    check = surroundings.extras(Settings(executor="dask://127.0.0.1:1"), {"dask": "no_such_module"})
    assert (check.state, check.remedy) == (TROUBLE, "pip install 'faultbook[dask]'")


def test_a_model_that_cannot_be_read(tmp_path: Path) -> None:
    check = surroundings.embedding_model(Settings(embedding_model=str(tmp_path / "none")))
    assert check.state is WARNING


def test_a_cluster_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    check = work.executor(Settings(executor=f"dask://127.0.0.1:{port}"))
    assert check is not None
    assert check.state is TROUBLE
    assert work.executor(Settings()) is None


def test_what_postgresql_tells() -> None:
    assert postgres.version(120_004).state is TROUBLE
    assert postgres.version(150_004).state is OK
    assert postgres.encoding("SQL_ASCII").state is TROUBLE
    assert postgres.words(is_folded=False).state is WARNING
    assert postgres.connections(97, 80).state is WARNING
    assert postgres.connections(97, 10).state is OK


def test_clocks_that_differ() -> None:
    states = [postgres.clock(seconds).state for seconds in (0.5, -5.0, 60.0)]
    assert states == [OK, WARNING, TROUBLE]


def test_postgresql_is_asked(backend: str, settings: Settings, database: Database) -> None:
    if backend == "sqlite":
        pytest.skip("needs PostgreSQL: --db both")
    checks = found(settings)
    assert {"PostgreSQL", "encoding", "locale", "connections", "clock"} <= checks.keys()
    assert checks["clock"].state is OK
