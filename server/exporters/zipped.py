"""Zip files written as a stream: no file of them is ever held as a whole."""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


class Pipe(io.RawIOBase):
    """A file that is only written to; what was written is taken out piece by piece."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written += data
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = bytes(self._written)
        self._written.clear()
        return taken


@dataclass
class ZippedFile:
    """A file on its way into a zip; digest and counts are known once it is in."""

    name: str
    pieces: Iterable[bytes]
    digest: str = ""
    byte_count: int = 0
    lines: int = 0


def begun(pipe: Pipe, *, level: int | None = None) -> zipfile.ZipFile:
    """Return an archive that is written into `pipe`, compressed as usual or by that level.

    Every file in it carries the first date that a zip knows, so that the same content gives the
    same bytes.
    """
    return zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=level)


def add(archive: zipfile.ZipFile, pipe: Pipe, file: ZippedFile) -> Iterator[bytes]:
    """Write a file into an archive that is written into `pipe`, and yield what came out."""
    digest = hashlib.sha256()
    with archive.open(file.name, "w", force_zip64=True) as target:
        for piece in file.pieces:
            target.write(piece)
            digest.update(piece)
            file.byte_count += len(piece)
            file.lines += piece.count(b"\n")
            yield pipe.take()
    file.digest = digest.hexdigest()
