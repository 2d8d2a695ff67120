"""An event loop for a test: browsers keep one running in the thread that tests run in."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def run(work: Coroutine[Any, Any, None]) -> None:
    """Do work to its end in a loop and a thread of its own."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, work).result()
