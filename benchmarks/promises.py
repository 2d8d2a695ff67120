"""What is promised about speed and size, which program measures it, and the table of all of it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks import figures, measure
from benchmarks.figures import Figure, Record

PAGE = measure.ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


class Program(NamedTuple):
    """One row of `make bench`: its module, and after how many minutes it is ended."""

    module: str
    minutes: int
    """Some three times what it takes on two idle cores."""


class Promise(NamedTuple):
    """One line of what is promised, on two cores and SQLite unless it says otherwise."""

    key: str
    what: str
    target: str
    beside: str
    row: str


ROWS: Mapping[str, Program] = {
    "import": Program("benchmarks.import_traces", 20),
    "otlp": Program("benchmarks.otlp_live", 8),
    "lists": Program("benchmarks.lists", 15),
    "annotate": Program("benchmarks.annotate", 15),
    "queue": Program("benchmarks.queue", 8),
    "groups": Program("benchmarks.group_speed", 15),
    "signals": Program("benchmarks.signals", 20),
    "hazard": Program("benchmarks.hazard", 8),
    "uncertainty": Program("benchmarks.uncertainty", 5),
    "cohorts": Program("benchmarks.cohorts", 8),
    "agreement": Program("benchmarks.agreement", 8),
    "export": Program("benchmarks.exports", 35),
    "start": Program("benchmarks.start", 8),
    "postgres": Program("benchmarks.postgres", 45),
    "dask": Program("benchmarks.dask_signals", 20),
}
"""In the order in which they run."""
CALIBRATIONS: Mapping[str, Program] = {
    "grouping": Program("benchmarks.grouping", 90),
    "group-screen": Program("benchmarks.group_screen", 30),
    "judge": Program("benchmarks.judge_coverage", 30),
    "saturation": Program("benchmarks.saturation", 30),
}
"""How right answers are, not how fast: run by name, or together as `calibrations`."""

PREPARE = Program("benchmarks.prepare", 60)
"""What rows keep, made beforehand: run by name."""

PROMISES = (
    Promise(
        "import",
        "Import 10,000 and 100,000 real traces, full-text index included",
        "faster than Label Studio, ≥ 20× Phoenix, < 500 MB, linear",
        "Label Studio, Phoenix",
        "import",
    ),
    Promise(
        "otlp",
        "Live traces by OTLP, one client",
        "≥ 1,000 traces/s stored before the 200",
        "Phoenix",
        "otlp",
    ),
    Promise(
        "list",
        "List, filter, sort and search 100,000 traces of 2 M steps",
        "p95 < 60 ms server time on any page, < 150 ms full text",
        "Phoenix, Label Studio",
        "lists",
    ),
    Promise(
        "open",
        "Open a trace of 20, 2,000, 30,000 steps",
        "p95 < 30, 150, 300 ms to the first byte",
        "Phoenix, Label Studio",
        "annotate",
    ),
    Promise(
        "save",
        "Save a note among 100,000 traces (`synchronous=FULL`)",
        "20 at once p95 < 60 ms, ≥ 400/s, none lost; one client p95 < 8 ms",
        "Phoenix, Label Studio",
        "annotate",
    ),
    Promise(
        "queue",
        "Next trace of a queue, 50 annotators at once",
        "p95 < 30 ms, none handed out twice",
        "–",
        "queue",
    ),
    Promise(
        "groups",
        "Embed and group 1,000 and 10,000 new notes",
        "cold < 5 and 35 s, warm < 1 and 5 s, a move of the slider < 50 ms",
        "BERTopic",
        "groups",
    ),
    Promise(
        "map",
        "Map of 10,000 notes",
        "in the background, progress shown, no request blocked",
        "–",
        "groups",
    ),
    Promise(
        "signals",
        "Signals of 100,000 traces of 8 KB",
        "≥ 5,000 traces/s, no text held twice",
        "a pandas loop over zlib",
        "signals",
    ),
    Promise(
        "hazard",
        "Hazard of 1 M traces, three causes",
        "curves < 0.1 s, with intervals < 1 s, exact with ties",
        "lifelines, scikit-survival",
        "hazard",
    ),
    Promise(
        "uncertainty",
        "Uncertainty report, n = 500, 10,000 draws",
        "< 3 CPU-s, < 250 MB",
        "a loop over scikit-learn's function",
        "uncertainty",
    ),
    Promise(
        "cohorts",
        "Cohorts of 12,000 items × 29 models, each model left out",
        "< 20 s",
        "–",
        "cohorts",
    ),
    Promise(
        "agreement",
        "Agreement with 2,000-draw intervals, 1,000 traces × 5 raters × 10 modes",
        "< 2 s",
        "irrCAC, krippendorff",
        "agreement",
    ),
    Promise(
        "export",
        "Export 100,000 labelled traces in any format",
        "< 20 s, < 300 MB",
        "Label Studio",
        "export",
    ),
    Promise(
        "start",
        "Start `serve` on an existing database to the first page",
        "< 2 s",
        "Phoenix, Label Studio",
        "start",
    ),
    Promise(
        "postgres",
        "PostgreSQL, four server processes, 1 M traces",
        "the page targets × 2; queue and saves hold across processes",
        "–",
        "postgres",
    ),
    Promise(
        "dask",
        "Dask, two workers against one, signals over 1 M traces in Parquet",
        "≥ 1.7×, identical numbers, a killed worker changes only time",
        "–",
        "dask",
    ),
)


def table(records: Mapping[str, Record]) -> str:
    """Return the table of all promises from the records of rows, with where each was measured."""
    lines = []
    for promise in PROMISES:
        record = records.get(promise.row)
        found = [one for one in record.figures if one.promise == promise.key] if record else []
        told = f"**{promise.what}**: {promise.target}"
        lines.append([told, *[""] * (len(figures.COLUMNS) - 1)])
        lines += [figures.cells(one) for one in found]
        if record is None:
            lines.append(["not measured yet", *[""] * (len(figures.COLUMNS) - 1)])
        elif not record.complete:
            why = record.failed or "it did not end"
            lines.append([f"the row failed: {_one_line(why)}", *[""] * (len(figures.COLUMNS) - 1)])
    return measure.table(figures.COLUMNS, lines)


def _one_line(text: str) -> str:
    return " ".join(text.replace("|", "/").split())[:200]


def summary(records: Mapping[str, Record]) -> str:
    """Return how many targets are met, and the conditions of each row's run."""
    found = [one for record in records.values() for one in record.figures if one.met is not None]
    missed = [one for one in found if not one.met]
    told = [f"{len(found) - len(missed)} of {len(found)} targets are met. Measured:"]
    for row in ROWS:
        if row in records:
            told.append(f"- `{row}`: {conditions(records[row])}")
    return "\n".join(told)


