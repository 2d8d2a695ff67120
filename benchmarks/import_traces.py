"""Import: traces a second with the full-text index, peak memory and growth, beside other tools.

The traces are real: those of the demo, or JSONL files given on the command line, with their ids
varied to reach the number. Everything runs on two cores, one after the other.
"""

import csv
import gzip
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from benchmarks import figures, measure, real_traces, row
from benchmarks.figures import Figure
from benchmarks.import_alternatives import ALTERNATIVES, Alternative
from benchmarks.row import Measured, Row

SIZES: Mapping[str, tuple[int, ...]] = {
    "quick": (1_000, 10_000),
    "standard": (1_000, 10_000, 100_000),
    "full": (1_000, 10_000, 100_000),
}
REPEATS, MANY = 3, 10_000
"""The median stands for a size up to so many traces: other work on the machine comes and goes."""
MOST_TRACES: Mapping[str, Mapping[str, int]] = {
    "Phoenix": {"quick": 1_000, "standard": 10_000, "full": 100_000}
}
"""At its rate, a hundred thousand take a quarter of an hour."""
LEAST_RATIO = {"Label Studio": 1, "Phoenix": 20}
PEAK_MB = 500
LONG_STEPS = 30_000
LARGE_STEP_BYTES = 5 * 1024**2


class Ours(NamedTuple):
    """One import by `faultbook import`."""

    traces: int
    seconds: float
    """From looking at the file to the last row on disk."""
    command_seconds: float
    """With the start of the interpreter and a new database."""
    peak_bytes: int

    @property
    def rate(self) -> float:
        return self.traces / self.seconds


