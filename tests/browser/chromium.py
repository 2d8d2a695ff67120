"""How Chromium is started, here and by the script that makes the screenshots."""

import os
import shutil
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)


def launch_options() -> dict[str, Any]:
    """Return options for Playwright: the system's Chromium where there is one."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    # Chromium's sandbox does not work for root.
    sandbox = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
    options: dict[str, Any] = {"args": [*_QUIET, *sandbox]}
    return options if found is None else {**options, "executable_path": found}