def conditions(record: Record) -> str:
    """Return when and where a row was measured, with which versions, and what is missing."""
    machine = record.machine
    started = datetime.fromisoformat(record.started)
    told = (
        f"{started:%Y-%m-%d %H:%M} UTC, {machine.cores} cores of {machine.model}, "
        f"{machine.memory_gb} GB, load {machine.load:.1f} before, {record.load_after:.1f} after, "
        f"{record.seconds:,.0f} s"
    )
    told += "; " + ", ".join(f"{name} {version}" for name, version in record.versions.items())
    for name, why in record.missing.items():
        told += f"; {name} is missing ({_one_line(why)})"
    return told


def records_of(rows: Iterable[str], form: str) -> dict[str, Record]:
    """Return what the last runs of rows found."""
    found = {row: figures.read(row, form) for row in rows}
    return {row: record for row, record in found.items() if record is not None}


def text() -> str:
    """Return what stands between the markers of the documentation."""
    records = records_of(ROWS, "standard")
    return f"{BEGIN}\n\n{table(records)}\n\n{summary(records)}\n\n{END}"


def write_page(page: Path = PAGE) -> None:
    """Put the table of the last figures into the documentation."""
    written = page.read_text(encoding="utf-8")
    before, _, rest = written.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(before + text() + after, encoding="utf-8")


def missed(records: Mapping[str, Record]) -> list[Figure]:
    """Return the figures that miss their target."""
    return [one for record in records.values() for one in record.figures if one.met is False]


if __name__ == "__main__":
    write_page()
