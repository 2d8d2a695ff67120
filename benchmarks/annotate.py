"""Saving notes and opening traces in a project of 100,000 traces, beside other tools.

A real server on SQLite (`synchronous=FULL`), real traces, HTTP clients with a connection each. A
save is a note by the API, or the note box of the screen as htmx sends it; every note that was
acknowledged is looked for in the database afterwards. Opening is the page of a trace, up to the
first byte of the answer. Growth is that of the time of one save over three sizes.
"""

import argparse
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count, cycle, islice
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import sqlalchemy as sa
from sqlmodel import col, select

from benchmarks import figures, measure, row, served
from benchmarks.clients import Client, Together, at_once
from benchmarks.figures import Figure, Theirs
from benchmarks.large_project import LONG_STEPS, SLUG
from benchmarks.row import Measured, Row
from benchmarks.served import People
from benchmarks.tools_beside import ALTERNATIVES, BESIDE, Alternative, Asked, Place, check, filled
from server.db import Database
from server.models.note import Note
from server.models.trace import Trace

CLIENTS = 20
OPEN_MS = dict(zip(LONG_STEPS, (30, 150, 300), strict=True))
SAVE_MS = {1: 8, CLIENTS: 60}
SAVES_A_SECOND = 400
SIZES: Mapping[str, tuple[int, ...]] = {
    "quick": (1_000, 10_000),
    "standard": (1_000, 10_000, 100_000),
    "full": (1_000, 10_000, 100_000),
}
LASTING_S: Mapping[str, float] = {"quick": 3, "standard": 10, "full": 30}
_OPENED = 200
_SAVED_ON = 1_000
"""Traces that notes are written on."""
_WORDS = "Answers the puzzle it knows, not the one that was asked"

Save = Callable[[int, str], tuple[str, bytes]]
"""Trace and text -> path and body of the request that saves them."""


def by_api(trace_id: int, text: str) -> tuple[str, bytes]:
    """A note by the API."""
    body = json.dumps({"trace_id": trace_id, "text": text}).encode()
    return f"/api/v1/projects/{SLUG}/notes", body


def by_screen(trace_id: int, text: str) -> tuple[str, bytes]:
    """A note by the box of the Read screen, as htmx sends it."""
    return f"/projects/{SLUG}/read/{trace_id}/notes", urlencode({"text": text}).encode()


class Saved(NamedTuple):
    """Notes saved at the same time."""

    together: Together
    lost: int
    """Acknowledged, and not in the database."""


def save(
    database: Database,
    clients: Sequence[Client],
    trace_ids: Sequence[int],
    request: Save,
    seconds: float,
) -> Saved:
    """Save notes on traces of chance for so long, and look for every one afterwards."""
    acknowledged: list[str] = []
    run = f"{random.getrandbits(48):x}"

    def task(client: Client, until: Callable[[], bool]) -> None:
        chance = random.Random(str(client.headers))
        for number in count():
            if until():
                return
            text = f"{_WORDS}. {run}, {id(client)}, {number}"
            path, body = request(chance.choice(trace_ids), text)
            client.seconds.append(client.send("POST", path, body).seconds)
            acknowledged.append(text)

    together = at_once(clients, task, seconds)
    with database.reading() as session:
        kept = set(session.exec(select(Note.text).where(col(Note.text).contains(run))))
    return Saved(together, len(set(acknowledged) - kept))


def opened(client: Client, asked: Sequence[Asked]) -> Together:
    """Open traces again and again; the time is that to the first byte of the answer."""

    def task(one: Client, _until: Callable[[], bool]) -> None:
        one.send(*asked[0])
        one.seconds += [one.send(*this).first_byte_s for this in islice(cycle(asked), _OPENED)]

    return at_once([client], task, 0)


def traces(database: Database) -> tuple[list[int], dict[int, list[int]]]:
    """Return ids of traces to write on, and ids to open by their number of steps."""
    with database.reading() as session:
        by_chance = session.execute(sa.select(sa.func.max(col(Trace.id)))).scalar_one()
        ids = random.Random(0).sample(range(1, by_chance - len(LONG_STEPS)), _SAVED_ON - 100)
        found = sa.select(col(Trace.id)).where(col(Trace.id).in_(ids))
        short = _known(session.scalars(found))
        called = {steps: f"steps-{steps}" for steps in LONG_STEPS}
        long = sa.select(col(Trace.id))
        by_steps = {
            steps: _known(session.scalars(long.where(col(Trace.external_id) == name)))
            for steps, name in called.items()
        }
    by_steps[LONG_STEPS[0]] += short
    return short, by_steps


def _known(ids: Iterable[int | None]) -> list[int]:
    return [one for one in ids if one is not None]


def saving(
    found: Row,
    url: str,
    base: str,
    members: People,
    size: int,
    promise: str,
    *,
    is_timed: bool = True,
    theirs: Mapping[str, Theirs] | None = None,
) -> None:
    """Save by one and by twenty clients, by API and screen; without `is_timed` in any time."""
    beside = theirs or {}
    with served.opened(url) as database:
        trace_ids, _ = traces(database)
        for what, headers, request in _ways(members):
            clients = [Client(base, one) for one in headers]
            save(database, clients[:3], trace_ids, request, 1)  # the first answers are slower
            for number, target in SAVE_MS.items():
                saved = save(database, clients[:number], trace_ids, request, _lasting(found))
                name = f"save by {what}, {number} at once"
                wanted = target if is_timed else None
                found.add(*_figures(promise, name, number, saved, size, wanted, beside))


