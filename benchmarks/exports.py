"""Exports of 100,000 labelled traces in every format: time and peak memory, beside Label Studio.

Every trace has the verdict of three people, a note or two, and labels of one person: two modes
judged in any case, and those that are there. Time and memory are those of the whole command. Label
Studio's export to JSON is asked for by its API, where each task has one annotation with one choice;
the memory is that of its server.
"""

import argparse
import shutil
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import col

from benchmarks import measure, row, served
from benchmarks.clients import Client
from benchmarks.figures import Figure
from benchmarks.large_project import SLUG
from benchmarks.row import Measured, Row
from benchmarks.tools_beside import BESIDE, LabelStudio, filled
from server.db import Database
from server.exporters.formats import Format
from server.models.label import Label, LabelValue
from server.models.mode import FailureMode
from server.models.project import Annotator, AnnotatorKind

SIZES: Mapping[str, int] = {"quick": 2_000, "standard": 100_000, "full": 100_000}
TARGET_S, PEAK_MB = 20.0, 300.0
ARCHIVE = "archive"
QUICK = (Format.CSV, Format.XLSX, Format.JSONL, Format.PROMPTFOO, ARCHIVE)
BESIDE_FORMAT = Format.JSONL
_REASON = "Measured by a benchmark."
_ALWAYS_JUDGED = 2


def labelled(asked: argparse.Namespace, traces: int) -> Path:
    """Return the folder of a project whose traces are all labelled; made where it is not there."""
    folder: Path = asked.data / f"labelled-{traces}"
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        url = served.url_of(part)
        served.fill(url, traces, read=1.0)
        with served.opened(url) as database:
            _thin_out(database)
        part.rename(folder)
    else:
        served.migrate(folder)
    return folder


def _thin_out(database: Database) -> None:
    """Leave the labels of one person to each trace, as most projects have them."""
    with database.writing() as session:
        people = sa.select(col(Annotator.id)).where(col(Annotator.kind) == AnnotatorKind.HUMAN)
        readers = list(session.scalars(people.order_by(col(Annotator.id))))
        modes = sa.select(col(FailureMode.id)).order_by(col(FailureMode.id)).limit(_ALWAYS_JUDGED)
        place = col(Label.trace_id) % len(readers)
        reader = sa.case(dict(enumerate(readers)), value=place)
        is_there = col(Label.value) == LabelValue.PRESENT
        wanted = sa.and_(
            col(Label.annotator_id) == reader, is_there | col(Label.mode_id).in_(modes)
        )
        session.execute(sa.delete(Label).where(~wanted))


def export(found: Row, data: Path, name: str, folder: Path, size: int) -> None:
    """Export in one format."""
    out = folder / f"out-{name}"
    command = [row.faultbook(), "export", "--data", str(data), "--project", SLUG]
    command += ["--format", name, "--out", str(out), "--json"]
    command += [] if name == ARCHIVE else ["--reason", _REASON]
    ended = measure.run(command)
    target_s, peak_mb = (TARGET_S, PEAK_MB) if size >= SIZES["standard"] else (None, None)
    megabytes = out.stat().st_size / measure.MEBIBYTE
    out.unlink()
    peak = ended.peak_bytes / measure.MEBIBYTE
    note = f"{megabytes:,.0f} MB"
    found.add(
        Figure("export", name, ended.seconds, "s", size, target_s, note=note),
        Figure("export", f"{name}, peak memory", peak, "MB", size, peak_mb),
    )
    if name == BESIDE_FORMAT:
        held = BESIDE[found.asked.form]
        theirs = found.beside("Label Studio", "export", partial(_theirs, found), size=held)
        rate, what = size / ended.seconds, f"{name} beside JSON"
        memory = f"{what}, peak memory"
        found.add(
            Figure("export", what, rate, "traces/s", size, None, theirs.get("/s"), 1),
            Figure("export", memory, peak, "MB", size, None, theirs.get("peak MB"), 1),
        )


def _theirs(found: Row) -> Measured:
    tool = LabelStudio()
    with row.scratch(tool.package) as folder:
        bin_directory, data = filled(tool, found.asked, folder)
        with tool.serve(bin_directory, data) as place, measure.Memory(place.pid) as memory:
            client = Client(place.base, place.headers)
            started = time.perf_counter()
            told = client.send("GET", "/api/projects/1/export?exportType=JSON").json()
            seconds = time.perf_counter() - started
        if len(told) != len(place.items):
            raise RuntimeError(f"{len(told)} of {len(place.items)} tasks were exported")
        peak = memory.peak_bytes / measure.MEBIBYTE
        version = measure.installed_version(bin_directory, tool.package)
    return Measured(version, {"/s": len(told) / seconds, "peak MB": peak})


def main() -> None:
    """Measure and print the figures."""
    parser = row.parser(__doc__)
    names = [*map(str, Format), ARCHIVE]
    parser.add_argument("--formats", nargs="+", choices=names, default=[], metavar="FORMAT")
    asked = parser.parse_args()
    wanted = asked.formats or (QUICK if asked.form == "quick" else names)
    size = SIZES[asked.form]
    with row.running("export", asked) as found, row.scratch("export") as folder:
        data = labelled(asked, size)
        for name in wanted:
            export(found, data, name, folder, size)


if __name__ == "__main__":
    main()
