"""Entries of a zip archive, read one by one within bounds.

Current Inspect logs pack their entries with Zstandard, which Python's `zipfile` learns only in a
later release. Such an entry is read from its place in the file.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO
from zipfile import BadZipFile, ZipFile, ZipInfo

from server.importers.base import FieldProblem, ImportOptions, Source, UnreadableSource
from server.importers.files.sources import seekable, zstd_reader

_ZSTD = 93
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_ENCRYPTED = 1
_DAMAGE = (
    *(BadZipFile, zlib.error, struct.error, EOFError, OSError),
    RuntimeError,  # what zipfile raises for an entry that is encrypted, or packed in another way
    ValueError,  # pyarrow's reader, and a place before the start of the file
)


class _Slice(io.RawIOBase):
    """A part of a file, as a stream."""

    def __init__(self, stream: IO[bytes], start: int, length: int) -> None:
        self._stream = stream
        self._at = start
        self._end = start + length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # a narrower buffer
        self._stream.seek(self._at)
        chunk = self._stream.read(min(len(buffer), self._end - self._at))
        buffer[: len(chunk)] = chunk
        self._at += len(chunk)
        return len(chunk)


class Archive:
    """An open zip archive that counts what it unpacks."""

    def __init__(self, stream: IO[bytes], name: str, options: ImportOptions) -> None:
        self._stream = stream
        self._name = name
        self._options = options
        self._left = options.max_decompressed_bytes
        self._zip = ZipFile(stream)
        # Written twice, the later entry is the one that counts.
        self._entries = {entry.filename: entry for entry in self._zip.infolist()}

    def names(self) -> list[str]:
        """Return the names of the entries."""
        return list(self._entries)

    def read(self, name: str) -> bytes:
        """Return what an entry unpacks to.

        Raises:
            FieldProblem: It is damaged, encrypted, or larger than a record may be.
            UnreadableSource: Together with what was read before it exceeds the limit of an import.
        """
        entry = self._entries[name]
        limit = self._options.max_record_bytes
        try:
            with self._opened(entry) as unpacked:
                data = unpacked.read(limit + 1)
        except _DAMAGE as error:
            raise FieldProblem("", f"the entry {name} is damaged: {error}") from error
        self._left -= len(data)
        if self._left < 0:
            raise UnreadableSource(
                f"{self._name} unpacks to more than {self._options.max_decompressed_bytes:,} "
                "bytes, the limit for one import. Raise FAULTBOOK_DECOMPRESSED_LIMIT_BYTES."
            )
        if len(data) > limit:
            reason = f"the entry {name} holds more than {limit:,} bytes"
            raise FieldProblem("", f"{reason}; raise FAULTBOOK_RECORD_LIMIT_BYTES to read it")
        if zlib.crc32(data) != entry.CRC:
            raise FieldProblem("", f"the entry {name} is damaged: its checksum is wrong")
        return data

    def _opened(self, entry: ZipInfo) -> IO[bytes]:
        if entry.flag_bits & _ENCRYPTED:
            raise FieldProblem("", f"the entry {entry.filename} is encrypted")
        if entry.compress_type != _ZSTD:
            return self._zip.open(entry)
        self._stream.seek(entry.header_offset)
        header = _LOCAL_HEADER.unpack(self._stream.read(_LOCAL_HEADER.size))
        start = entry.header_offset + _LOCAL_HEADER.size + header[-2] + header[-1]
        return zstd_reader(io.BufferedReader(_Slice(self._stream, start, entry.compress_size)))


@contextmanager
def archive(source: Source, options: ImportOptions) -> Iterator[Archive]:
    """Open a zip archive; one whose directory cannot be read is named in a sentence."""
    with seekable(source, options) as stream:
        try:
            opened = Archive(stream, source.shown_name, options)
        except _DAMAGE as error:
            raise UnreadableSource(
                f"{source.shown_name} is a damaged zip archive: {error}. Copy it again from where "
                "it was made; nothing was read."
            ) from error
        yield opened