def _figures(
    promise: str,
    name: str,
    number: int,
    saved: Saved,
    size: int,
    target_ms: float | None,
    beside: Mapping[str, Theirs],
) -> Iterator[Figure]:
    slowest = beside.get(f"save {number}: ms")
    p50 = figures.number(saved.together.ms(0.5))
    yield Figure(
        *(promise, name, saved.together.ms(0.95), "ms p95", size, target_ms, slowest),
        note=f"p50 {p50} ms",
    )
    wanted = SAVES_A_SECOND if number > 1 and target_ms is not None else None
    rate = beside.get(f"save {number}: /s")
    yield Figure(promise, name, saved.together.rate, "saves/s", size, wanted, rate)
    yield Figure(promise, f"{name}: acknowledged, not there", saved.lost, "lost", size, 0)


def _ways(members: People) -> list[tuple[str, list[dict[str, str]], Save]]:
    return [("API", members.scripts, by_api), ("screen", members.browsers, by_screen)]


def _lasting(found: Row) -> float:
    return LASTING_S[found.asked.form]


def opening(
    found: Row,
    url: str,
    base: str,
    headers: dict[str, str],
    size: int,
    promise: str,
    *,
    factor: float = 1,
    theirs: Theirs | None = None,
) -> None:
    """Open traces of three lengths."""
    with served.opened(url) as database:
        _, by_steps = traces(database)
    for steps, ids in by_steps.items():
        asked = [Asked("GET", f"/projects/{SLUG}/read/{one}") for one in ids]
        result = opened(Client(base, headers), asked)
        beside = theirs if steps == LONG_STEPS[0] else None
        found.add(
            Figure(
                *(promise, f"open {steps:,} steps", result.ms(0.95), "ms p95", size),
                *(factor * OPEN_MS[steps], beside),
                note=f"p50 {figures.number(result.ms(0.5))} ms",
            )
        )


def ours(found: Row, asked: argparse.Namespace, folder: Path) -> None:
    """Measure all of it at the largest size, and one save by twenty at each."""
    sizes = SIZES[asked.form]
    per_save: dict[str, list[float]] = {}
    for size in sizes:
        data = served.copied(asked, size, folder)
        url = served.url_of(data)
        with served.opened(url) as database:
            with database.writing() as session:
                members, looking = served.people(session, CLIENTS), served.looking(session)
            trace_ids, _ = traces(database)
            with served.serving(data) as (base, _):
                for what, headers, request in _ways(members):
                    clients = [Client(base, one) for one in headers]
                    save(database, clients[:3], trace_ids, request, 1)
                    saved = save(database, clients, trace_ids, request, _lasting(found) / 3)
                    per_save.setdefault(what, []).append(1 / saved.together.rate)
                if size == sizes[-1]:
                    _largest(found, url, base, members, looking, size)
    for what, seconds in per_save.items():
        told = ", ".join(figures.number(1000 * one) for one in seconds)
        note = f"{told} ms a save, 20 at once, at {', '.join(f'{size:,}' for size in sizes)}"
        exponent = figures.growth(sizes, seconds)
        last = 1000 * seconds[-1]
        found.add(
            Figure("save", f"growth of a save by {what}", last, "ms", growth=exponent, note=note)
        )


def _largest(
    found: Row, url: str, base: str, members: People, looking: dict[str, str], size: int
) -> None:
    others = {other.name: beside(found, other) for other in ALTERNATIVES}
    best = min(
        (one["open: ms"] for one in others.values() if one), key=lambda one: one.value, default=None
    )
    opening(found, url, base, looking, size, "open", theirs=best)
    fastest = max(others.values(), key=lambda one: one["save 20: /s"].value if one else 0.0)
    saving(found, url, base, members, size, "save", theirs=fastest)


def beside(found: Row, other: Alternative) -> dict[str, Theirs]:
    """Measure another tool with the same clients."""
    take = partial(_theirs, found, other)
    return found.beside(other.name, "save and open", take, size=BESIDE[found.asked.form])


def _theirs(found: Row, other: Alternative) -> Measured:
    with row.scratch(other.package) as folder:
        bin_directory, data = filled(other, found.asked, folder)
        values: dict[str, float] = {}
        with other.serve(bin_directory, data) as place:
            for number in SAVE_MS:
                saved = _saved_there(place, number, _lasting(found))
                values[f"save {number}: ms"] = saved.together.ms(0.95)
                values[f"save {number}: /s"] = saved.together.rate
                values[f"save {number}: lost"] = saved.lost
            client = Client(place.base, place.headers)
            check(client, place.opened[0])
            values["open: ms"] = opened(client, place.opened[:_OPENED]).ms(0.95)
        return Measured(measure.installed_version(bin_directory, other.package), values)


def _saved_there(place: Place, number: int, seconds: float) -> Saved:
    def task(client: Client, until: Callable[[], bool]) -> None:
        chance = random.Random(id(client))
        while not until():
            path, body = place.save(chance.choice(place.items), _WORDS)
            client.seconds.append(client.send("POST", path, body).seconds)

    clients = [Client(place.base, place.headers) for _ in range(number)]
    at_once(clients, task, 1)  # the first answers are slower
    before = place.kept()
    together = at_once(clients, task, seconds)
    return Saved(together, len(together.seconds) - (place.kept() - before))


def main() -> None:
    """Measure and print the figures."""
    asked = row.parser(__doc__).parse_args()
    with row.running("annotate", asked) as found, row.scratch("annotate") as folder:
        ours(found, asked, folder)


if __name__ == "__main__":
    main()
