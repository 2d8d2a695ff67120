"""Project archives: everything of one project in one file, and the same project from it."""

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError, StatementError
from sqlmodel import Session

from server.archive import sequences
from server.archive.format import ATTACHMENTS, MANIFEST, VERSION, Manifest, TableEntry, member_of
from server.archive.renumbering import Renumbering, check_ids, highest_logged_ids, lowest_ids
from server.archive.tables import (
    ARCHIVED,
    LEFT_OUT,
    MODELS,
    archived_rows_of,
    references,
    rows_of,
    table_of,
)
from server.errors import Invalid, TooLarge
from server.models.base import Row, stored_id
from server.models.journal import from_json, json_value, keys_of
from server.models.project import Annotator, Project
from server.models.run import AnalysisRun, RunStatus
from server.models.trace import Attachment
from server.queries import projects as project_queries
from server.services import projects
from server.settings import Settings

_ROWS_AT_ONCE = 1000
_LINES_AT_ONCE = 100
_LARGEST_MANIFEST = 64 * 1024**2
_LONGEST_LINE = 256 * 1024**2
_DAMAGE = (
    *(zipfile.BadZipFile, EOFError, zlib.error),
    *(KeyError, TypeError, ValueError, AttributeError),  # values of kinds that no row has
    RuntimeError,  # what zipfile raises for an entry that is encrypted, or packed in another way
)
_WRITTEN_AT = (1980, 1, 1, 0, 0, 0)
"""Every member has the same date: equal projects give equal archives."""


