"""Large projects that are made once and kept, and servers on copies of them."""

import argparse
import fcntl
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlmodel import Session

from benchmarks import measure, row
from benchmarks.large_project import SLUG
from server.db import Database
from server.models.project import Role
from server.models.user import User
from server.services import accounts, projects, tokens
from server.services.tokens import Scope

FILE = "faultbook.sqlite"


class People(NamedTuple):
    """The headers of annotators, by script and by browser."""

    scripts: list[dict[str, str]]
    browsers: list[dict[str, str]]


def kept(asked: argparse.Namespace, traces: int, *, steps: int = 20, read: float = 0.2) -> Path:
    """Return the folder of a large project; made where it is not there yet."""
    name = f"{traces}x{steps}" + (f"-read-{read}" if read != 0.2 else "")
    folder: Path = asked.data / name
    asked.data.mkdir(parents=True, exist_ok=True)
    with (asked.data / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two rows may ask at once
        if not folder.exists():
            part = folder.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            print(f"Making a project of {traces:,} traces in {folder}", file=sys.stderr, flush=True)
            fill(f"sqlite:///{part / FILE}", traces, steps=steps, read=read)
            part.rename(folder)
        else:
            migrate(folder)
    return folder


def migrate(folder: Path) -> None:
    """Bring a kept project to the tables of today, without the copy that is made before."""
    measure.run([row.faultbook(), "migrate", "--data", str(folder)])
    for copy in folder.glob("faultbook-before-*.sqlite"):
        copy.unlink()


def fill(url: str, traces: int, *, steps: int = 20, read: float = 0.2) -> None:
    """Make a large project in a database, in a process of its own, whose memory is given back."""
    command = [sys.executable, "-m", "benchmarks.large_project", "--database", url]
    command += ["--traces", str(traces), "--steps", str(steps), "--read-share", str(read)]
    measure.run(command)


def copied(
    asked: argparse.Namespace, traces: int, into: Path, *, steps: int = 20, read: float = 0.2
) -> Path:
    """Return a folder with a copy of a large project, for rows that write in it."""
    source = kept(asked, traces, steps=steps, read=read)
    folder = into / source.name
    folder.mkdir(exist_ok=True)
    command = ["cp", "--reflink=auto", str(source / FILE), str(folder / FILE)]
    subprocess.run(command, check=True)
    return folder


def url_of(folder: Path) -> str:
    """Return the address of the SQLite database of a data folder."""
    return f"sqlite:///{folder / FILE}"


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """Open a database for as long as the block lasts."""
    database = Database.from_url(url)
    yield database
    database.dispose()


def people(session: Session, number: int, role: Role = Role.ANNOTATOR, slug: str = SLUG) -> People:
    """Add members to the large project, or another, with a token and a browser session each."""
    project = projects.find(session, slug)
    scripts, browsers = [], []
    for _ in range(number):
        name = f"Reader {random.getrandbits(32):08x}"
        user = User(name=name, email=f"{name.replace(' ', '-')}@example.org")
        session.add(user)
        session.flush()
        accounts.take_part(session, project.id or 0, user, role)
        secret = tokens.create_token(session, user, "bench", list(Scope))
        scripts.append({"Authorization": f"Bearer {secret}", "Content-Type": "application/json"})
        cookie = accounts.open_session(session, user).secret
        browsers.append(
            {
                "Cookie": f"faultbook_session={cookie}",
                "HX-Request": "true",
                "Sec-Fetch-Site": "same-origin",
                "Content-Type": "application/x-www-form-urlencoded",
            }
        )
    return People(scripts, browsers)


def looking(session: Session) -> dict[str, str]:
    """Return the headers of a lead who opens whole pages, as a browser without scripts does."""
    return {"Cookie": people(session, 1, Role.LEAD).browsers[0]["Cookie"]}


@contextmanager
def serving(
    folder: Path, *, database: str = "", workers: int = 1, jobs: bool = False
) -> Iterator[tuple[str, int]]:
    """Run the server on a data folder; gives its address and process id."""
    base = f"http://127.0.0.1:{measure.free_port()}"
    command = [row.faultbook(), "serve", "--data", str(folder), "--port", base.rpartition(":")[2]]
    command += ["--database", database] if database else []
    command += [] if jobs else ["--no-jobs"]
    command += ["--workers", str(workers)] if workers > 1 else []
    with measure.serving(command, f"{base}/healthz", folder / "server.log") as pid:
        yield base, pid
