"""The label bundle for evaluators: taxonomy, labels, examples, a manifest with hashes; zipped."""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from server.exporters.json_lines import dumps, lines, mode_name
from server.exporters.records import Codebook, Manifest, TraceRecord

FORMAT = "faultbook-label-bundle"
VERSION = 1
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Every file carries the same date, so that the same content gives the same bytes."""


class _Pipe(io.RawIOBase):
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
class _File:
    name: str
    pieces: Iterable[bytes]
    digest: str = ""
    byte_count: int = 0
    lines: int = 0


def write(
    codebook: Codebook,
    taxonomy: Iterable[Any],
    traces: Iterable[TraceRecord],
    examples: Iterable[Any],
    manifest: Manifest,
) -> Iterator[bytes]:
    """Stream the bundle as a zip file, without ever holding a whole file of it.

    Args:
        codebook: Modes and people that labels name.
        taxonomy: The modes with definitions and versions, as JSON values.
        traces: The traces whose labels go in.
        examples: The codebook's examples, as JSON values.
        manifest: What the bundle says of itself; hashes and counts are added here.
    """
    files = [
        _File("taxonomy.json", [dumps({"modes": list(taxonomy)}, indent=1).encode()]),
        _File("labels.jsonl", lines(labels(codebook, traces))),
        _File("examples.jsonl", lines(examples)),
    ]
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            yield from _add(archive, pipe, file)
        told = dumps(_manifest(manifest, files), indent=1).encode()
        yield from _add(archive, pipe, _File("manifest.json", [told]))
    yield pipe.take()


def _add(archive: zipfile.ZipFile, pipe: _Pipe, file: _File) -> Iterator[bytes]:
    digest = hashlib.sha256()
    entry = zipfile.ZipInfo(file.name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(entry, "w", force_zip64=True) as target:
        for piece in file.pieces:
            target.write(piece)
            digest.update(piece)
            file.byte_count += len(piece)
            file.lines += piece.count(b"\n")
            yield pipe.take()
    file.digest = digest.hexdigest()


def labels(codebook: Codebook, traces: Iterable[TraceRecord]) -> Iterator[dict[str, Any]]:
    """Return one object a label, gold ones included."""
    for trace in traces:
        for label in trace.labels:
            if codebook.mode(label.mode) is not None:
                yield {
                    "trace_id": trace.trace_id,
                    "item_id": trace.fields["item_id"],
                    **mode_name(codebook, label.mode),
                    "mode_version": label.mode_version,
                    "value": label.value,
                    "annotator": label.annotator,
                    "source": label.source,
                    "at": label.at,
                    "split": trace.split,
                }


def _manifest(manifest: Manifest, files: list[_File]) -> dict[str, Any]:
    counted = {file.name: file.lines for file in files}
    return {
        "format": FORMAT,
        "version": VERSION,
        **asdict(manifest),
        "counts": {
            "traces": manifest.traces,
            "labels": counted["labels.jsonl"],
            "examples": counted["examples.jsonl"],
        },
        "files": {file.name: {"sha256": file.digest, "bytes": file.byte_count} for file in files},
    }
