"""The embedder that this installation groups notes with."""

import os
from functools import cache
from pathlib import Path

from analysis.embeddings import ChosenEmbedder, choose_embedder

_MOST_THREADS = 2
"""More would take the cores from those who look at pages meanwhile."""


@cache
def embedder_in_use(folder: str) -> ChosenEmbedder:
    """Return the embedder for the setting `embedding_model`, and why it was chosen.

    Kept for the life of the process: choosing checks the digest of the weights, which takes a
    while.
    """
    threads = min(_MOST_THREADS, len(os.sched_getaffinity(0)))
    return choose_embedder(Path(folder) if folder else None, threads=threads)
