"""What decides of the numbers that a process computes: its versions, compared between computers."""

import platform
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from server.errors import Unavailable
from server.signals import registry

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
    }


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


def checked(expected: Mapping[str, str], function: Callable[..., Any], *args: Any) -> Any:
    """Call a function on a worker that is like whoever asks; it may have joined just now.

    Raises:
        OtherVersions: It is not.
    """
    if told := difference(facts(), expected, f"A worker on {platform.node()}"):
        raise OtherVersions(told)
    return function(*args)
