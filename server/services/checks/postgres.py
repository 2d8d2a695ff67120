"""PostgreSQL: its version, encoding, words of all languages, connections and clock."""

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from server.models.base import utc_now
from server.services.checks.findings import Check, trouble, warning, well

_OLDEST, _TRIED = 13, 15
_OF_A_PROCESS = 20
"""Connections that a server or worker process opens at most: docs/deploying.md."""
_SKEW_S, _MUCH_S = 2.0, 30.0


def examine(connection: Connection) -> Iterator[Check]:
    """Look at the server behind a connection."""
    yield version(int(str(_ask(connection, "SHOW server_version_num"))))
    yield encoding(str(_ask(connection, "SHOW server_encoding")))
    yield words(
        is_folded=bool(
            _ask(
                connection, "SELECT to_tsvector('simple', 'ÄRGER') @@ to_tsquery('simple', 'ärger')"
            )
        )
    )
    most = int(str(_ask(connection, "SHOW max_connections")))
    kept = int(str(_ask(connection, "SHOW superuser_reserved_connections")))
    used = int(
        str(_ask(connection, "SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL"))
    )
    yield connections(most - kept, used)
    before = utc_now()
    there = _ask(connection, "SELECT clock_timestamp()")
    if isinstance(there, datetime):
        yield clock((there - before).total_seconds())


def _ask(connection: Connection, question: str) -> object:
    return connection.execute(sa.text(question)).scalar_one()


def version(number: int) -> Check:
    """Whether PostgreSQL is recent enough."""
    major = number // 10_000
    if major < _OLDEST:
        return trouble("PostgreSQL", f"version {major}", f"Use {_OLDEST} or later.")
    tried = "" if major == _TRIED else f", tests run on {_TRIED}"
    return well("PostgreSQL", f"version {major}{tried}; no extension is needed")


def encoding(name: str) -> Check:
    """Whether it takes any text."""
    if name == "UTF8":
        return well("encoding", name)
    return trouble(
        "encoding",
        f"{name}: texts of other languages cannot be saved",
        "Make a database with ENCODING 'UTF8', and move by «faultbook migrate --to».",
    )


def words(*, is_folded: bool) -> Check:
    """Whether searches find a word in capitals in every language."""
    name = "locale"
    if is_folded:
        return well(name, "searches take letters of all languages in either case")
    return warning(
        name,
        "searches tell Ä from ä, as its character type is C",
        "Make one with LC_CTYPE 'C.UTF-8' or a language's, and move by «faultbook migrate --to».",
    )


def connections(most: int, used: int) -> Check:
    """Whether there are connections left for one more process."""
    told = f"{used} of {most} in use, room for {most // _OF_A_PROCESS} processes in all"
    if most - used >= _OF_A_PROCESS:
        return well("connections", told)
    return warning(
        "connections",
        told,
        f"Raise max_connections to {_OF_A_PROCESS} for each process, or run fewer.",
    )


def clock(ahead_s: float) -> Check:
    """Whether the clocks of database and server agree."""
    told = f"the database's is {abs(ahead_s):.1f} s {'ahead' if ahead_s > 0 else 'behind'}"
    remedy = "Let NTP set the clocks of both machines."
    if abs(ahead_s) >= _MUCH_S:
        return trouble("clock", f"{told}: running jobs look dead, and are begun again", remedy)
    if abs(ahead_s) >= _SKEW_S:
        return warning("clock", told, remedy)
    return well("clock", told)
