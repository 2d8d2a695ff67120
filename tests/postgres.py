"""A throw-away PostgreSQL cluster for tests, from the system's own binaries."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

ENVIRONMENT = "FAULTBOOK_TEST_POSTGRES"
"""URL of a PostgreSQL server to use instead of a cluster of our own."""
_MEMORY = Path("/dev/shm")
_MEMORY_BYTES = 2 * 1024**3
_FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"


def _binary(name: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


def _unprivileged_user() -> int | None:
    """PostgreSQL refuses to run as root; name somebody else where we are root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def memory() -> Path | None:
    """Return a folder in memory, where a database is made in a fifth of the time; None if small."""
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _MEMORY_BYTES:
        return _MEMORY
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Cluster:
    """A cluster in a folder of its own, on a free port."""

    folder: Path
    port: int
    user: int | None
    options: str

    @property
    def url(self) -> str:
        """The URL of its `postgres` database."""
        return f"postgresql+psycopg://faultbook@127.0.0.1:{self.port}/postgres"

    def run(self, command: str, *arguments: str) -> None:
        """Run one of PostgreSQL's commands on it."""
        subprocess.run(
            (_found(command), "-D", "data", *arguments),
            user=self.user,
            cwd=self.folder,
            check=True,
            capture_output=True,
            timeout=120,
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 {self.options}"
        self.run("pg_ctl", "-l", "log", "-w", "-o", options, "start")

    def stop(self) -> None:
        """End it at once, as if it had crashed."""
        self.run("pg_ctl", "-m", "immediate", "stop")

    @property
    def process(self) -> int:
        """The id of its first process, which starts all others."""
        return int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])


def _found(name: str) -> str:
    found = _binary(name)
    if found is None:
        pytest.fail(
            "PostgreSQL's initdb and pg_ctl are missing: install the package `postgresql`, or name "
            f"a server in {ENVIRONMENT}."
        )
    return found


@contextmanager
def cluster(options: str = _FAST, where: Path | None = None) -> Iterator[Cluster]:
    """Run a cluster on a free port; in memory, unless another place is named."""
    user = _unprivileged_user()
    folder = Path(tempfile.mkdtemp(prefix="faultbook-postgres-", dir=where or memory()))
    if user is not None:
        os.chown(folder, user, -1)
    made = Cluster(folder, _free_port(), user, options)
    try:
        made.run("initdb", "-A", "trust", "-U", "faultbook", "-E", "UTF8", "--locale=C")
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder)


@contextmanager
def server() -> Iterator[str]:
    """Yield the URL of a PostgreSQL server: the one that was named, else a cluster of our own."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        yield named
    else:
        with cluster() as made:
            yield made.url


def plain(url: str) -> str:
    """Return a SQLAlchemy URL as libpq reads it."""
    return url.replace("postgresql+psycopg://", "postgresql://")


def connection(url: str) -> psycopg.Connection:
    """Connect for statements that PostgreSQL allows in no transaction."""
    return psycopg.connect(plain(url), autocommit=True)


def execute(url: str, statement: str) -> None:
    """Run one of them."""
    with connection(url) as opened:
        opened.execute(statement.encode())
