"""Signals over a Parquet file by the workers of a Dask cluster: two against one, and against none.

The outputs are some 2 KB, four paragraphs of real answers, a thousand rows a row group, so that
the workers read the file themselves. Scheduler, workers and the command run on the same cores
(`--cores`). Times are of the whole command, with the start of its interpreter; the cluster stands
before, as one does, and has measured once. What is written has to be the same file each time.
"""

import hashlib
import random
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import measure, real_traces, row
from benchmarks.figures import Figure
from benchmarks.row import Row
from tests.clusters import cluster

SIZES = {"quick": (2_000,), "standard": (1_000, 10_000, 100_000), "full": (10_000, 100_000, 10**6)}
TARGET = 1.7
_GROUP = 1_000
_LENGTH = range(300, 900)
_PARAGRAPHS = 4
_LAPS = 416


def paragraphs() -> list[str]:
    """Return paragraphs of real answers that are neither short nor long."""
    answers = (
        message["content"]
        for record in islice(real_traces.varied([real_traces.SHIPPED]), _LAPS)
        for message in record["messages"]
        if message["role"] == "assistant"
    )
    return [part for text in answers for part in text.split("\n\n") if len(part) in _LENGTH]


def write(path: Path, number: int) -> None:
    """Write so many traces."""
    rng, known = random.Random(1), paragraphs()
    groups = range(0, number, _GROUP)
    batches = (_batch(rng, known, start, min(_GROUP, number - start)) for start in groups)
    first = next(batches)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        for batch in _each(first, batches):
            writer.write_batch(batch)


def _each(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from rest


def _batch(rng: random.Random, known: list[str], start: int, rows: int) -> pa.RecordBatch:
    numbers = range(start, start + rows)
    return pa.RecordBatch.from_pydict(
        {
            "trace_id": [f"t{n}" for n in numbers],
            "model": [f"model {n % 5}" for n in numbers],
            "task": [f"task {n % 7}" for n in numbers],
            "passed": [rng.random() < 0.7 for _ in numbers],
            "completion_tokens": [rng.randint(400, 700) for _ in numbers],
            "output": ["\n\n".join(rng.choices(known, k=_PARAGRAPHS)) for _ in numbers],
        }
    )


def seconds(folder: Path, where: str, *more: str) -> tuple[float, str]:
    """Return how long the command took, and a hash of what it wrote."""
    output = folder / "out.parquet"
    command = [row.faultbook(), "signals", "--input", str(folder / "in.parquet"), "--json"]
    ran = measure.run([*command, "--output", str(output), "--executor", where, *more])
    return ran.seconds, hashlib.sha256(output.read_bytes()).hexdigest()


def on_a_cluster(folder: Path, small: Path, workers: int) -> tuple[float, str]:
    """Return the same on a cluster of so many workers, which has loaded what it needs."""
    place = folder / f"cluster-{workers}"
    place.mkdir()
    with cluster(place, workers) as found:
        seconds(small, found.where)
        return seconds(folder, found.where)


def compared(found: Row) -> None:
    """Measure every size, alone and on clusters."""
    with row.scratch("dask-warm") as small:
        write(small / "in.parquet", 2 * _GROUP)
        for size in SIZES[found.asked.form]:
            with row.scratch("dask") as folder:
                write(folder / "in.parquet", size)
                _one_size(found, folder, small, size)


def _one_size(found: Row, folder: Path, small: Path, size: int) -> None:
    here = partial(seconds, folder, "local", "--workers")
    told = {
        "1 worker": on_a_cluster(folder, small, 1),
        "2 workers": on_a_cluster(folder, small, 2),
        "this process alone": here("1"),
        "2 processes": here("2"),
    }
    if len({digest for _, digest in told.values()}) > 1:
        raise RuntimeError(f"At {size:,} traces, who computes changes what is found.")
    took = {name: time for name, (time, _) in told.items()}
    note = "; ".join(f"{name} {time:.1f} s" for name, time in took.items())
    target = TARGET if size == SIZES[found.asked.form][-1] else None
    one, two = took["1 worker"], took["2 workers"]
    about = ("dask", "2 workers against 1, identical", one / two, "×", size, target)
    alone = took["this process alone"] / two
    found.add(
        Figure(*about, note=note),
        Figure("dask", "2 workers against this process alone", alone, "×", size),
    )


def main() -> None:
    """Measure and print the figures."""
    with row.running("dask", row.parser(__doc__).parse_args()) as found:
        found.uses("Dask", version("distributed"))
        compared(found)


if __name__ == "__main__":
    main()
