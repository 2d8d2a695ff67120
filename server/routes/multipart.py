"""Uploads: multipart bodies written straight into the data directory.

They are taken before the database is locked for writing, within the limit that the settings name.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, BinaryIO

from anyio import to_thread
from fastapi import Depends, Request
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from sqlmodel import Session
from starlette.requests import ClientDisconnect

from server.db import Database
from server.errors import FaultbookError, Invalid, TooLarge
from server.importers.base import Source
from server.importers.folders import FoundFile
from server.routes.principal import Principal, maker, principal
from server.routes.screen import entered, lead
from server.services.import_runs import digest_of
from server.services.uploads import Upload, shown_name
from server.settings import Settings
from server.views.sizes import size

BODY_LIMIT = 2**62
"""Given to the framework, whose own refusal is no sentence: the limit is kept here."""
_WRITE_BYTES = 1024 * 1024
_MOST_FILES = 100
_FIELD_BYTES = 10_000
"""At most, of a field that is no file, such as a name."""


class _FileParts:
    """Writes each file of a form into a file of its own, and holds its short fields."""

    def __init__(self, boundary: bytes, folder: Path) -> None:
        self.files: list[tuple[str, Path]] = []
        self.fields: dict[str, bytes] = {}
        self._folder = folder
        self._field: str = ""
        self._header, self._value, self._disposition = b"", b"", b""
        self._open: BinaryIO | None = None
        self._parser = MultipartParser(
            boundary,
            {
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self.close,
            },
        )

    def write(self, data: bytes) -> None:
        """Take the next bytes of the body."""
        self._parser.write(data)

    def close(self) -> None:
        """End the part being written."""
        self._field = ""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header = self._bounded(self._header + data[start:end])

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value = self._bounded(self._value + data[start:end])

    @staticmethod
    def _bounded(header: bytes) -> bytes:
        if len(header) > _FIELD_BYTES:
            raise TooLarge("The head of a part of the form is too long. Nothing was kept.")
        return header

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._disposition = b""
        told = options.get(b"filename", b"")
        if b"filename" not in options:
            self._field = options.get(b"name", b"").decode("utf-8", "replace")
        if not told:
            return
        if len(self.files) == _MOST_FILES:
            raise TooLarge(f"At most {_MOST_FILES} files fit into one upload. Nothing was kept.")
        path = self._folder / str(len(self.files) + 1)
        self.files.append((shown_name(told.decode("utf-8", "replace")), path))
        self._open = path.open("xb")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._open is not None:
            self._open.write(data[start:end])
        elif self._field:
            held = self.fields.get(self._field, b"") + data[start:end]
            if len(held) > _FIELD_BYTES or len(self.fields) > _MOST_FILES:
                raise TooLarge("The form says too much beside its files. Nothing was kept.")
            self.fields[self._field] = held


Check = Callable[[Request, Session, Principal, str], object]
"""Raises for who may not import into the project of that slug ("" where there is none yet)."""


def received_after(check: Check) -> Callable[..., AsyncIterator[list[Upload]]]:
    """Return a dependency: the files of a form, taken from whom `check` lets through."""

    def may(request: Request) -> None:
        database: Database = request.app.state.database
        slug = request.path_params.get("slug", "")
        with database.reading() as session:
            check(request, session, principal(request, session), slug)

    async def received(
        request: Request, _may: Annotated[None, Depends(may)]
    ) -> AsyncIterator[list[Upload]]:
        settings: Settings = request.app.state.settings
        folder = await to_thread.run_sync(_new_folder, settings.uploads)
        try:
            yield await _stored(request, folder, settings.upload_limit_bytes)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    return received


def _lead(request: Request, session: Session, who: Principal, slug: str) -> None:
    lead.check(entered(request, session, who, slug))


def _maker(_request: Request, _session: Session, who: Principal, _slug: str) -> None:
    maker(who)


ReceivedArchive = Annotated[list[Upload], Depends(received_after(_maker))]
"""The files of somebody who may make a project of them."""

ReceivedFiles = Annotated[list[Upload], Depends(received_after(_lead))]
"""The files of a lead's form. Ask for it before the session: uploads are slow, the write lock is
one; the route asks again who may. Other fields of the form stand in `request.state.form_fields`."""


def _new_folder(uploads: Path) -> Path:
    uploads.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=uploads))


async def _stored(request: Request, folder: Path, limit: int) -> list[Upload]:
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise Invalid("Expected a form with files. Choose a file and send it again.")
    _check_size(int(request.headers.get("content-length", "0")), limit)
    parts = _FileParts(options[b"boundary"], folder)
    try:
        await _write(request, parts, limit)
    except FormParserError as error:
        raise Invalid(f"The upload arrived damaged: {error}. Send the file again.") from error
    except ClientDisconnect as error:
        raise Invalid("The upload stopped before its end. Nothing was kept.") from error
    except OSError as error:
        raise _not_kept(error) from error
    finally:
        parts.close()
    if not parts.files:
        raise Invalid("No file arrived. Choose one or drop it on the page.")
    request.state.form_fields = {
        name: value.decode("utf-8", "replace") for name, value in parts.fields.items()
    }
    return await to_thread.run_sync(_digested, parts.files)


async def _write(request: Request, parts: _FileParts, limit: int) -> None:
    total = 0
    waiting = bytearray()
    async for chunk in request.stream():
        total += len(chunk)
        _check_size(total, limit)
        waiting += chunk
        if len(waiting) >= _WRITE_BYTES:
            await to_thread.run_sync(parts.write, bytes(waiting))
            waiting.clear()
    await to_thread.run_sync(parts.write, bytes(waiting))


def _digested(files: list[tuple[str, Path]]) -> list[Upload]:
    return [Upload(name, path, digest_of([FoundFile(Source(path, name))])) for name, path in files]


def _check_size(found: int, limit: int) -> None:
    if found > limit:
        raise TooLarge(
            f"This upload is too large: {size(limit)} at most. Split the file, pack it with gzip "
            "or zstd, import it on the command line, or raise FAULTBOOK_UPLOAD_LIMIT_BYTES. "
            "Nothing was kept."
        )


def _not_kept(error: OSError) -> FaultbookError:
    failure = FaultbookError(
        f"The file could not be written to the data directory: {error.strerror}. "
        "Nothing was imported."
    )
    failure.status = 507
    return failure
