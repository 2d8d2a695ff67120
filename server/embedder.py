"""The embedder that this installation groups notes with."""

from functools import cache
from pathlib import Path

from analysis.embeddings import ChosenEmbedder, choose_embedder


@cache
def embedder_in_use(folder: str) -> ChosenEmbedder:
    """Return the embedder for the setting `embedding_model`, and why it was chosen.

    Kept for the life of the process: choosing checks the digest of the weights, which takes a
    while.
    """
    return choose_embedder(Path(folder) if folder else None)
