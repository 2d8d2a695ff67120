"""What a check found, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    """It works, and could stop working or work better."""
    TROUBLE = "trouble"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, what was found, and what to do; no remedy where all is well."""

    name: str
    state: State
    finding: str
    remedy: str = ""
    is_fixed: bool = False
    """Whether it was found in disorder and put in order just now."""


def well(name: str, finding: str) -> Check:
    """Nothing to do."""
    return Check(name, State.OK, finding)


def warning(name: str, finding: str, remedy: str) -> Check:
    """Something that works for now."""
    return Check(name, State.WARNING, finding, remedy)


def trouble(name: str, finding: str, remedy: str) -> Check:
    """Something that does not work."""
    return Check(name, State.TROUBLE, finding, remedy)


def fixed(name: str, finding: str) -> Check:
    """Something that was put in order just now."""
    return Check(name, State.OK, finding, is_fixed=True)
