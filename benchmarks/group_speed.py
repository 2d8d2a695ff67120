"""Draft groups of 1,000 and 10,000 notes by a real server, slider and map, beside BERTopic.

The notes are questions to a bank, all different. *Cold*: the server has just started, no vector is
kept, no library loaded. *Warm*: the same server suggests again, so that vectors are kept. Time runs
from the press of the button until the run is done. BERTopic runs with its defaults and gets the
vectors that our model made, so that its time is without embedding; cold is a new process, warm the
same again in it. While the map is laid out, pages are asked for again and again.
"""

import argparse
import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
from sqlmodel import col

from benchmarks import figures, measure, row, served
from benchmarks.clients import Client
from benchmarks.figures import Figure
from benchmarks.grouping import BERTOPIC
from benchmarks.grouping_data import Texts, banking77
from benchmarks.row import Measured, Row
from server import schema
from server.db import Database
from server.models.base import stored_id
from server.models.note import Note
from server.models.project import Role
from server.models.trace import Trace
from server.queries import assignments
from server.services import projects

SLUG = "notes"
SIZES: Mapping[str, tuple[int, ...]] = {
    "quick": (100, 500),
    "standard": (100, 1_000, 10_000),
    "full": (100, 1_000, 10_000),
}
COLD_S, WARM_S = {1_000: 5.0, 10_000: 35.0}, {1_000: 1.0, 10_000: 5.0}
CUT_MS, PAGE_MS = 50.0, 60.0
_ASK_EVERY_S = 0.01
_WITHIN_S = 300.0
_PAGES = 60


class Server(NamedTuple):
    """A served project of notes, asked by one lead."""

    script: Client
    browser: Client

    def last_run(self, kind: str) -> dict[str, Any] | None:
        """Return the latest run of a kind."""
        path = f"/api/v1/projects/{SLUG}/runs?kind={kind}&limit=1"
        found = self.script.send("GET", path).json()["items"]
        return found[0] if found else None

    def press(self, path: str, kind: str, body: bytes = b"") -> tuple[float, set[str]]:
        """Press a button and wait for its run; returns seconds and what the progress said.

        Raises:
            RuntimeError: The run failed, or is not done in time.
        """
        self.browser.close()  # a server may end an idle connection just as it is used again
        before = (self.last_run(kind) or {"id": 0})["id"]
        started, told = time.perf_counter(), set[str]()
        self.browser.send("POST", f"/projects/{SLUG}{path}", body)
        while time.perf_counter() - started < _WITHIN_S:
            run = self.last_run(kind)
            if run and run["id"] != before:
                told.add(f"{run['progress_text']} {run['progress_done']}")
                if run["status"] == "done":
                    return time.perf_counter() - started, told
                if run["status"] in ("failed", "cancelled"):
                    raise RuntimeError(run["error"])
            time.sleep(_ASK_EVERY_S)
        raise RuntimeError(f"{kind} is not done after {_WITHIN_S:.0f} s")


def fill(database: Database, texts: Sequence[str]) -> None:
    """Make a project with a note a trace."""
    schema.upgrade(database)
    with database.writing() as session:
        project_id = stored_id(projects.create(session, SLUG))
        reader = session.exec(assignments.readers(project_id)).first()
        if reader is None:
            raise RuntimeError("Nobody annotates in a new project.")
        traces = [
            {
                "project_id": project_id,
                "external_id": f"trace-{number}",
                "item_id": f"trace-{number}",
                "model": "model-a",
                "step_count": 0,
                "search_text": "",
            }
            for number in range(len(texts))
        ]
        session.execute(sa.insert(Trace), traces)
        ids = session.scalars(sa.select(col(Trace.id)).order_by(col(Trace.id))).all()
        notes = [
            {"trace_id": trace_id, "annotator_id": reader.id, "text": text}
            for trace_id, text in zip(ids, texts, strict=True)
        ]
        session.execute(sa.insert(Note), notes)


