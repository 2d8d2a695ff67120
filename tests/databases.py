"""Databases for tests: each test gets a migrated one of its own, copied from one that is there."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import sqlalchemy as sa

from server import schema
from server.db import Database
from server.settings import Settings
from tests import postgres

Fill = Callable[[Settings], object]


@dataclass(frozen=True)
class Prefilled:
    """A data directory and its database, for tests to copy instead of filling one again."""

    data: Path
    database: str = ""
    """Its name in the PostgreSQL server; on SQLite it is a file of the directory."""


class Databases(Protocol):
    """Where databases come from."""

    def settings(self, data: Path, like: Prefilled | None) -> AbstractContextManager[Settings]:
        """Settings on a directory and a database that are new, or a copy."""
        ...

    def prefilled(self, data: Path, fill: Fill, like: Prefilled | None = None) -> Prefilled:
        """Fill a database once for all the tests that copy it; `fill` closes what it opens."""
        ...


def migrated(url: str) -> None:
    """Migrate an empty database."""
    database = Database.from_url(url)
    schema.upgrade(database)
    database.dispose()


class SqliteDatabases:
    """Files in the data directories."""

    def __init__(self, folder: Path) -> None:
        self._empty = Prefilled(folder)
        migrated(Settings(data=folder).database_url)

    @contextmanager
    def settings(self, data: Path, like: Prefilled | None) -> Iterator[Settings]:
        shutil.copytree((like or self._empty).data, data)
        yield Settings(data=data, no_login=True)

    def prefilled(self, data: Path, fill: Fill, like: Prefilled | None = None) -> Prefilled:
        with self.settings(data, like) as settings:
            fill(settings)
        return Prefilled(data)


class PostgresDatabases:
    """Databases in one server; copying files is its quickest way to make one."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._connection = postgres.connection(server)
        self._empty = f"migrated_{uuid4().hex}"
        self._kept = [self._empty]
        self._execute(f"CREATE DATABASE {self._empty}")
        migrated(self._url(self._empty))

    def drop(self) -> None:
        """Leave the server as it was."""
        for name in self._kept:
            self._drop(name)
        self._connection.close()

    @contextmanager
    def settings(self, data: Path, like: Prefilled | None) -> Iterator[Settings]:
        name = self._copy(data, like)
        yield Settings(data=data, database=self._url(name), no_login=True)
        self._drop(name)

    def prefilled(self, data: Path, fill: Fill, like: Prefilled | None = None) -> Prefilled:
        name = self._copy(data, like)
        self._kept.append(name)
        fill(Settings(data=data, database=self._url(name), no_login=True))
        return Prefilled(data, name)

    def _copy(self, data: Path, like: Prefilled | None) -> str:
        if like is None:
            data.mkdir()
        else:
            shutil.copytree(like.data, data)
        name = f"test_{uuid4().hex}"
        template = self._empty if like is None else like.database
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def _drop(self, name: str) -> None:
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _url(self, name: str) -> str:
        return sa.make_url(self._server).set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        self._connection.execute(statement.encode())
