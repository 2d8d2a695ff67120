"""PostgreSQL with four server processes: pages and saves among a million traces, and the queue.

A cluster of its own on this machine, with fsync and PostgreSQL's other defaults, from the system's
binaries; all of it, servers and clients included, shares the cores of the benchmark. `--data` keeps
the cluster's files for the next run, `--server URL` names a running server instead.
"""

import argparse
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import sqlalchemy as sa

from benchmarks import annotate, lists, measure, queue, row, served
from benchmarks.clients import Client
from benchmarks.row import Row

SIZES: Mapping[str, int] = {"quick": 10_000, "standard": 1_000_000, "full": 1_000_000}
STEPS: Mapping[str, int] = {"quick": 20, "standard": 2, "full": 20}
"""Two millions in all, as on SQLite; a million traces of 20 steps would take 30 GB."""
WORKERS = 4
FACTOR = 2
"""How many times SQLite's targets of pages; of saves it is promised that none is lost."""
QUEUE = queue.Asked(10_000, sizes=(1_000,), seconds=15.0, pause_s=9.0, workers=WORKERS)
_NETWORK = "-c listen_addresses=127.0.0.1 -c unix_socket_directories="
_MEMORY = "-c shared_buffers=1GB -c max_wal_size=2GB -c max_connections=200"
"""As a small server has it."""
_INITDB = ("-A", "trust", "-U", "faultbook", "-E", "UTF8", "--locale=C")
_WITHIN_S = 120


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Run a cluster whose files stay in `folder`; yields the URL of its `postgres` database.

    Raises:
        RuntimeError: PostgreSQL is not installed.
    """
    pg_ctl = _binary("pg_ctl")
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    folder.mkdir(parents=True, exist_ok=True)
    if user is not None:
        os.chown(folder, user, -1)
    port = measure.free_port()

    def run(*command: str) -> None:
        done = subprocess.run(
            command, user=user, cwd=folder, capture_output=True, text=True, timeout=_WITHIN_S
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")

    if not (folder / "data" / "PG_VERSION").exists():
        run(
            _binary("initdb"),
            *["-D", "data", "-A", "trust", "-U", "faultbook", "-E", "UTF8", "--locale=C"],
        )
    options = f"-p {port} {_NETWORK} {_MEMORY}"
    try:
        run(pg_ctl, "-D", "data", "-l", "log", "-w", "-t", "90", "-o", options, "start")
        yield f"postgresql+psycopg://faultbook@127.0.0.1:{port}/postgres"
    finally:
        run(pg_ctl, "-D", "data", "-m", "fast", "-w", "stop")


def _binary(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = str(found[-1]) if found else shutil.which(name)
    if path is None:
        raise RuntimeError(f"PostgreSQL's {name} is missing: install the package postgresql.")
    return path


def database(server: str, name: str, *, new: bool = False) -> str:
    """Return the URL of a database of a server; made where it is not there, or has to be new."""
    url = sa.make_url(server)
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        if new:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if known.fetchone() is None:
            connection.execute(f"CREATE DATABASE {name}".encode())
    return url.set(database=name).render_as_string(hide_password=False)


def _plain(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def large(server: str, size: int, steps: int) -> str:
    """Return the URL of a large project's database, made again where it was left half made."""
    name = f"large_{size}x{steps}"
    url = database(server, name)
    try:
        served.fill(url, size, steps=steps)
    except RuntimeError as error:
        if "half made" not in str(error):
            raise
        url = database(server, name, new=True)
        served.fill(url, size, steps=steps)
    return url


def ours(found: Row, server: str, folder: Path) -> None:
    """Measure pages, opening and saving of the large project, then a queue of its own."""
    size, steps = SIZES[found.asked.form], STEPS[found.asked.form]
    url = large(server, size, steps)
    with served.opened(url) as connected, connected.writing() as session:
        members, looking = served.people(session, annotate.CLIENTS), served.looking(session)
        version = session.execute(sa.text("SHOW server_version")).scalar_one()
        found.uses("PostgreSQL", str(version).split()[0])
    with served.serving(folder, database=url, workers=WORKERS) as (base, _):
        times = lists.TIMES[found.asked.form] // 2
        client = Client(base, looking)
        lists.every_kind(found, url, client, size, times, "postgres", FACTOR)
        annotate.opening(found, url, base, looking, size, "postgres", factor=FACTOR)
        annotate.saving(found, url, base, members, size, "postgres", is_timed=False)
    for result, at_pace in queue.measured(QUEUE, folder, database(server, "queue", new=True)):
        target = FACTOR * queue.TARGET_MS if at_pace else None
        found.add(*result.figures("postgres", QUEUE.traces, target))


def main() -> None:
    """Measure and print the figures."""
    parser = row.parser(__doc__)
    parser.add_argument("--server", default="", help="URL of a server instead of a cluster")
    asked: argparse.Namespace = parser.parse_args()
    with row.running("postgres", asked) as found, row.scratch("postgres") as folder:
        if asked.server:
            ours(found, asked.server, folder)
            return
        with cluster(asked.data / "postgres") as server:
            ours(found, server, folder)


if __name__ == "__main__":
    main()
