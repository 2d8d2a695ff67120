"""Signals: traces a second by `faultbook signals`, memory and growth, beside pandas over zlib.

The outputs are 8 KiB of paragraphs of real answers, drawn at random. Ours reads them from the
database, measures every signal of single traces, stores each, and compares the traces with each
other. The plain loop reads the same texts from a Parquet file into pandas and applies one
function over zlib: size, ratio and bytes per KiB; it looks for no loop and stores nothing.
Everything runs on two cores, one after the other.
"""

import importlib.metadata
import json
import random
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from benchmarks import figures, measure, real_traces, row
from benchmarks.figures import Figure
from benchmarks.row import Measured, Row

SIZES: Mapping[str, tuple[int, ...]] = {
    "quick": (500, 5_000),
    "standard": (1_000, 10_000, 100_000),
    "full": (1_000, 10_000, 100_000),
}
OUTPUT_BYTES = 8 * 1024
TARGET = 5_000
_PARAGRAPH = range(40, 1_200)
_LAPS = 416
_PLAIN = """
import sys, time, zlib
import pandas as pd

def sizes(text):
    data = text.encode()
    stream = zlib.compressobj(6)
    marginal = [
        len(stream.compress(data[at : at + 1024])) + len(stream.flush(zlib.Z_SYNC_FLUSH))
        for at in range(0, len(data), 1024)
    ]
    compressed = len(zlib.compress(data, 6)) - 8
    return pd.Series({"bytes": len(data), "compressed": compressed, "last": marginal[-1]})

started = time.perf_counter()
frame = pd.read_parquet(sys.argv[1])
measured = frame["text"].apply(sizes)
measured["ratio"] = measured["compressed"] / measured["bytes"]
print(time.perf_counter() - started)
"""


class Ours(NamedTuple):
    """One project, measured from nothing."""

    seconds: float
    """Of the command, with the start of the interpreter and of the processes that measure."""
    again: float
    """The same command where nothing has changed."""
    peak_bytes: int


def outputs(number: int) -> Iterator[str]:
    """Yield texts of 8 KiB from paragraphs of real answers."""
    answers = (
        message["content"]
        for record in islice(real_traces.varied([real_traces.SHIPPED]), _LAPS)
        for message in record["messages"]
        if message["role"] == "assistant"
    )
    paragraphs = [part for text in answers for part in text.split("\n\n")]
    chosen = [part for part in paragraphs if len(part) in _PARAGRAPH]
    rng = random.Random(0)
    for _ in range(number):
        parts, size = list[str](), 0
        while size < OUTPUT_BYTES:
            parts.append(rng.choice(chosen))
            size += len(parts[-1].encode()) + 2
        yield "\n\n".join(parts).encode()[:OUTPUT_BYTES].decode(errors="ignore")


def write(number: int, folder: Path) -> tuple[Path, Path]:
    """Write the texts as traces for the import, and as a Parquet file for the plain loop."""
    import pandas as pd

    lines, texts = folder / f"{number}.jsonl", folder / f"{number}.parquet"
    rng = random.Random(1)
    with lines.open("w", encoding="utf-8") as out:
        for place, text in enumerate(outputs(number)):
            record = {
                "trace_id": f"t{place}",
                "model": f"model {place % 5}",
                "task": f"task {place % 7}",
                "passed": rng.random() < 0.7,
                "completion_tokens": rng.randint(1_500, 2_500),
                "messages": [
                    {"role": "user", "content": "Explain."},
                    {"role": "assistant", "content": text},
                ],
            }
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
    pd.DataFrame({"text": list(outputs(number))}).to_parquet(texts)
    return lines, texts


def ours(lines: Path) -> Ours:
    """Import the traces, then compute their signals twice."""
    with row.scratch("signals") as folder:
        command = [row.faultbook(), "--data", str(folder)]
        project = ["--project", "Benchmark", "--json"]
        mapping = ["--format", "openai-messages"]
        measure.run([*command, "import", str(lines), *project, *mapping])
        first = measure.run([*command, "signals", *project, "--workers", "2"])
        again = measure.run([*command, "signals", *project])
        if json.loads(first.output)["measured"] == json.loads(again.output)["measured"]:
            raise RuntimeError("Signals that are there were measured again.")
    return Ours(first.seconds, again.seconds, first.peak_bytes)


def plain(texts: Path, size: int) -> Measured:
    """Run the loop over zlib in an interpreter of its own."""
    ran = measure.run([sys.executable, "-c", _PLAIN, str(texts)])
    version = importlib.metadata.version("pandas")
    peak = ran.peak_bytes / measure.MEBIBYTE
    return Measured(version, {"/s": size / float(ran.output), "peak MB": peak})


def compared(found: Row) -> None:
    """Measure every size beside the loop, and how time grows with it."""
    sizes, seconds = SIZES[found.asked.form], []
    for size in sizes:
        with row.scratch("texts") as folder:
            lines, texts = write(size, folder)
            one = ours(lines)
            take = partial(plain, texts, size)
            loop = found.beside("a loop in pandas", f"{size:,} texts", take)
        seconds.append(one.seconds)
        note = f"{one.seconds:.1f} s; again, nothing changed, {one.again:.1f} s"
        rate, peak = size / one.seconds, one.peak_bytes / measure.MEBIBYTE
        target = TARGET if size == sizes[-1] else None
        found.add(
            Figure(
                *("signals", "signals of texts of 8 KB", rate, "traces/s"),
                *(size, target, loop.get("/s")),
                note=note,
            ),
            Figure(
                *("signals", "peak memory of all processes", peak, "MB", size),
                theirs=loop.get("peak MB"),
                note=f"the texts are {size * OUTPUT_BYTES / measure.MEBIBYTE:,.0f} MB",
            ),
        )
    exponent = figures.growth(sizes, seconds)
    most = figures.n_log_n(sizes)
    about = ("signals", "growth", seconds[-1], "s", sizes[-1])
    found.add(Figure(*about, growth=exponent, most_growth=most))


def main() -> None:
    """Measure and print the figures."""
    with row.running("signals", row.parser(__doc__).parse_args()) as found:
        compared(found)


if __name__ == "__main__":
    main()
