"""An archive gives the same project again: rows, events, undo, attached files."""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session, select

from server.archive.format import MANIFEST, member_of
from server.archive.tables import MODELS, references
from server.db import Database
from server.errors import Invalid, TooLarge
from server.models.base import stored_id
from server.models.grouping import Rejection
from server.models.label import LabelValue
from server.models.mode import FailureMode
from server.models.note import Anchor, Note
from server.models.project import Annotator, Project
from server.models.run import AnalysisRun, RunStatus
from server.models.trace import Attachment, Step, TokenSeries
from server.models.verdict import VerdictValue
from server.services import (
    archives,
    batches,
    comments,
    events,
    groupings,
    labels,
    modes,
    notes,
    projects,
    verdicts,
)
from server.settings import Settings
from tests.databases import Databases, Prefilled
from tests.factories import make_trace, member

FILE = b"\x89PNG an attached picture"


@pytest.fixture(scope="module")
def elsewhere(sqlite_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Prefilled:
    """Another server, in which another project lives already."""

    def live(settings: Settings) -> None:
        database = Database.from_url(settings.database_url)
        with database.writing() as session:
            project = projects.create(session, "Something else")
            for number in range(5):
                make_trace(session, project, f"else-{number}")
            person = projects.local_member(session, project)
            notes.add_note(session, person, 1, "not part of it")
            modes.create(session, person, "Elsewhere")
        database.dispose()

    return sqlite_databases.prefilled(tmp_path_factory.mktemp("elsewhere") / "data", live)


@pytest.fixture
def other(sqlite_databases: Databases, elsewhere: Prefilled, tmp_path: Path) -> Iterator[Database]:
    """Its database."""
    with sqlite_databases.settings(tmp_path / "other", elsewhere) as settings:
        database = Database.from_url(settings.database_url)
        yield database
        database.dispose()


def fill(database: Database, settings: Settings) -> None:
    """A project in which everything is in use, beside another one."""
    with database.writing() as session:
        before = projects.create(session, "Before")
        make_trace(session, before, "x")
        project = projects.create(session, "Try me", description="«ünïcode» & ids")
        ids = [
            stored_id(make_trace(session, project, f"t{n}", ("Why?", "Because 3 😀.")))
            for n in range(4)
        ]
        step = session.exec(select(Step).where(Step.trace_id == ids[0])).all()[1]
        session.add(TokenSeries(step_id=stored_id(step), name="logprob", values=b"\x00\x01\xff"))
        digest = hashlib.sha256(FILE).hexdigest()
        session.add(Attachment(step_id=stored_id(step), media_type="image/png", sha256=digest))
        settings.attachments.mkdir(parents=True)
        (settings.attachments / digest).write_bytes(FILE)

        lead, alice = member(session), member(session, "Annotator A")
        batches.create(session, lead, size=3, seed=7)
        undone = notes.add_note(session, alice, ids[0], "undone")
        events.undo(session, alice)
        assert session.get(type(undone), undone.id) is None
        first = notes.add_note(session, alice, ids[0], "wrong sum", anchor=Anchor(1, 8, 9))
        second = notes.add_note(session, lead, ids[1], "counts wrong")
        verdicts.decide(session, alice, ids[0], VerdictValue.FAIL)
        verdicts.choose_first_failure_step(session, alice, ids[0], 1)
        verdicts.submit(session, alice, ids[0], seconds=31.5)
        comments.add_comment(session, alice, ids[0], "off by one", note_id=stored_id(first))
        one = groupings.accept_as_mode(session, lead, [stored_id(first)], "Slip", offer=None)
        two = groupings.accept_as_mode(session, lead, [stored_id(second)], "Miscount")
        labels.label(session, alice, ids[1], {stored_id(two): LabelValue.PRESENT})
        modes.add_example(session, lead, stored_id(one), stored_id(first), positive=True)
        groupings.take_out(session, lead, stored_id(first))
        groupings.dismiss(session, lead, [stored_id(first)])
        modes.merge(session, lead, source=stored_id(two), into=stored_id(one))


def archive(database: Database, settings: Settings, slug: str, path: Path) -> dict[str, bytes]:
    with database.reading() as session:
        archives.write(session, settings, projects.find(session, slug), path)
    with zipfile.ZipFile(path) as stored:
        return {name: stored.read(name) for name in stored.namelist()}


def test_export_import_export_is_identity(
    database: Database, other: Database, settings: Settings, tmp_path: Path
) -> None:
    fill(database, settings)
    first = archive(database, settings, "try-me", tmp_path / "first.zip")
    elsewhere = settings.model_copy(update={"data": tmp_path / "elsewhere"})
    with other.writing() as session:
        archives.read(session, elsewhere, tmp_path / "first.zip")
    second = archive(other, elsewhere, "try-me", tmp_path / "second.zip")
    assert second == first
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    tables = json.loads(first[MANIFEST])["tables"]
    assert (tables["note"]["rows"], tables["comment"]["rows"]) == (2, 1)


def test_undo_goes_on_in_the_imported_project(
    database: Database, other: Database, settings: Settings, tmp_path: Path
) -> None:
    fill(database, settings)
    archive(database, settings, "try-me", tmp_path / "a.zip")

    def undone(session: Session) -> list[tuple[str, str, int | None]]:
        events.undo(session, member(session))
        found = session.exec(
            select(FailureMode)
            .join(Project)
            .where(Project.slug == "try-me")
            .order_by(FailureMode.id)  # type: ignore[arg-type]  # a column, for SQLModel
        ).all()
        return [(mode.name, mode.status, mode.merged_into) for mode in found]

    with other.writing() as session:
        archives.read(session, settings, tmp_path / "a.zip")
    with other.writing() as session:
        assert undone(session) == [("Slip", "active", None), ("Miscount", "active", None)]
        fresh = modes.create(session, member(session), "New")
        known = {stored_id(mode) for mode in session.exec(select(FailureMode)) if mode != fresh}
        assert stored_id(fresh) > max(known)


def test_a_dismissed_group_stays_dismissed(
    database: Database, other: Database, settings: Settings, tmp_path: Path
) -> None:
    fill(database, settings)
    archive(database, settings, "try-me", tmp_path / "a.zip")
    with other.writing() as session:
        archives.read(session, settings, tmp_path / "a.zip")
    with other.reading() as session:
        (note,) = session.exec(select(Note).where(Note.text == "wrong sum")).all()
        dismissed = [row.note_ids for row in session.exec(select(Rejection)) if row.note_ids]
        # The other server has a note of its own, so the group's note has another id there.
        assert dismissed == [[note.id]]
        assert note.id != 1


def test_an_archive_imported_beside_its_own_project_takes_another_slug(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    fill(database, settings)
    archive(database, settings, "try-me", tmp_path / "a.zip")
    with database.writing() as session:
        assert archives.read(session, settings, tmp_path / "a.zip").slug == "try-me-2"
    with database.writing() as session:
        again = archives.read(session, settings, tmp_path / "a.zip", name="Copy of it")
        assert (again.slug, again.name) == ("copy-of-it", "Copy of it")


def damaged(path: Path, member_name: str, change: bytes | None) -> None:
    with zipfile.ZipFile(path) as stored:
        members = {name: stored.read(name) for name in stored.namelist()}
    if change is None:
        del members[member_name]
    else:
        members[member_name] = change
    with zipfile.ZipFile(path, "w") as stored:
        for name, content in members.items():
            stored.writestr(name, content)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        (member_of("note"), b"", "is damaged: 0 rows, where the manifest says 2"),
        (member_of("note"), b"{not json}\n", "line 1"),
        (MANIFEST, b"{}", "manifest does not fit"),
        (MANIFEST, None, "no Faultbook archive"),
        (f"attachments/{hashlib.sha256(FILE).hexdigest()}", b"other bytes", "digest differs"),
    ],
)
def test_a_damaged_archive_is_refused_and_leaves_nothing(
    database: Database,
    other: Database,
    settings: Settings,
    tmp_path: Path,
    name: str,
    change: bytes | None,
    told: str,
) -> None:
    fill(database, settings)
    archive(database, settings, "try-me", tmp_path / "a.zip")
    damaged(tmp_path / "a.zip", name, change)
    with pytest.raises(Invalid, match=told), other.writing() as session:
        archives.read(session, settings, tmp_path / "a.zip")
    with other.reading() as session:
        assert [project.slug for project in session.exec(select(Project))] == ["something-else"]


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("trace", {"project_id": 0}),
        ("note", {"trace_id": -1}),
        ("verdict", {"id": True}),
        ("label", {"annotator_id": "1"}),
        ("project", {"id": 2}),
        ("attachment", {"sha256": "../../faultbook.sqlite"}),
        ("note", {"trace_id": 4_000}),
    ],
)
def test_an_archive_reaches_no_row_and_no_file_but_its_own(
    database: Database,
    other: Database,
    settings: Settings,
    tmp_path: Path,
    table: str,
    change: dict[str, object],
) -> None:
    fill(database, settings)
    archive(database, settings, "try-me", tmp_path / "a.zip")
    rewrite(tmp_path / "a.zip", table, change)
    with (
        pytest.raises(Invalid, match=r"damaged|lacks the attached|do not fit together"),
        other.writing() as session,
    ):
        archives.read(session, settings, tmp_path / "a.zip")


