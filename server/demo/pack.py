"""Packs the demo: `python -m server.demo.pack TRACES.jsonl` writes the slice beside this file.

Run it only to make the data anew; what it makes is committed. The slice is the first run of the
models below over every item. It stays compressed, so that no crawler picks the puzzles up as text.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import zstandard

from server.demo import TRACES

MODELS = frozenset(
    {
        "claude-opus-4",
        "claude-sonnet-4",
        "claude-4-sonnet-0522-thinking",
        "gemini-2.5-flash-preview-05-20",
        "gemini-2.5-flash-preview-05-20:thinking",
        "gemini-2.5-pro-high",
        "gemma-3n-e4b-it",
        "grok-3-mini-think",
    }
)
_LEVEL = 22


def chosen(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of the slice as they stand, in the order they come."""
    for line in lines:
        record = json.loads(line)
        if record["run"] == 1 and record["model"] in MODELS:
            yield line


def pack(source: Path, target: Path) -> int:
    """Write the slice of `source` to `target`; returns how many traces it holds."""
    with source.open(encoding="utf-8") as lines:
        kept = list(chosen(lines))
    target.write_bytes(zstandard.ZstdCompressor(level=_LEVEL).compress("".join(kept).encode()))
    return len(kept)


if __name__ == "__main__":
    count = pack(Path(sys.argv[1]), TRACES)
    sys.stderr.write(f"{count} traces in {TRACES}\n")