def write(
    session: Session,
    settings: Settings,
    project: Project,
    path: Path,
    progress: Callable[[int, int, str], None] = lambda *_: None,
) -> Manifest:
    """Write everything of a project into a zip; readers of `path` see all of it or none.

    Args:
        session: A reading session: it sees one state of the project.
        settings: Where attached files lie.
        project: What to archive.
        path: Where the archive goes.
        progress: Told how many tables of how many are written, and which is next.
    """
    project_id = stored_id(project)
    renumbering = _to_one(session, project_id)
    entries: dict[str, TableEntry] = {}
    with (
        _whole(path) as unfinished,
        zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for number, model in enumerate(ARCHIVED):
            name = str(model.__tablename__)
            progress(number, len(ARCHIVED), name.replace("_", " "))
            with _member(archive, member_of(name)) as file:
                entries[name] = _write_table(session, file, model, project_id, renumbering)
        attached = sorted(set(session.execute(_attached(project_id)).scalars()))
        for digest in attached:
            with _member(archive, ATTACHMENTS + digest) as file:
                file.write((settings.attachments / digest).read_bytes())
        manifest = Manifest(
            revision=_revision(),
            project=project.slug,
            tables=entries,
            attachments=tuple(attached),
        )
        with _member(archive, MANIFEST) as file:
            file.write(manifest.model_dump_json(indent=2).encode())
    return manifest


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Name the file to write instead, which takes the place of `path` once it is whole."""
    unfinished = path.with_name(path.name + ".part")
    try:
        yield unfinished
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def digests(session: Session, project: Project) -> dict[str, TableEntry]:
    """Return rows and digest of each table of the archive that would be written of a project.

    Archives of a project with equal digests and the same attached files are equal byte for byte.
    """
    project_id = stored_id(project)
    renumbering = _to_one(session, project_id)
    with open(os.devnull, "wb") as nowhere:
        return {
            str(model.__tablename__): _write_table(session, nowhere, model, project_id, renumbering)
            for model in ARCHIVED
        }


def lines(session: Session, project: Project, table: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of one table as the archive of a project holds them."""
    project_id = stored_id(project)
    renumbering = _to_one(session, project_id)
    for values in _stored_rows(session, MODELS[table], project_id):
        yield renumbering.row(table, values)


def _revision() -> str:
    from server.schema import head_revision

    return head_revision()


def _member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    info = zipfile.ZipInfo(name, _WRITTEN_AT)
    info.compress_type = zipfile.ZIP_DEFLATED
    return archive.open(info, "w", force_zip64=True)


def _attached(project_id: int) -> Any:
    rows = rows_of(Attachment, project_id).order_by(None).subquery()
    return sa.select(rows.c.sha256)


def _stored_rows(session: Session, model: type[Row], project_id: int) -> Iterator[dict[str, Any]]:
    """Yield rows as JSON values, read past the session, which would make an object of each."""
    left_out = LEFT_OUT.get(str(model.__tablename__), {})
    statement = archived_rows_of(model, project_id).execution_options(yield_per=_ROWS_AT_ONCE)
    keys, names = keys_of(model), set[tuple[str, str]]()
    session.flush()
    for row in session.connection().execute(statement):
        values = {key: json_value(value) for key, value in zip(keys, row, strict=True)} | left_out
        if model is AnalysisRun:
            values |= _ended(values)
        elif model is Annotator:
            values["name"] = _told_apart(values["name"], values["version"], names)
        yield values


def _ended(run: Mapping[str, Any]) -> dict[str, Any]:
    """End a run under way: where the archive is read, nobody would go on with it."""
    if RunStatus(run["status"]).is_over:
        return {}
    return {"status": RunStatus.CANCELLED, "error": "It was under way when this was archived."}


def _told_apart(known: str, version: str, names: set[tuple[str, str]]) -> str:
    """Number people of the same name, whom only their accounts tell apart."""
    name, number = known, 1
    while (name, version) in names:
        number += 1
        name = f"{known} ({number})"
    names.add((name, version))
    return name


def _to_one(session: Session, project_id: int) -> Renumbering:
    """Let every table's ids begin at 1: the archive does not depend on where it came from."""
    lowest: dict[str, int] = {}
    for model in ARCHIVED:
        name = str(model.__tablename__)
        if name == "event":
            for values in _stored_rows(session, model, project_id):
                lowest_ids(name, values, lowest)
            continue
        rows = archived_rows_of(model, project_id).order_by(None).subquery()
        first = session.execute(sa.select(sa.func.min(rows.c.id))).scalar()
        if first is not None:
            lowest[name] = min(first, lowest.get(name, first))
    return Renumbering({table: 1 - number for table, number in lowest.items()})


def _write_table(
    session: Session,
    file: IO[bytes],
    model: type[Row],
    project_id: int,
    renumbering: Renumbering,
) -> TableEntry:
    digest, count = hashlib.sha256(), 0
    name = str(model.__tablename__)
    rows = _stored_rows(session, model, project_id)
    while some := [renumbering.row(name, values) for values in islice(rows, _LINES_AT_ONCE)]:
        lines_of = (json.dumps(row, ensure_ascii=False, sort_keys=True) for row in some)
        piece = "".join(f"{line}\n" for line in lines_of).encode()
        file.write(piece)
        digest.update(piece)
        count += len(some)
    return TableEntry(rows=count, sha256=digest.hexdigest())


def read(
    session: Session, settings: Settings, path: Path, *, name: str = "", shown_as: str = ""
) -> Project:
    """Make a project from an archive, the same as the one that was archived.

    It is all or nothing: on any fault the session is to be rolled back.

    Args:
        session: A writing session.
        settings: Where attached files go.
        path: The archive.
        name: The project's new name; the archived one where empty.
        shown_as: What people call the file, where that is not its name on disk.

    Raises:
        Invalid: It is no archive, is damaged, or comes from a newer version.
        TooLarge: It unpacks to more than an import may.
    """
    shown_as = shown_as or path.name
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(archive, settings.decompressed_limit_bytes)
            manifest = _checked_manifest(archive)
            for digest in manifest.attachments:
                _keep_attachment(archive, settings, digest)
            return _read_project(session, archive, manifest, name)
    except _DAMAGE as error:
        raise Invalid(f"{shown_as} is no Faultbook archive, or is damaged: {error}.") from error
    except OperationalError:
        raise  # the database's trouble, not the file's
    except StatementError as error:
        raise Invalid(f"The rows of {shown_as} do not fit together: {error.orig}.") from error


def inspect(path: Path) -> Manifest:
    """Return what an archive says of itself, checked as far as that goes without reading it."""
    with zipfile.ZipFile(path) as archive:
        return _checked_manifest(archive)


def looks_like(path: Path) -> bool:
    """Return whether a file is a zip with an archive's manifest, whatever its name."""
    try:
        with zipfile.ZipFile(path) as archive:
            if MANIFEST not in archive.namelist():
                return False
            return '"faultbook-archive"' in _manifest(archive).decode("utf-8", "replace")
    except (*_DAMAGE, Invalid, OSError):
        return False


def _check_size(archive: zipfile.ZipFile, limit: int) -> None:
    total = sum(member.file_size for member in archive.infolist())
    if total > limit:
        raise TooLarge(
            f"The archive unpacks to {total:,} bytes; {limit:,} are allowed. Raise "
            "FAULTBOOK_DECOMPRESSED_LIMIT_BYTES."
        )


def _manifest(archive: zipfile.ZipFile) -> bytes:
    with archive.open(MANIFEST) as file:
        found = file.read(_LARGEST_MANIFEST + 1)
    if len(found) > _LARGEST_MANIFEST:
        raise Invalid(f"The archive's manifest has more than {_LARGEST_MANIFEST:,} bytes.")
    return found


def _checked_manifest(archive: zipfile.ZipFile) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(_manifest(archive))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Invalid(f"The archive's manifest does not fit: {where}: {first['msg']}.") from error
    if manifest.version > VERSION:
        raise Invalid(
            f"The archive has format {manifest.version}; this version of Faultbook reads up to "
            f"{VERSION}. Install a newer one."
        )
    unknown = set(manifest.tables) - set(MODELS)
    if unknown:
        raise Invalid(f"The archive holds tables that are not known here: {sorted(unknown)}.")
    return manifest


def _keep_attachment(archive: zipfile.ZipFile, settings: Settings, digest: str) -> None:
    settings.attachments.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=settings.attachments, prefix=".unpacked-") as kept:
        with archive.open(ATTACHMENTS + digest) as packed:
            shutil.copyfileobj(packed, kept)
        kept.flush()
        kept.seek(0)
        if hashlib.file_digest(kept, "sha256").hexdigest() != digest:
            raise Invalid(f"The attached file {digest} is damaged: its digest differs.")
        # Named by its digest alone, which the check shows to be one.
        shutil.copyfile(kept.name, settings.attachments / digest)


