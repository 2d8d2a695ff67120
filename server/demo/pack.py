"""Packs the demo projects: `python -m server.demo.pack PROJECT SOURCE` writes what is beside this.

Run it only to make the data anew; what it makes is committed. The files stay compressed: no crawler
picks the puzzles up as text, and the package stays small.
"""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import zstandard

from server import demo

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
_OUTCOME_COLUMNS = (
    "item_id",
    "task",
    "model",
    "success",
    "terminate_reason",
    "prompt_tokens",
    "completion_tokens",
    "assistant_turns",
    "use_tool",
    "propose_solution",
    "invalid_action",
)
_COUNTS = _OUTCOME_COLUMNS[7:]


def chosen(lines: Iterable[str]) -> Iterator[str]:
    """Yield the first run of the chosen models over every item, in the order they come."""
    for line in lines:
        record = json.loads(line)
        if record["run"] == 1 and record["model"] in MODELS:
            yield line


def _write(path: Path, text: str) -> None:
    packed = zstandard.ZstdCompressor(level=_LEVEL).compress(text.encode())
    path.write_bytes(packed)
    sys.stderr.write(f"{path}: {len(text.splitlines()):,} lines, {len(packed):,} bytes\n")


def pack_misguided_attention(source: Path) -> None:
    """Pack the slice of a JSONL file of judged runs."""
    with source.open(encoding="utf-8") as lines:
        _write(demo.TRACES, "".join(chosen(lines)))


def pack_finished_example(source: Path) -> None:
    """Pack a folder of trajectories with their annotations and summaries, as they are."""
    for name in ("trajectories.jsonl", "annotations.jsonl", "summaries.jsonl"):
        text = (source / name).read_text(encoding="utf-8")
        _write(demo.FINISHED_EXAMPLE / f"{name}.zst", text)


def pack_many_models(source: Path) -> None:
    """Pack a folder of full traces and of the table of all runs; no run stands in both."""
    with (source / "runs.csv").open(encoding="utf-8", newline="") as file:
        runs = {(row["item_id"], row["model"]): row for row in csv.DictReader(file)}
    with (source / "traces.jsonl").open(encoding="utf-8") as lines:
        traces = [json.loads(line) for line in lines]
    full = "".join(f"{json.dumps(_with_counts(trace, runs))}\n" for trace in traces)
    _write(demo.MANY_MODELS / "traces.jsonl.zst", full)
    known = {(trace["item_id"], trace["model"]) for trace in traces}
    table = io.StringIO()
    writer = csv.DictWriter(table, _OUTCOME_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(row for key, row in runs.items() if key not in known)
    _write(demo.MANY_MODELS / "outcomes.csv.zst", table.getvalue())


def _with_counts(
    trace: dict[str, Any], runs: dict[tuple[str, str], dict[str, str]]
) -> dict[str, Any]:
    """Return a trace with the counts of the table in the table's columns."""
    row = runs[trace["item_id"], trace["model"]]
    rest = {name: value for name, value in trace.items() if name != "actions"}
    return {**rest, **{name: int(row[name]) for name in _COUNTS}}


PACK: dict[str, Callable[[Path], None]] = {
    "misguided_attention": pack_misguided_attention,
    "finished_example": pack_finished_example,
    "many_models": pack_many_models,
}

if __name__ == "__main__":
    PACK[sys.argv[1]](Path(sys.argv[2]))
