"""From the command `serve` to the first page, on a database that is there, beside other tools.

The first page is the list of projects, asked for again every 20 ms from the start of the process
on. Of the other tools it is the page their root address answers with; their databases hold fewer
traces. The files have been read before, so that the disk plays no part.
"""

import http.client
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

from benchmarks import figures, measure, row, served
from benchmarks.figures import Figure, Theirs
from benchmarks.row import Measured, Row
from benchmarks.tools_beside import ALTERNATIVES, BESIDE, Alternative, filled

SIZES: Mapping[str, int] = {"quick": 10_000, "standard": 100_000, "full": 100_000}
TARGET_S = 2.0
REPEATS: Mapping[str, int] = {"quick": 3, "standard": 5, "full": 5}
_ASK_EVERY_S = 0.02
_WITHIN_S = 60.0


def first_page_s(command: list[str], port: int, headers: dict[str, str], log: Path) -> float:
    """Start a server and return the seconds until it answers a page with 200.

    Raises:
        RuntimeError: It does not within a minute.
    """
    started = time.perf_counter()
    with log.open("ab") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream)
    try:
        while time.perf_counter() - started < _WITHIN_S and process.poll() is None:
            if _answers(port, headers):
                return time.perf_counter() - started
            time.sleep(_ASK_EVERY_S)
    finally:
        measure.stop(process)
    raise RuntimeError(f"No page within {_WITHIN_S:.0f} s: {' '.join(command)}")


def _answers(port: int, headers: dict[str, str]) -> bool:
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            connection.request("GET", "/", headers=headers)
            answer = connection.getresponse()
            return answer.status == 200 and bool(answer.read())
    except (OSError, http.client.HTTPException):
        return False


def ours(found: Row, folder: Path) -> None:
    """Measure Faultbook, with its background jobs, as people start it."""
    size = SIZES[found.asked.form]
    data = served.copied(found.asked, size, folder)
    with served.opened(served.url_of(data)) as database, database.writing() as session:
        headers = served.looking(session)
    seconds, repeats = [], REPEATS[found.asked.form]
    for _ in range(repeats):
        port = measure.free_port()
        command = [row.faultbook(), "serve", "--data", str(data), "--port", str(port)]
        seconds.append(first_page_s(command, port, headers, data / "log"))
    others = {other.name: beside(found, other) for other in ALTERNATIVES}
    known = [one["s"] for one in others.values() if one]
    fastest = min(known, key=lambda one: one.value, default=None)
    told = [f"{one.name} {figures.number(one.value)} s" for one in known if one is not fastest]
    slowest = f"slowest of {repeats} {figures.number(max(seconds))} s"
    note = "; ".join([slowest, *told])
    middle = measure.quantile(seconds, 0.5)
    found.add(Figure("start", "to the first page", middle, "s", size, TARGET_S, fastest, note=note))


def beside(found: Row, other: Alternative) -> dict[str, Theirs]:
    """Measure another tool on a database that is there."""
    take = partial(_theirs, found, other)
    return found.beside(other.name, "start", take, size=BESIDE[found.asked.form])


def _theirs(found: Row, other: Alternative) -> Measured:
    with row.scratch(other.package) as folder:
        bin_directory, data = filled(other, found.asked, folder)
        seconds = []
        for _ in range(REPEATS[found.asked.form]):
            started = time.perf_counter()
            with other.serve(bin_directory, data):
                seconds.append(time.perf_counter() - started)
        version = measure.installed_version(bin_directory, other.package)
    return Measured(version, {"s": measure.quantile(seconds, 0.5)})


def main() -> None:
    """Measure and print the figures."""
    asked = row.parser(__doc__).parse_args()
    with row.running("start", asked) as found, row.scratch("start") as folder:
        ours(found, folder)


if __name__ == "__main__":
    main()
