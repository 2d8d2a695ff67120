import json
from pathlib import Path

import pytest
from hypothesis import settings

from analysis.embeddings import SentenceTransformerEmbedder, packaged_model_folder
from analysis.geometry import Vectors, note_space

# The first example pays for lazy imports, on a busy machine more than any deadline allows.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

NOTES = Path(__file__).parents[1] / "data" / "agentrx-notes" / "annotations.jsonl"


@pytest.fixture(scope="session")
def notes() -> list[str]:
    """Real notes on failed agent runs."""
    return [json.loads(line)["note"] for line in NOTES.read_text("utf-8").splitlines()]


@pytest.fixture(scope="session")
def minilm() -> SentenceTransformerEmbedder:
    """The real model; the development extras install it, so its lack is a failure, not a skip."""
    folder = packaged_model_folder()
    assert folder is not None, "install the extras embed and offline-model"
    return SentenceTransformerEmbedder(folder, name="all-MiniLM-L6-v2")


@pytest.fixture(scope="session")
def space(minilm: SentenceTransformerEmbedder, notes: list[str]) -> Vectors:
    """The notes' vectors, ready for grouping."""
    return note_space(minilm.embed(notes), minilm.geometry)
