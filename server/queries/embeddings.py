"""Statements over cached embeddings."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select
from sqlmodel.sql.expression import Select

from server.models.base import utc_now
from server.models.run import Embedding


def known(embedder: str, text_hashes: Collection[str]) -> Select[str, bytes]:
    """Hashes and vectors of those of these texts that an embedder has seen before."""
    return select(Embedding.text_hash, Embedding.vector).where(
        Embedding.embedder == embedder, col(Embedding.text_hash).in_(text_hashes)
    )


def keep(dialect: str, embedder: str, vectors: Sequence[tuple[str, bytes]]) -> sa.Insert:
    """Keep vectors by the hash of their text; those that another run kept meanwhile stay."""
    rows: list[dict[str, Any]] = [
        {"created_at": utc_now(), "embedder": embedder, "text_hash": text_hash, "vector": vector}
        for text_hash, vector in vectors
    ]
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(Embedding).values(rows).on_conflict_do_nothing()
