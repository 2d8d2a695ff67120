"""What an archive is: a zip of one JSONL file per table, attachments, and a manifest."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

VERSION = 1
MANIFEST = "manifest.json"
ATTACHMENTS = "attachments/"


class TableEntry(BaseModel):
    """One table's file: how many rows, and the digest of its bytes."""

    rows: int
    sha256: str


class Manifest(BaseModel):
    """What the archive says of itself; checked before anything is read from it."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["faultbook-archive"] = "faultbook-archive"
    version: int = VERSION
    revision: str
    """Revision of the database schema it was written from."""
    project: str
    """The project's slug."""
    tables: dict[str, TableEntry]
    attachments: tuple[str, ...] = ()
    """sha256 of each attached file, which is also its name."""


def member_of(table: str) -> str:
    """Return the name of a table's file in the zip."""
    return f"tables/{table}.jsonl"