def ours(found: Row, texts: Texts, folder: Path) -> None:
    """Measure every size, and the slider and the map at the largest."""
    sizes, cold = SIZES[found.asked.form], []
    for size in sizes:
        data = folder / str(size)
        data.mkdir()
        url = served.url_of(data)
        with served.opened(url) as database:
            fill(database, list(dict.fromkeys(texts.texts.tolist()))[:size])
            with database.writing() as session:
                members = served.people(session, 1, Role.LEAD, SLUG)
        with served.serving(data, jobs=True) as (base, _):
            server = Server(Client(base, members.scripts[0]), Client(base, members.browsers[0]))
            cold_s, _ = server.press("/groups/suggestions", "group")
            warm_s, _ = server.press("/groups/suggestions", "group", b"again=true")
            cold.append(cold_s)
            theirs = found.beside("BERTopic", f"{size:,} notes", partial(_theirs, texts, size))
            added = "its vectors given"
            found.add(
                Figure(
                    *("groups", "embed and group, all cold", cold_s, "s", size, COLD_S.get(size)),
                    *(theirs.get("cold"),),
                    note=added if theirs else "",
                ),
                Figure(
                    *("groups", "group again, vectors kept", warm_s, "s", size, WARM_S.get(size)),
                    *(theirs.get("warm"),),
                    note=added if theirs else "",
                ),
            )
            _slider(found, server, size)
            if size == sizes[-1]:
                _map(found, server, size)
    exponent = figures.growth(sizes, cold)
    told = ", ".join(f"{figures.number(one)} s" for one in cold)
    note = f"{told} at {', '.join(f'{size:,}' for size in sizes)}"
    about = ("groups", "growth, all cold", cold[-1], "s")
    most = figures.n_log_n(sizes)
    found.add(Figure(*about, growth=exponent, most_growth=most, note=note))


def _slider(found: Row, server: Server, size: int) -> None:
    paths = [f"/projects/{SLUG}/groups?granularity={part / 20:.2f}" for part in range(21)]
    slider = Client(server.browser.base, {**server.browser.headers, "HX-Trigger": "granularity"})
    for path in paths[::5]:
        slider.send("GET", path)
    seconds = [slider.send("GET", path).seconds for path in paths for _ in range(3)]
    slider.close()
    p95, p50 = (1000 * measure.quantile(seconds, share) for share in (0.95, 0.5))
    note = f"all positions, answered whole; p50 {figures.number(p50)} ms"
    name = "a move of the slider"
    found.add(Figure("groups", name, p95, "ms p95", size, CUT_MS, note=note))


def _map(found: Row, server: Server, size: int) -> None:
    """Lay the map out while pages are asked for."""
    server.browser.close()
    before = _pages(server)
    code = "import sys; from benchmarks.group_speed import press_map; press_map(*sys.argv[1:])"
    headers = json.dumps([dict(server.script.headers), dict(server.browser.headers)])
    command = [*row.python(), "-c", code, server.browser.base, headers]
    during: list[float] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as pressing:
        while pressing.poll() is None:
            during += _pages(server, 5)
        told = json.loads(pressing.stdout.read()) if pressing.stdout else {}
    if pressing.returncode:
        raise RuntimeError("The map was not laid out.")
    ms = {
        share: (1000 * measure.quantile(before, share), 1000 * measure.quantile(during, share))
        for share in (0.5, 0.95, 1.0)
    }
    note = f"p95 {figures.number(ms[0.95][0])} ms before; slowest {figures.number(ms[1.0][1])} ms"
    found.add(
        Figure(
            *("map", "laid out in the background", told["seconds"], "s", size),
            note=f"its progress said {told['told']} different things",
        ),
        Figure("map", "a page meanwhile", ms[0.95][1], "ms p95", size, PAGE_MS, note=note),
    )


def press_map(base: str, headers: str) -> None:
    """Ask for the map and print how long it took; in a process of its own."""
    script, browser = (Client(base, one) for one in json.loads(headers))
    seconds, told = Server(script, browser).press("/groups/map", "note_map")
    print(json.dumps({"seconds": seconds, "told": len(told)}))


def _pages(server: Server, number: int = _PAGES) -> list[float]:
    path = f"/projects/{SLUG}/traces"
    return [server.browser.send("GET", path).seconds for _ in range(number)]


def _theirs(texts: Texts, size: int) -> Measured:
    """Group the same notes twice in a new process."""
    binary = measure.environment("bertopic", *BERTOPIC)
    with row.scratch("bertopic") as folder:
        work = folder / "work.npz"
        rows = np.arange(size)
        np.savez(
            work,
            texts=texts.texts,
            vectors=texts.vectors,
            rows=np.concatenate([rows, rows]),
            ends=np.array([size, 2 * size]),
        )
        script = measure.ROOT / "benchmarks" / "bertopic_groups.py"
        # -P: beside the script lies a module `queue`, which is not the library's.
        command = [str(binary / "python"), "-P", str(script), str(work), "--seconds"]
        ran = measure.run(command)
        warm = json.loads(ran.output.splitlines()[-1])[-1]
    values = {"cold": ran.seconds - warm, "warm": warm}
    return Measured(measure.installed_version(binary, "bertopic"), values)


def main() -> None:
    """Measure and print the figures."""
    asked: argparse.Namespace = row.parser(__doc__).parse_args()
    texts = banking77()
    with row.running("groups", asked) as found, row.scratch("groups") as folder:
        ours(found, texts, folder)


if __name__ == "__main__":
    main()