def median_of(path: Path, repeats: int) -> Ours:
    """Import a file of traces some times; the median by time."""
    found = [ours(path, "--format", "openai-messages") for _ in range(repeats)]
    return sorted(found, key=lambda one: one.seconds)[len(found) // 2]


def ours(path: Path, *options: str) -> Ours:
    """Import a file into a new project of a new database."""
    with row.scratch("import") as folder:
        command = [row.faultbook(), "import", str(path)]
        command += ["--project", "Benchmark", "--json", "--data", str(folder), *options]
        ended = measure.run(command)
    answer = json.loads(ended.output)
    return Ours(answer["created"], answer["seconds"], ended.seconds, ended.peak_bytes)


def compared(found: Row, folder: Path) -> None:
    """Measure every size beside the alternatives, and how time grows with it."""
    sizes, seconds = SIZES[found.asked.form], []
    for size in sizes:
        path = real_traces.write(found.asked.traces, size, folder / f"{size}.jsonl")
        one = median_of(path, REPEATS if size <= MANY else 1)
        seconds.append(one.seconds)
        _beside(found, one, path)
        megabytes = path.stat().st_size / measure.MEBIBYTE
        note = f"{megabytes:.0f} MB; all of the command {one.command_seconds:.1f} s"
        peak = one.peak_bytes / measure.MEBIBYTE
        found.add(Figure("import", "peak memory", peak, "MB", size, PEAK_MB, note=note))
    exponent = figures.growth(sizes, seconds)
    each = f"{1e6 * seconds[-1] / sizes[-1]:.0f} µs a trace"
    most = figures.n_log_n(sizes)
    about = ("import", "growth", seconds[-1], "s", sizes[-1])
    found.add(Figure(*about, growth=exponent, most_growth=most, note=each))


def _beside(found: Row, one: Ours, path: Path) -> None:
    for other in ALTERNATIVES:
        most = MOST_TRACES.get(other.name, {}).get(found.asked.form, one.traces)
        if one.traces > most:
            continue
        take = partial(_taken, other, path, one.traces)
        theirs = found.beside(other.name, f"{one.traces:,} traces", take)
        found.add(
            Figure(
                *("import", f"import, beside {other.name}", one.rate, "traces/s", one.traces),
                theirs=theirs.get("/s"),
                least_ratio=LEAST_RATIO[other.name],
                note=f"its peak {theirs['peak MB'].value:,.0f} MB" if theirs else "",
            )
        )


def _taken(other: Alternative, path: Path, size: int) -> Measured:
    """Import the file into another tool."""
    bin_directory = measure.environment(other.package, other.package)
    with row.scratch(other.package) as folder:
        taken = other.take(bin_directory, path, folder, REPEATS if size <= MANY else 1)
    version = measure.installed_version(bin_directory, other.package)
    peak = taken.peak_bytes / measure.MEBIBYTE
    return Measured(version, {"/s": size / taken.seconds, "peak MB": peak})


def by_format(found: Row, folder: Path) -> None:
    """Print peak memory and rate of each frame and packing at all sizes."""
    rows, sizes = [], SIZES[found.asked.form]
    for name, make in FRAMES.items():
        cells = []
        for size in sizes:
            lines = real_traces.write(found.asked.traces, size, folder / f"{size}.jsonl")
            path = folder / f"{size}-{name}"
            make(lines, path)
            one = ours(path, "--format", "openai-messages")
            cells += [f"{one.peak_bytes / measure.MEBIBYTE:.0f}", f"{one.rate:,.0f}"]
            path.unlink()
        rows.append([name.split("-", 1)[-1], *cells])
    columns = [word for size in sizes for word in (f"{size:,}: MB", "/s")]
    print(measure.table(["peak MB, traces/s", *columns], rows))


def _array(lines: Path, path: Path) -> None:
    with lines.open("rb") as source, path.open("wb") as out:
        for number, line in enumerate(source):
            out.write((b"[" if number == 0 else b",") + line)
        out.write(b"]")


def _csv(lines: Path, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["trace_id", "item_id", "model", "messages"])
        for record in real_traces.read(lines):
            messages = json.dumps(record["messages"])
            row = [record["trace_id"], record.get("item_id", ""), record.get("model", "")]
            writer.writerow([*row, messages])


def _parquet(lines: Path, path: Path) -> None:
    schema = pa.schema({name: pa.string() for name in ("trace_id", "item_id", "model", "messages")})
    with pq.ParquetWriter(path, schema) as writer:
        rows = []
        for record in real_traces.read(lines):
            row: dict[str, Any] = {name: record.get(name) for name in schema.names[:-1]}
            rows.append({**row, "messages": json.dumps(record["messages"])})
        writer.write_table(pa.Table.from_pylist(rows, schema))


def _gzip(lines: Path, path: Path) -> None:
    path.write_bytes(gzip.compress(lines.read_bytes(), 1))


def _zstd(lines: Path, path: Path) -> None:
    path.write_bytes(zstandard.ZstdCompressor().compress(lines.read_bytes()))


FRAMES: dict[str, Callable[[Path, Path], None]] = {
    "traces.json": _array,
    "traces.csv": _csv,
    "traces.parquet": _parquet,
    "traces.jsonl.gz": _gzip,
    "traces.jsonl.zst": _zstd,
}


def large_traces(found: Row, folder: Path) -> None:
    """Measure one very long trace, and one very large step."""
    text = "The customer asked again. " * 12
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": f"{n}: {text}"} for n in range(LONG_STEPS)]
    large = [{"role": "user", "content": "x" * LARGE_STEP_BYTES}]
    for name, chat in ((f"{LONG_STEPS:,} steps", messages), ("a step of 5 MB", large)):
        path = folder / "one.jsonl"
        path.write_text(json.dumps({"id": "one", "messages": chat}) + "\n", encoding="utf-8")
        one = ours(path)
        note = f"{one.seconds:.2f} s"
        peak = one.peak_bytes / measure.MEBIBYTE
        found.add(Figure("import", f"one trace of {name}", peak, "MB", target=PEAK_MB, note=note))


def main() -> None:
    """Measure and print the figures."""
    parser = row.parser(__doc__)
    parser.add_argument("--traces", type=Path, nargs="*", default=[real_traces.SHIPPED])
    parser.add_argument("--formats", action="store_true", help="every frame and packing instead")
    asked = parser.parse_args()
    if asked.formats:
        with row.scratch("traces") as folder:
            by_format(Row("import", asked), folder)
        return
    with row.running("import", asked) as found, row.scratch("traces") as folder:
        compared(found, folder)
        large_traces(found, folder)


if __name__ == "__main__":
    main()
