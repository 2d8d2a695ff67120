"""Vectors of texts for jobs: each is computed once per model and kept."""

import threading
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from analysis.embeddings import Embedder
from analysis.geometry import Vectors
from server.artefacts import text_hash
from server.queries import embeddings
from server.services.runs import RunContext

_ASKED_AT_ONCE = 500
_EMBEDDED_AT_ONCE = 256
_STORED = np.dtype("<f4")
_embedding = threading.Lock()
"""Two jobs that embed at once would only take the cores from each other."""


def vectors_of(
    context: RunContext, embedder: Embedder, texts: Sequence[str], doing: str
) -> Vectors:
    """Return a row per text, telling the run's progress; those kept before are read only."""
    if embedder.corpus_bound or not texts:
        return embedder.embed(texts)
    by_hash = {text_hash(text): text for text in texts}
    vectors = _kept(context, embedder, list(by_hash))
    # Texts of a length are embedded together, the short ones first.
    missing = sorted(by_hash.keys() - vectors.keys(), key=lambda name: (len(by_hash[name]), name))
    for names in _chunks(missing, _EMBEDDED_AT_ONCE):
        context.progress(len(vectors), len(by_hash), doing)
        vectors |= _embedded(context, embedder, {name: by_hash[name] for name in names})
    return np.stack([vectors[text_hash(text)] for text in texts])


def _kept(context: RunContext, embedder: Embedder, names: Sequence[str]) -> dict[str, Vectors]:
    """Return by hash of their text the vectors that were computed before."""
    with context.database.reading() as session:
        return {
            name: np.frombuffer(vector, dtype=_STORED)
            for some in _chunks(names, _ASKED_AT_ONCE)
            for name, vector in session.exec(embeddings.known(embedder.identity, some))
        }


def _embedded(
    context: RunContext, embedder: Embedder, texts: Mapping[str, str]
) -> dict[str, Vectors]:
    """Return new vectors by hash of their text; they are kept from now on."""
    with _embedding:
        new = embedder.embed(list(texts.values())).astype(_STORED)
    vectors = dict(zip(texts, new, strict=True))
    rows = [(name, vector.tobytes()) for name, vector in vectors.items()]
    with context.database.writing() as session:
        dialect = context.database.engine.dialect.name
        session.connection().execute(embeddings.keep(dialect, embedder.identity, rows))
    return vectors


def _chunks(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]
