"""Backup while others write, and restore into an empty place only."""

import threading
import zipfile
from pathlib import Path

import pytest
from sqlmodel import select

from server.db import Database
from server.errors import Conflict, Invalid
from server.models.note import Note
from server.queries import traces
from server.services import backups, notes, projects
from server.settings import Settings
from tests.factories import SLUG, make_project, member

pytestmark = pytest.mark.sqlite


def texts(settings: Settings) -> list[str]:
    database = Database.from_url(settings.database_url)
    with database.reading() as session:
        found = list(session.exec(select(Note.text)))
    database.dispose()
    return found


def test_a_backup_brings_back_rows_and_files(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    trace_id = make_project(database)[0]
    with database.writing() as session:
        notes.add_note(session, member(session), trace_id, "wrong sum")
    settings.refused.mkdir()
    (settings.refused / "import-1.jsonl").write_text("{}\n")
    settings.attachments.mkdir()
    (settings.attachments / "ab12").write_bytes(b"picture")
    file = tmp_path / "backup.zip"
    assert backups.backup(database, settings, file) == file.stat().st_size

    elsewhere = Settings(data=tmp_path / "elsewhere")
    backups.restore(elsewhere, file)
    assert texts(elsewhere) == ["wrong sum"]
    assert (elsewhere.refused / "import-1.jsonl").read_text() == "{}\n"
    assert (elsewhere.attachments / "ab12").read_bytes() == b"picture"


def test_a_backup_while_others_write_is_consistent(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    trace_id = make_project(database)[0]
    over = threading.Event()
    saved: list[str] = []

    def write() -> None:
        while not over.is_set():
            with database.writing() as session:
                notes.add_note(session, member(session), trace_id, f"note {len(saved)}")
            saved.append(f"note {len(saved)}")

    writer = threading.Thread(target=write)
    writer.start()
    while len(saved) < 5:
        over.wait(0.01)
    before = len(saved)
    backups.backup(database, settings, tmp_path / "backup.zip")
    over.set()
    writer.join()

    elsewhere = Settings(data=tmp_path / "elsewhere")
    backups.restore(elsewhere, tmp_path / "backup.zip")
    kept = texts(elsewhere)
    assert len(kept) >= before
    assert kept == [f"note {number}" for number in range(len(kept))]


def test_an_existing_file_is_not_overwritten(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "backup.zip"
    file.write_text("precious")
    with pytest.raises(Conflict, match="exists already"):
        backups.backup(database, settings, file)
    assert file.read_text() == "precious"


def test_a_database_is_not_restored_over(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    make_project(database, traces=2)
    file = tmp_path / "backup.zip"
    backups.backup(database, settings, file)
    with pytest.raises(Conflict, match="holds a database, which is kept"):
        backups.restore(settings, file)
    with database.reading() as session:
        project = projects.find(session, SLUG)
        assert session.exec(traces.count(project.id or 0)).one() == 2


@pytest.mark.parametrize("content", [b"no zip at all", b""])
def test_what_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "backup.zip"
    file.write_bytes(content)
    with pytest.raises(Invalid, match="no backup of Faultbook's"):
        backups.restore(Settings(data=tmp_path / "data"), file)


def test_a_damaged_database_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(backups.DATABASE, b"not SQLite at all" * 100)
    data = tmp_path / "data"
    with pytest.raises(Invalid, match="cannot be used"):
        backups.restore(Settings(data=data), file)
    assert list(data.iterdir()) == []
