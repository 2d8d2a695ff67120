"""Bulky results of runs on disk: what draft groups and suggested modes come from."""

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.clusters import Tree
from analysis.geometry import Vectors


@lru_cache(maxsize=32_768)
def text_hash(text: str) -> str:
    """Return what names a text: equal texts have equal hashes."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class GroupArtefact:
    """What one run learned about a project's notes; every granularity is cut from it."""

    note_ids: tuple[int, ...]
    """All notes people wrote, placed ones included; rows of everything below."""
    text_hashes: tuple[str, ...]
    vectors: Vectors
    points: NDArray[np.float64]
    """Where each note lies on the map."""
    leaves: NDArray[np.int64]
    """Rows of the notes that stood under no mode: the leaves of the tree, in its order."""
    tree: Tree
    levels: tuple[float, ...]
    """Cut heights that the granularity slider steps through."""
    default_height: float
    add_threshold: float
    """Similarity from which a group is offered to a mode."""

    @cached_property
    def leaf_ids(self) -> tuple[int, ...]:
        """The notes of the tree, in its order."""
        return tuple(self.note_ids[row] for row in self.leaves.tolist())

    @cached_property
    def leaf_of(self) -> dict[int, int]:
        """Where in the tree each of its notes is."""
        return {note: leaf for leaf, note in enumerate(self.leaf_ids)}

    @cached_property
    def row_of(self) -> dict[int, int]:
        """The row of each note."""
        return {note: row for row, note in enumerate(self.note_ids)}

    @cached_property
    def leaf_hashes(self) -> tuple[str, ...]:
        """What names the texts of the tree's notes, in its order."""
        return tuple(self.text_hashes[row] for row in self.leaves.tolist())

    @cached_property
    def leaf_vectors(self) -> Vectors:
        """The vectors of the tree's notes, in its order."""
        every = len(self.leaves) == len(self.vectors)
        return self.vectors if every else self.vectors[self.leaves]


def write_groups(path: Path, artefact: GroupArtefact) -> None:
    """Write the artefact; readers see all of it or none."""
    _write(
        path,
        note_ids=np.array(artefact.note_ids, dtype=np.int64),
        text_hashes=np.array(artefact.text_hashes, dtype="S64"),
        vectors=artefact.vectors,
        points=artefact.points,
        leaves=artefact.leaves,
        merges=artefact.tree.merges,
        levels=np.array(artefact.levels),
        scalars=np.array([artefact.default_height, artefact.add_threshold]),
    )


@lru_cache(maxsize=8)
def read_groups(path: Path) -> GroupArtefact:
    """Read the artefact of a run; a run's file never changes, so the latest stay in memory.

    Raises:
        FileNotFoundError: The file is gone, such as after a restored backup.
    """
    with np.load(path, allow_pickle=False) as stored:
        leaves = stored["leaves"]
        default_height, add_threshold = stored["scalars"].tolist()
        return GroupArtefact(
            note_ids=tuple(stored["note_ids"].tolist()),
            text_hashes=tuple(digest.decode() for digest in stored["text_hashes"].tolist()),
            vectors=stored["vectors"],
            points=stored["points"],
            leaves=leaves,
            tree=Tree(len(leaves), stored["merges"]),
            levels=tuple(stored["levels"].tolist()),
            default_height=default_height,
            add_threshold=add_threshold,
        )


@dataclass(frozen=True, eq=False)
class ModeArtefact:
    """Rows are the notes people wrote, columns the modes that notes stood under."""

    note_ids: tuple[int, ...]
    text_hashes: tuple[str, ...]
    mode_ids: tuple[int, ...]
    probabilities: NDArray[np.float64]
    """A placed note is judged by a model that did not know it."""
    confidences: NDArray[np.float64]

    def row_of(self, note_id: int, text: str) -> int | None:
        """Return the row of a note; None where it is newer than the run or reads otherwise now."""
        rows = _rows(self.note_ids)
        row = rows.get(note_id)
        return row if row is not None and self.text_hashes[row] == text_hash(text) else None


@lru_cache(maxsize=8)
def _rows(note_ids: tuple[int, ...]) -> dict[int, int]:
    return {note: row for row, note in enumerate(note_ids)}


def write_modes(path: Path, artefact: ModeArtefact) -> None:
    """Write the artefact; readers see all of it or none."""
    _write(
        path,
        note_ids=np.array(artefact.note_ids, dtype=np.int64),
        text_hashes=np.array(artefact.text_hashes, dtype="S64"),
        mode_ids=np.array(artefact.mode_ids, dtype=np.int64),
        probabilities=artefact.probabilities,
        confidences=artefact.confidences,
    )


@lru_cache(maxsize=8)
def read_modes(path: Path) -> ModeArtefact:
    """Read the artefact of a run; a run's file never changes, so the latest stay in memory.

    Raises:
        FileNotFoundError: The file is gone, such as after a restored backup.
    """
    with np.load(path, allow_pickle=False) as stored:
        return ModeArtefact(
            note_ids=tuple(stored["note_ids"].tolist()),
            text_hashes=tuple(digest.decode() for digest in stored["text_hashes"].tolist()),
            mode_ids=tuple(stored["mode_ids"].tolist()),
            probabilities=stored["probabilities"],
            confidences=stored["confidences"],
        )


def _write(path: Path, **arrays: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def note_map_path(groups: Path) -> Path:
    """Return where the layout of the notes of a group artefact lies, once there is one."""
    return groups.with_suffix(".map.npy")


@lru_cache(maxsize=8)
def read_note_map(path: Path) -> NDArray[np.float64]:
    """Read where each note of a group artefact lies by its neighbours.

    Raises:
        FileNotFoundError: There is no such layout yet.
    """
    points: NDArray[np.float64] = np.load(path, allow_pickle=False)
    return points
