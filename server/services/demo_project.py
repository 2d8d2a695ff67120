"""What a demo project is: its files, how they are read, and what is made of them afterwards."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from sqlmodel import Session

from server.models.project import Member
from server.services import projects


@dataclass(frozen=True)
class DemoFile:
    """A file that one of the real importers reads."""

    format: str
    opened: Callable[[], AbstractContextManager[Path]]
    """Makes it lie on disk as the importer expects it, for as long as the block lasts."""
    mapping: Mapping[str, str] = field(default_factory=dict)
    dimensions: tuple[str, ...] = ()


@dataclass(frozen=True)
class DemoProject:
    """A project that `faultbook demo` loads once."""

    name: str
    description: str
    files: tuple[DemoFile, ...]
    finish: Callable[[Session, Member], None]
    """What is made of the traces, by the local lead, in the transaction that says it is loaded."""
    read_only: bool = True

    @property
    def slug(self) -> str:
        return projects.slug_of(self.name)
