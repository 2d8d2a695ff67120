"""The list of 100,000 traces with 2 M steps: every kind of filter, orders, searches, any page.

A real server on SQLite, one browser that opens whole pages; the time is that of the client, from
the request to the last byte, so that the server's own is below it. Each kind of page is opened
again and again with other values. Growth is that of the time of one page over three sizes.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import sqlalchemy as sa
from sqlmodel import Session, col

from benchmarks import figures, measure, row, served
from benchmarks.clients import Client
from benchmarks.figures import Figure, Theirs
from benchmarks.large_project import SLUG
from benchmarks.large_project_work import MODES
from benchmarks.row import Measured, Row
from benchmarks.tools_beside import ALTERNATIVES, BESIDE, Alternative, check, filled
from server.db import Database
from server.models.signal import Signal
from server.models.trace import Trace
from server.queries.paging import Cursor
from server.services import projects
from server.views.traces import COUNTED, PAGE_SIZE

SIZES: Mapping[str, tuple[int, ...]] = {
    "quick": (1_000, 10_000),
    "standard": (1_000, 10_000, 100_000),
    "full": (1_000, 10_000, 100_000),
}
TIMES: Mapping[str, int] = {"quick": 20, "standard": 100, "full": 300}
TARGET_MS, TEXT_MS = 60, 150
FIRST = "no filter, first page"
GROWING = (FIRST, "filter: mode", "full text, rare word")
SIGNAL = "compression_ratio"
PEOPLE = ("Lead", "Annotator A", "Annotator B")
COMMON = ("river", "doors", "answer", "number")
_THEIRS_TIMES = 20
_NOT_MEASURED = 3
Fields = Sequence[tuple[str, str]]


class Kind(NamedTuple):
    """One kind of page, and the fields of the URLs that ask for it."""

    name: str
    asked: Sequence[Fields]
    target_ms: float = TARGET_MS
    beside: str = ""
    """What the other tools call it in `tools_beside.Place.listed`."""


class Places(NamedTuple):
    """Rows of the list that pages begin behind, from the first to the last page."""

    imported: Sequence[str]
    tokens: Sequence[str]
    signal: Sequence[str]


def places(database: Database) -> Places:
    """Return where pages begin in three orders."""
    with database.reading() as session:
        project_id = projects.find(session, SLUG).id
        of_project = sa.select(col(Trace.id)).where(col(Trace.project_id) == project_id)
        tokens = sa.func.coalesce(col(Trace.completion_tokens), -1)
        with_signal = sa.select(col(Signal.trace_id)).where(
            col(Signal.project_id) == project_id, col(Signal.name) == SIGNAL
        )
        return Places(
            _spread(session, of_project, col(Trace.id), col(Trace.id)),
            _spread(session, of_project, tokens, col(Trace.id)),
            _spread(session, with_signal, col(Signal.value), col(Signal.trace_id)),
        )


def _spread(session: Session, statement: Any, key: Any, row_id: Any) -> list[str]:
    """Return ten places in an order, as links of pages name them; behind the last is the last."""
    ordered = statement.with_only_columns(key, row_id).order_by(key, row_id)
    rows = session.execute(ordered).all()
    last = max(0, len(rows) - PAGE_SIZE - 1)
    ranks = [last * part // 9 for part in range(10)]
    return [Cursor(*rows[rank], rank if len(rows) > COUNTED else None).written() for rank in ranks]


def kinds(at: Places) -> Iterator[Kind]:
    """Yield every kind of page."""
    yield Kind(FIRST, [[]], beside="first page")
    yield Kind("no filter, pages on the way", [[("after", one)] for one in at.imported])
    yield Kind("no filter, last page", [[("after", at.imported[-1])]])
    yield Kind("latest first", [[("sort", "-imported")]])
    orders = ("trace", "item", "model", "task", "outcome", "tokens", "steps")
    yield Kind(
        "sorted by a column", [[("sort", f"{way}{one}")] for one in orders for way in ("", "-")]
    )
    yield Kind("sorted by tokens, pages on the way", _pages("tokens", at.tokens))
    yield Kind("sorted by a signal", [[("sort", f"{way}signal.{SIGNAL}")] for way in ("", "-")])
    yield Kind("sorted by a signal, pages on the way", _pages(f"signal.{SIGNAL}", at.signal))
    models = [[("model", f"model-{letter}")] for letter in "abcdefgh"]
    yield Kind("filter: model", models, beside="filter")
    yield Kind("filter: outcome", _values("outcome", "correct", "incorrect", "truncated"))
    yield Kind("filter: verdict", _values("verdict", "pass", "fail", "none"))
    yield Kind("filter: mode", _values("mode", *MODES))
    yield Kind("filter: annotator", _values("annotator", *PEOPLE))
    yield Kind("filter: tag", _values("tags", "arch:moe", "size:7b", "lang:de", "rare"))
    difficulty = [("params.difficulty", str(number)) for number in range(1, 11)]
    variants = [("params.variant", f"variant {number}") for number in range(0, 40, 8)]
    yield Kind("filter: dimension", [[one] for one in (*difficulty, *variants)])
    yield Kind("filter: range of tokens", [[("min:tokens", f"{n}00")] for n in (5, 10, 20, 40)])
    yield Kind("filter: kind of a signal", _values("signal.loop_class", "verbatim_loop", "no_loop"))
    ratios = [[(f"min:signal.{SIGNAL}", n)] for n in ("0.5", "1.5", "2.5")]
    yield Kind("filter: range of a signal", ratios)
    yield Kind(
        "three filters and an order",
        [
            [*one, ("outcome", "incorrect"), ("tags", "arch:moe"), ("sort", "-tokens")]
            for one in models
        ],
    )
    rare = _values("text", *(f"mark{number}" for number in range(0, 1_000, 100)))
    yield Kind("full text, rare word", rare, TEXT_MS, "text")
    yield Kind("full text, common word", _values("text", *COMMON), TEXT_MS)
    phrases = _values("text", '"the barber"', '"each other"', "river AND boat")
    yield Kind("full text, phrase", phrases, TEXT_MS)
    both = [[("text", word), ("outcome", "incorrect"), ("sort", "-tokens")] for word in COMMON]
    yield Kind("full text, filter and order", both, TEXT_MS)


def _pages(order: str, at: Sequence[str]) -> list[Fields]:
    return [[("sort", order), ("after", one)] for one in at]


def _values(key: str, *values: str) -> list[Fields]:
    return [[(key, value)] for value in values]


def measured(client: Client, kind: Kind, times: int) -> list[float]:
    """Return how long pages of one kind took, in seconds."""
    paths = [f"/projects/{SLUG}/traces?{urlencode(list(fields))}" for fields in kind.asked]
    for path in paths[:_NOT_MEASURED]:
        client.send("GET", path)
    return [client.send("GET", path).seconds for path in islice(cycle(paths), times)]


def every_kind(
    found: Row, url: str, client: Client, size: int, times: int, promise: str, factor: float = 1
) -> None:
    """Measure every kind of page of a served project, with targets so many times as high."""
    theirs = _others(found) if promise == "list" else {}
    with served.opened(url) as database:
        at = places(database)
    client.close()  # a server may end an idle connection just as it is used again
    for kind in kinds(at):
        seconds = measured(client, kind, times)
        found.add(
            Figure(
                promise,
                kind.name,
                1000 * measure.quantile(seconds, 0.95),
                "ms p95",
                size=size,
                target=kind.target_ms * factor,
                theirs=theirs.get(kind.beside),
                note=f"p50 {figures.number(1000 * measure.quantile(seconds, 0.5))} ms",
            )
        )


def grown(found: Row, asked: argparse.Namespace, folder: Path) -> None:
    """Measure the growth of a page's time over all sizes, and every kind at the largest."""
    sizes, times = SIZES[asked.form], TIMES[asked.form]
    medians: dict[str, list[float]] = {}
    for size in sizes:
        data = served.copied(asked, size, folder)
        url = served.url_of(data)
        with served.opened(url) as database, database.writing() as session:
            headers = served.looking(session)
        with served.serving(data) as (base, _):
            client = Client(base, headers)
            with served.opened(url) as database:
                at = places(database)
            for kind in kinds(at):
                if kind.name in GROWING:
                    seconds = measured(client, kind, times)
                    medians.setdefault(kind.name, []).append(measure.quantile(seconds, 0.5))
            if size == sizes[-1]:
                every_kind(found, url, client, size, times, "list")
    for name, seconds in medians.items():
        told = ", ".join(figures.number(1000 * one) for one in seconds)
        exponent = figures.growth(sizes, seconds)
        note = f"p50 {told} ms at {', '.join(f'{size:,}' for size in sizes)}"
        last = 1000 * seconds[-1]
        found.add(
            Figure("list", f"growth of a page: {name}", last, "ms p50", growth=exponent, note=note)
        )


def _others(found: Row) -> dict[str, Theirs]:
    """Return the fastest of the other tools for each kind of page."""
    best: dict[str, Theirs] = {}
    for other in ALTERNATIVES:
        take = partial(_theirs, other, found)
        told = found.beside(other.name, "lists", take, size=BESIDE[found.asked.form])
        for what, theirs in told.items():
            if what not in best or theirs.value < best[what].value:
                best[what] = theirs
    return best


def _theirs(other: Alternative, found: Row) -> Measured:
    with row.scratch(other.package) as folder:
        bin_directory, data = filled(other, found.asked, folder)
        with other.serve(bin_directory, data) as place:
            client = Client(place.base, place.headers)
            values = {}
            for what, one in place.listed.items():
                check(client, one)
                seconds = [client.send(*one).seconds for _ in range(_THEIRS_TIMES)]
                values[what] = 1000 * measure.quantile(seconds, 0.95)
        return Measured(measure.installed_version(bin_directory, other.package), values)


def main() -> None:
    """Measure and print the figures."""
    asked = row.parser(__doc__).parse_args()
    with row.running("lists", asked) as found, row.scratch("lists") as folder:
        grown(found, asked, folder)


if __name__ == "__main__":
    main()
