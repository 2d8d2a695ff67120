"""Backup while others write, and restore into an empty place only, on either database."""

import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import select

from server.db import Database
from server.errors import Conflict, FaultbookError, Invalid
from server.models.event import Event, EventRow
from server.models.note import Note
from server.models.trace import Attachment, Step
from server.queries import traces
from server.services import backup_files, backups, notes, projects, restores
from server.services.moved_rows import counts
from server.settings import Settings
from tests.databases import Databases
from tests.factories import SLUG, make_project, member
from tests.processes import Ended

CLIENTS = 20


def nothing(_done: int, _total: int, _told: str) -> None:
    """Whom progress is told, where nobody asks."""


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    database = Database.from_url(settings.database_url)
    yield database
    database.dispose()


def make(database: Database, settings: Settings, file: Path) -> backups.Backup:
    return backups.backup(database, settings, file, nothing)


def note_down(database: Database, trace_id: int, text: str) -> None:
    with database.writing() as session:
        notes.add_note(session, member(session), trace_id, text)


def attach(database: Database, settings: Settings, trace_id: int, name: str) -> None:
    """A file on disk, and then a row that names it: the order of imports."""
    settings.attachments.mkdir(exist_ok=True)
    (settings.attachments / name).write_bytes(name.encode())
    with database.writing() as session:
        step = session.exec(select(Step).where(Step.trace_id == trace_id)).first()
        assert step is not None
        session.add(
            Attachment(step_id=step.id or 0, media_type="text/plain", sha256=name, byte_count=1)
        )


@pytest.fixture
def saved(database: Database, settings: Settings, tmp_path: Path) -> Path:
    """A backup of a project with a note and files."""
    trace_id = make_project(database)[0]
    note_down(database, trace_id, "wrong sum")
    attach(database, settings, trace_id, "ab12")
    settings.refused.mkdir()
    (settings.refused / "import-1.jsonl").write_text("{}\n")
    file = tmp_path / "backup.zip"
    made = make(database, settings, file)
    assert (made.bytes, made.files, made.missing) == (file.stat().st_size, 2, ())
    assert file.stat().st_mode & 0o077 == 0
    return file


@pytest.fixture
def elsewhere(databases: Databases, backend: str, tmp_path: Path) -> Iterator[Settings]:
    """An empty place of the same kind as the test's database."""
    if backend == "sqlite":
        yield Settings(data=tmp_path / "elsewhere")
        return
    with databases.settings(tmp_path / "elsewhere", None) as settings:
        yield settings


def test_a_backup_brings_back_rows_and_files(
    database: Database, saved: Path, elsewhere: Settings
) -> None:
    found = restores.restore(elsewhere, saved, nothing)
    assert found.is_checked
    assert (elsewhere.refused / "import-1.jsonl").read_text() == "{}\n"
    assert (elsewhere.attachments / "ab12").read_bytes() == b"ab12"
    with opened(elsewhere) as restored:
        with restored.engine.connect() as after, database.engine.connect() as before:
            assert counts(after) == counts(before)
        note_down(restored, 1, "it goes on")  # ids go on where they had got to
        with restored.reading() as session:
            assert list(session.exec(select(Note.text))) == ["wrong sum", "it goes on"]


