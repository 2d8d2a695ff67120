"""What decides of the numbers that a process computes: its versions, compared between computers."""

import hashlib
import platform
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from server.errors import Unavailable
from server.signals import registry

_SERVER = Path(__file__).parents[1]
_FOLDERS = (
    _SERVER.parent / "analysis",
    _SERVER / "signals",
    _SERVER / "executors",
    _SERVER / "importers",
    _SERVER / "services" / "signal_tables",
)
_PACKAGES = ("distributed", "numpy", "scipy", "pandas", "scikit-learn", "pyarrow", "regex")


class OtherVersions(Unavailable):
    """A worker has other versions than this computer, and might give other numbers."""


@cache
def facts() -> Mapping[str, str]:
    """Return the versions of this process by name."""
    return {
        "Faultbook": _version("faultbook"),
        "Python": ".".join(platform.python_version_tuple()[:2]),
        **{name: _version(name) for name in _PACKAGES},
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "signals": registry.digest(),
        "code": _code(),
    }


def _code() -> str:
    """What the modules are that compute: versions alone do not tell two checkouts apart."""
    told = hashlib.sha256()
    for folder in _FOLDERS:
        for path in sorted(folder.rglob("*.py")):
            told.update(path.name.encode() + path.read_bytes())
    return told.hexdigest()[:12]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def difference(found: Mapping[str, str], expected: Mapping[str, str], who: str) -> str:
    """Return a sentence about the first version that differs; empty where none does."""
    for name, own in expected.items():
        if (other := found.get(name, "none")) != own:
            return (
                f"{who} has {name} {other}, this computer has {own}: numbers could differ. "
                "Install the same Faultbook with the same versions on both, and start it again."
            )
    return ""


def checked(expected: Mapping[str, str], module: str, name: str, *args: Any) -> Any:
    """Call a function by its name on a worker that is like whoever asks; it may have just joined.

    Raises:
        OtherVersions: It is not.
    """
    if told := difference(facts(), expected, f"A worker on {platform.node()}"):
        raise OtherVersions(told)
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function(*args)
