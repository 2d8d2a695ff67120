"""Draft groups on screen: the last run's tree cut at a height, without what people have decided."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

import numpy as np

from analysis.clusters import UNGROUPED, Labels, cut
from analysis.draft_groups import DraftGroup, describe_groups
from analysis.geometry import Vectors
from analysis.matching import ModeMatch, match_to_modes, suggest_modes, was_dismissed
from server.artefacts import GroupArtefact
from server.models.grouping import Rejection, Suggestion
from server.models.mode import FailureMode
from server.views.notes import NoteView


@dataclass(frozen=True)
class ModeOffer:
    """An offer to add a draft group to a mode, and why."""

    mode: int
    name: str
    hue: int
    score: float
    notes: str
    n: int
    why: str


@dataclass(frozen=True)
class GroupCard:
    """One draft group; nothing is assigned by showing it."""

    key: str
    terms: tuple[str, ...]
    n: int
    cohesion: str
    medoid: NoteView
    representatives: tuple[NoteView, ...]
    borderline: NoteView | None
    notes: tuple[NoteView, ...]
    note_ids: str
    drag: str
    offer: ModeOffer | None


@dataclass(frozen=True)
class SingleNote:
    """A note in no draft group, and the mode it is nearest to."""

    note: NoteView
    drag: str
    nearest: str


@dataclass(frozen=True)
class Decided:
    """What people have decided, which suggestions must respect."""

    free: Mapping[int, NoteView]
    """Notes under no mode, by id."""
    placed: Mapping[int, int]
    """Note to mode."""
    modes: Mapping[int, FailureMode]
    """Modes in use."""
    rejected: frozenset[tuple[int, int]]
    """Pairs of note and mode that somebody refused."""
    dismissed: tuple[frozenset[int], ...]
    refused: frozenset[frozenset[int]]
    """Groups that somebody dismissed, as they stood then."""

    @classmethod
    def read(
        cls,
        free: Mapping[int, NoteView],
        placed: Mapping[int, int],
        modes: Iterable[FailureMode],
        rejections: Iterable[Rejection],
        dismissed: Iterable[Suggestion],
    ) -> Self:
        """Sort the rows; dismissed groups shrink with the notes that were placed since."""
        refusals = list(rejections)
        groups = (frozenset(group.target["notes"]) & free.keys() for group in dismissed)
        return cls(
            free=free,
            placed=placed,
            modes={mode.id: mode for mode in modes if mode.id is not None},
            rejected=frozenset(
                (refusal.note_id, refusal.mode_id)
                for refusal in refusals
                if refusal.note_id is not None and refusal.mode_id is not None
            ),
            dismissed=tuple(group for group in groups if group),
            refused=frozenset(frozenset(refusal.note_ids) for refusal in refusals),
        )

    def refused_for(self, note: int) -> frozenset[int]:
        """Modes that somebody took this note out of."""
        return frozenset(mode for refused, mode in self.rejected if refused == note)

    def refuses(self, note_ids: Collection[int]) -> bool:
        """Whether somebody dismissed this group, or all but the same one."""
        return frozenset(note_ids) in self.refused or was_dismissed(note_ids, self.dismissed)


class Drafts:
    """The draft groups of one artefact at one height."""

    def __init__(
        self,
        artefact: GroupArtefact,
        height: float,
        decided: Decided,
        run_id: int,
        *,
        most: int | None = None,
    ) -> None:
        self._artefact = artefact
        self._decided = decided
        self._run_id = run_id
        rows = artefact.leaves.tolist()
        self._ids = [artefact.note_ids[row] for row in rows]
        self._leaf_of = {note: leaf for leaf, note in enumerate(self._ids)}
        self._vectors = artefact.vectors[artefact.leaves]
        # Free notes that the run knew as they are now; the others are newer than it.
        self.suggested = frozenset(
            note
            for note, row in zip(self._ids, rows, strict=True)
            if note in decided.free and artefact.has(row, decided.free[note].text)
        )
        self._modes = self._vectors_by_mode()
        self._rejected = frozenset(
            (self._leaf_of[note], mode) for note, mode in decided.rejected if note in self._leaf_of
        )
        labels = self._remaining(cut(artefact.tree, height))
        texts = [decided.free[n].text if n in self.suggested else "" for n in self._ids]
        found = describe_groups(texts, self._vectors, labels)
        self.groups = tuple(self._card(group) for group in found[:most])
        self.hidden = len(found) - len(self.groups)
        grouped = {self._ids[leaf] for group in found for leaf in group.members}
        self.singles = tuple(
            self._single(note) for key, note in decided.free.items() if key not in grouped
        )

    def _remaining(self, labels: Labels) -> Labels:
        """Leave out notes that are no longer free, groups of one, and dismissed groups."""
        members: dict[int, list[int]] = defaultdict(list)
        for leaf, label in enumerate(labels.tolist()):
            if label != UNGROUPED and self._ids[leaf] in self.suggested:
                members[label].append(leaf)
        groups = [
            leaves
            for leaves in members.values()
            if len(leaves) > 1 and not self._decided.refuses([self._ids[leaf] for leaf in leaves])
        ]
        remaining = np.full(len(labels), UNGROUPED, dtype=np.int64)
        for label, leaves in enumerate(sorted(groups, key=lambda group: (-len(group), group[0]))):
            remaining[leaves] = label
        return remaining

    def _vectors_by_mode(self) -> dict[int, Vectors]:
        rows: dict[int, list[int]] = {mode: [] for mode in self._decided.modes}
        for row, note in enumerate(self._artefact.note_ids):
            mode = self._decided.placed.get(note)
            if mode in rows:
                rows[mode].append(row)
        return {mode: self._artefact.vectors[found] for mode, found in rows.items()}

    def _card(self, group: DraftGroup) -> GroupCard:
        notes = tuple(self._note(leaf) for leaf in group.members)
        joined = _joined(note.id for note in notes)
        borderline = None if group.borderline is None else self._note(group.borderline)
        return GroupCard(
            key=str(min(note.id for note in notes)),
            terms=group.key_terms,
            n=group.size,
            cohesion=f"{group.cohesion:.2f}".replace("0.", ".", 1),
            medoid=self._note(group.medoid),
            representatives=tuple(self._note(leaf) for leaf in group.representatives),
            borderline=borderline,
            notes=notes,
            note_ids=joined,
            drag=urlencode({"notes": joined, "run": self._run_id}),
            offer=self._offer(group),
        )

    def _note(self, leaf: int) -> NoteView:
        return self._decided.free[self._ids[leaf]]

    def _offer(self, group: DraftGroup) -> ModeOffer | None:
        found = match_to_modes(
            self._vectors,
            group.members,
            self._modes,
            rejected=self._rejected,
            threshold=self._artefact.add_threshold,
        )
        return self._offered(found[0]) if found else None

    def _offered(self, match: ModeMatch[int]) -> ModeOffer:
        mode = self._decided.modes[match.mode]
        near = len(match.nearest)
        return ModeOffer(
            mode=match.mode,
            name=mode.name,
            hue=mode.colour,
            score=round(match.score, 3),
            notes=_joined(self._ids[leaf] for leaf in match.members),
            n=len(match.members),
            why=f"closest to {near} {'note' if near == 1 else 'notes'} of “{mode.name}”",
        )

    def _single(self, note: NoteView) -> SingleNote:
        nearest = ""
        if note.id in self.suggested:
            suggestions = suggest_modes(
                self._vectors[self._leaf_of[note.id]],
                self._modes,
                rejected=self._decided.refused_for(note.id),
                most=1,
            )
            if suggestions and suggestions[0].score >= self._artefact.add_threshold:
                nearest = self._decided.modes[suggestions[0].mode].name
        return SingleNote(note, urlencode({"notes": note.id}), nearest)


def _joined(ids: Iterable[int]) -> str:
    return ",".join(map(str, ids))