def test_a_backup_goes_into_the_other_kind_of_database(
    backend: str, saved: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if backend == "sqlite":
        if request.config.getoption("--db") == "sqlite":
            pytest.skip("needs PostgreSQL: --db both")
        there: Databases = request.getfixturevalue("postgres_databases")
        with there.settings(tmp_path / "other", None) as settings:
            restores.restore(settings, saved, nothing)
            with opened(settings) as restored, restored.reading() as session:
                assert list(session.exec(select(Note.text))) == ["wrong sum"]
        return
    settings = Settings(data=tmp_path / "other")
    restores.restore(settings, saved, nothing)
    with opened(settings) as restored, restored.reading() as session:
        assert list(session.exec(select(Note.text))) == ["wrong sum"]


def test_a_backup_while_twenty_write_is_one_moment(
    database: Database, settings: Settings, tmp_path: Path, elsewhere: Settings
) -> None:
    trace_ids = make_project(database)
    attach(database, settings, trace_ids[0], "before")
    over, going = threading.Event(), threading.Barrier(CLIENTS + 1)
    saved: list[list[str]] = [[] for _ in range(CLIENTS)]

    def write(client: int) -> None:
        while not over.is_set():
            text = f"{client} {len(saved[client])}"
            note_down(database, trace_ids[0], text)
            if client == 0:
                attach(database, settings, trace_ids[0], f"file{len(saved[0])}")
            saved[client].append(text)
            if len(saved[client]) == 1:
                going.wait()

    writers = [threading.Thread(target=write, args=(client,)) for client in range(CLIENTS)]
    for writer in writers:
        writer.start()
    going.wait()
    acknowledged = {text for texts in saved for text in texts}
    try:
        with opened(settings) as other:  # as the command, which is a process of its own
            make(other, settings, tmp_path / "backup.zip")
    finally:
        over.set()
        for writer in writers:
            writer.join()

    restores.restore(elsewhere, tmp_path / "backup.zip", nothing)
    with opened(elsewhere) as restored, restored.reading() as session:
        kept = list(session.exec(select(Note.text).order_by(sa.text("id"))))
        assert acknowledged <= set(kept)
        for client in range(CLIENTS):
            own = [text for text in kept if text.split()[0] == str(client)]
            assert own == [f"{client} {number}" for number in range(len(own))]
        events = session.exec(select(Event.id).where(Event.kind == "note.added")).all()
        rows = session.exec(
            select(EventRow.event_id).where(EventRow.table_name == "note", EventRow.changed)
        ).all()
        assert len(kept) == len(events) == len(rows)
        for name in session.exec(select(Attachment.sha256)):
            assert (elsewhere.attachments / name).is_file()


def test_a_file_that_goes_meanwhile_is_in_it(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    attach(database, settings, make_project(database)[0], "ab12")
    held = tmp_path / "held"
    backup_files.held_still(settings, held)
    (settings.attachments / "ab12").unlink()
    backup_files.held_still(settings, held)
    assert (held / "attachments" / "ab12").read_bytes() == b"ab12"


def test_a_file_that_was_gone_before_is_told(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    attach(database, settings, make_project(database)[0], "ab12")
    (settings.attachments / "ab12").unlink()
    assert make(database, settings, tmp_path / "backup.zip").missing == ("attachments/ab12",)


def test_an_existing_file_is_not_overwritten(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "backup.zip"
    file.write_text("precious")
    with pytest.raises(Conflict, match="exists already"):
        make(database, settings, file)
    assert file.read_text() == "precious"


def test_what_is_there_is_not_restored_over(
    database: Database, settings: Settings, saved: Path
) -> None:
    with pytest.raises(Conflict, match="kept"):
        restores.restore(settings, saved, nothing)
    with database.reading() as session:
        project = projects.find(session, SLUG)
        assert session.exec(traces.count(project.id or 0)).one() > 0


def test_files_of_nobody_are_not_restored_over(saved: Path, elsewhere: Settings) -> None:
    elsewhere.uploads.mkdir(parents=True)
    (elsewhere.uploads / "mine.jsonl").write_text("{}")
    with pytest.raises(Conflict, match="uploads holds files"):
        restores.restore(elsewhere, saved, nothing)
    assert [path.name for path in elsewhere.uploads.iterdir()] == ["mine.jsonl"]
    assert not elsewhere.attachments.exists()


def test_a_database_that_is_not_empty_leaves_the_files_where_they_were(
    database: Database, settings: Settings, saved: Path, tmp_path: Path
) -> None:
    """PostgreSQL refuses after the files are in place, which then go away again."""
    other = settings.model_copy(update={"data": tmp_path / "other"})
    if database.takes_turns:
        other.database = settings.database_url
    with pytest.raises(Conflict, match=r"not empty|which is kept"):
        restores.restore(other, saved, nothing)
    assert not (tmp_path / "other" / "attachments").exists()


@pytest.mark.parametrize("content", [b"no zip at all", b""])
def test_what_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "backup.zip"
    file.write_bytes(content)
    with pytest.raises(Invalid, match="no backup of Faultbook's"):
        restores.restore(Settings(data=tmp_path / "new"), file, nothing)


@pytest.mark.sqlite
def test_a_damaged_backup_is_refused_wherever_it_is_damaged(saved: Path, tmp_path: Path) -> None:
    """Cut off anywhere, or with a piece of it overwritten; and nothing stays behind."""
    whole, data, file = saved.read_bytes(), tmp_path / "new", tmp_path / "damaged.zip"
    places = [len(whole) * part // 8 for part in range(1, 8)]
    damaged = [whole[:place] for place in places]
    damaged += [whole[:place] + b"damaged!" + whole[place + 8 :] for place in places]
    for content in damaged:
        file.write_bytes(content)
        with pytest.raises(Invalid, match="damaged"):
            restores.restore(Settings(data=data), file, nothing)
        assert list(data.iterdir()) == []
    assert restores.check(saved, nothing).files == 2


@pytest.mark.sqlite
def test_a_backup_that_was_tampered_with_is_refused(saved: Path, tmp_path: Path) -> None:
    def rewritten(changed: dict[str, bytes], added: dict[str, bytes]) -> Path:
        file = tmp_path / "changed.zip"
        with zipfile.ZipFile(saved) as old, zipfile.ZipFile(file, "w") as new:
            for name in old.namelist():
                new.writestr(name, changed.get(name, old.read(name)))
            for name, content in added.items():
                new.writestr(name, content)
        return file

    settings = Settings(data=tmp_path / "new")
    with pytest.raises(Invalid, match="ab12 is not what was backed up"):
        restores.restore(settings, rewritten({"attachments/ab12": b"else"}, {}), nothing)
    with pytest.raises(Invalid, match="disagree about"):
        restores.restore(settings, rewritten({}, {"../evil": b"x"}), nothing)
    newer = json.dumps({"format": "faultbook-backup", "version": 3, "files": {}}).encode()
    with pytest.raises(Invalid, match="of version 3, this reads 2"):
        restores.restore(settings, rewritten({"manifest.json": newer}, {}), nothing)
    assert not (tmp_path / "evil").exists()


@pytest.mark.sqlite
def test_a_backup_of_before_there_were_checksums_is_restored(saved: Path, tmp_path: Path) -> None:
    file, settings = tmp_path / "old.zip", Settings(data=tmp_path / "new")
    with zipfile.ZipFile(saved) as new, zipfile.ZipFile(file, "w") as old:
        for name in set(new.namelist()) - {"manifest.json"}:
            old.writestr(name, new.read(name))
    assert not restores.restore(settings, file, nothing).is_checked
    assert (settings.attachments / "ab12").is_file()


@pytest.mark.sqlite
def test_a_damaged_database_is_not_backed_up(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    make_project(database, traces=20)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    path = settings.data / "faultbook.sqlite"
    content = bytearray(path.read_bytes())
    content[4096 * 4 : 4096 * 40] = b"\xff" * 4096 * 36
    path.write_bytes(content)
    with pytest.raises((FaultbookError, sa.exc.DatabaseError)):
        make(database, settings, tmp_path / "backup.zip")
    assert [file.name for file in tmp_path.glob("*backup*")] == []


@pytest.mark.sqlite
def test_a_folder_keeps_the_latest_and_what_is_not_its_own(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    make_project(database)
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "faultbook-notes.zip").write_text("somebody's own")
    made = [backups.backup_into(database, settings, folder, nothing, 2).file for _ in range(3)]
    assert {path.name for path in folder.iterdir()} == {
        "faultbook-notes.zip",
        made[1].name,
        made[2].name,
    }


@pytest.mark.sqlite
def test_the_commands_say_what_was_done(
    database: Database, settings: Settings, saved: Path, tmp_path: Path
) -> None:
    database.dispose()
    folder = tmp_path / "backups"
    ended = Ended("backup", folder, "--keep", "1", "--data", settings.data, "--json")
    assert ended.code == 0, ended.told
    file = ended.answer["file"]
    assert f"{ended.answer['rows']:,} rows and 2 files" in ended.told
    assert Ended("restore", file, "--check", "--json").answer["is_checked"]
    ended = Ended("restore", file, "--data", tmp_path / "new")
    assert ended.code == 0, ended.told
    ended = Ended("restore", file, "--data", tmp_path / "new")
    assert (ended.code, "which is kept" in ended.told) == (1, True)