def rewrite(path: Path, table: str, change: dict[str, object]) -> None:
    """Change the first row of a table, and the manifest so that its digest fits."""
    with zipfile.ZipFile(path) as stored:
        first, *rest = stored.read(member_of(table)).splitlines(keepends=True)
        manifest = json.loads(stored.read(MANIFEST))
    row = {**json.loads(first), **change}
    content = b"".join([json.dumps(row).encode() + b"\n", *rest])
    manifest["tables"][table]["sha256"] = hashlib.sha256(content).hexdigest()
    damaged(path, member_of(table), content)
    damaged(path, MANIFEST, json.dumps(manifest).encode())


def test_paths_and_accounts_in_an_archive_are_not_taken_over(
    database: Database, other: Database, settings: Settings, tmp_path: Path
) -> None:
    fill(database, settings)
    archive(database, settings, "try-me", tmp_path / "a.zip")
    rewrite(tmp_path / "a.zip", "annotator", {"user_id": 1})
    with other.writing() as session:
        project = archives.read(session, settings, tmp_path / "a.zip")
        people = session.exec(select(Annotator).where(Annotator.project_id == project.id)).all()
        assert {person.user_id for person in people} == {None}


def test_one_that_unpacks_to_too_much_is_refused(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    fill(database, settings)
    archive(database, settings, "try-me", tmp_path / "a.zip")
    small = settings.model_copy(update={"decompressed_limit_bytes": 100})
    with pytest.raises(TooLarge, match="100 are allowed"), database.writing() as session:
        archives.read(session, small, tmp_path / "a.zip")


def test_a_run_under_way_is_over_in_the_archive_and_archiving_is_no_part_of_it(
    database: Database, other: Database, settings: Settings, tmp_path: Path
) -> None:
    fill(database, settings)
    with database.writing() as session:
        lead = member(session)
        for kind in ("archive", "group", "archive"):
            session.add(AnalysisRun(project_id=lead.project_id, kind=kind, created_by=lead.id))
    first = archive(database, settings, "try-me", tmp_path / "a.zip")
    with other.writing() as session:
        archives.read(session, settings, tmp_path / "a.zip")
        (run,) = session.exec(select(AnalysisRun)).all()
        assert (run.kind, run.status) == ("group", RunStatus.CANCELLED)
    assert archive(other, settings, "try-me", tmp_path / "b.zip") == first


def test_no_archive_at_all_is_refused(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "a.zip").write_text("not a zip")
    with pytest.raises(Invalid, match="no Faultbook archive"), database.writing() as session:
        archives.read(session, settings, tmp_path / "a.zip")


def test_every_table_of_a_project_is_archived() -> None:
    from sqlmodel import SQLModel

    of_people = {"user", "user_session", "api_token", "invitation", "webhook", "webhook_delivery"}
    of_people |= {"identity", "sign_in_attempt"}
    derived = {"embedding"}  # the same text gives the same vector again
    assert set(MODELS) == set(SQLModel.metadata.tables) - of_people - derived


def test_parents_come_before_children() -> None:
    seen: set[str] = set()
    for table, model in MODELS.items():
        needed = {ref.table for ref in references(model)} - {table}
        assert needed <= seen, (table, needed - seen)
        seen.add(table)