def _read_project(
    session: Session, archive: zipfile.ZipFile, manifest: Manifest, name: str
) -> Project:
    renumbering = Renumbering({table: sequences.last_id(session, table) for table in MODELS})
    later: list[tuple[type[Row], dict[str, Any]]] = []
    for model in ARCHIVED:
        table = str(model.__tablename__)
        if table not in manifest.tables:
            continue
        own = [ref.column for ref in references(model) if ref.table == table]
        chunk: list[dict[str, Any]] = []
        for values in _lines(archive, manifest, table):
            _check_row(table, values, manifest)
            row = renumbering.row(table, {**values, **LEFT_OUT.get(table, {})})
            if model is Project:
                _rename(session, row, name)
            if any(row[column] is not None for column in own):
                later.append((model, {"id": row["id"], **{c: row[c] for c in own}}))
                row.update(dict.fromkeys(own))
            chunk.append(_python_values(model, row))
            if len(chunk) == _ROWS_AT_ONCE:
                session.execute(sa.insert(model), chunk)
                chunk = []
        if chunk:
            session.execute(sa.insert(model), chunk)
    for model, values in later:
        own_table = table_of(model)
        own_row = own_table.c.id == values.pop("id")
        session.execute(sa.update(own_table).where(own_row).values(values))
    highest = dict.fromkeys(manifest.tables, 0)
    for values in _stored_rows(session, MODELS["event"], renumbering.id("project", 1)):
        highest_logged_ids(values, highest)
    sequences.catch_up(session, highest)
    return session.get_one(Project, renumbering.id("project", 1))


def _check_row(table: str, values: Mapping[str, Any], manifest: Manifest) -> None:
    """Refuse what would reach rows or files that are not the archive's own."""
    check_ids(table, values)
    if table == "attachment" and values.get("sha256") not in manifest.attachments:
        raise Invalid(f"The archive lacks the attached file {values.get('sha256')}.")


def _lines(archive: zipfile.ZipFile, manifest: Manifest, table: str) -> Iterator[dict[str, Any]]:
    digest, count, entry = hashlib.sha256(), 0, manifest.tables[table]
    with archive.open(member_of(table)) as file:
        while line := file.readline(_LONGEST_LINE + 1):
            digest.update(line)
            count += 1
            try:
                if len(line) > _LONGEST_LINE:
                    raise ValueError(f"it has more than {_LONGEST_LINE:,} bytes")
                values = json.loads(line)
                if not isinstance(values, dict):
                    raise ValueError("expected an object")
            except (ValueError, RecursionError) as error:
                raise Invalid(f"{member_of(table)}, line {count}: {error}.") from error
            yield values
    if (count, digest.hexdigest()) != (entry.rows, entry.sha256):
        raise Invalid(
            f"{member_of(table)} is damaged: {count} rows, where the manifest says {entry.rows}, "
            "or another digest. Nothing was imported."
        )


def _python_values(model: type[Row], row: Mapping[str, Any]) -> dict[str, Any]:
    known = {attribute.key for attribute in sa.inspect(model).column_attrs}
    if unknown := set(row) - known:
        raise Invalid(f"{model.__tablename__} has unknown fields: {sorted(unknown)}.")
    return from_json(model, row)


def _rename(session: Session, row: dict[str, Any], name: str) -> None:
    """Give the project a slug that is free here; its name only where a new one was asked for."""
    row["name"] = name or row["name"]
    wanted = projects.slug_of(name) if name else row["slug"]
    slug, number = wanted, 1
    while session.exec(project_queries.by_slug(slug)).first() is not None:
        number += 1
        slug = f"{wanted}-{number}"
    row["slug"] = slug
