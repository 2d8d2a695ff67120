"""The label bundle for evaluators: taxonomy, labels, examples, judges, a manifest; zipped."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import chain
from typing import Any

from server.exporters import zipped
from server.exporters.json_lines import dumps, lines, mode_name
from server.exporters.records import Codebook, Manifest, TraceRecord
from server.exporters.zipped import Pipe, ZippedFile

FORMAT = "faultbook-label-bundle"
VERSION = 1


def write(
    codebook: Codebook,
    taxonomy: Iterable[Any],
    traces: Iterable[TraceRecord],
    examples: Iterable[Any],
    manifest: Manifest,
    prompts: Iterable[tuple[str, str]] = (),
) -> Iterator[bytes]:
    """Stream the bundle as a zip file, without ever holding a whole file of it.

    Args:
        codebook: Modes and people that labels name.
        taxonomy: The modes with definitions and versions, as JSON values.
        traces: The traces whose labels go in.
        examples: The codebook's examples, as JSON values.
        manifest: What the bundle says of itself; hashes and counts are added here.
        prompts: Names and texts of the judges' prompts.
    """
    files = [
        ZippedFile("taxonomy.json", [dumps({"modes": list(taxonomy)}, indent=1).encode()]),
        ZippedFile("labels.jsonl", lines(labels(codebook, traces))),
        ZippedFile("examples.jsonl", lines(examples)),
    ]
    pipe = Pipe()
    judges = (ZippedFile(name, [text.encode()]) for name, text in prompts)
    written = []
    with zipped.begun(pipe) as archive:
        for file in chain(files, judges):
            yield from zipped.add(archive, pipe, file)
            written.append(file)
        told = dumps(_manifest(manifest, written), indent=1).encode()
        yield from zipped.add(archive, pipe, ZippedFile("manifest.json", [told]))
    yield pipe.take()


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
                    **({"reason": label.reason} if label.is_gold else {}),
                }


def _manifest(manifest: Manifest, files: list[ZippedFile]) -> dict[str, Any]:
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
