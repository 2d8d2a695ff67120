"""Draft groups on screen: the last run's tree cut at a height, without what people have decided."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from analysis.clusters import UNGROUPED, Labels, cut
from analysis.draft_groups import DraftGroup, describe_groups
from analysis.matching import ModeMatch, match_to_modes
from analysis.splitting import keep_apart
from server.artefacts import GroupArtefact, text_hash
from server.views.decided_groups import Decided
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
    nearest: tuple[NoteView, ...]
    """The mode's notes that the group is closest to, nearest first: why it is offered."""


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
    """All of them; the page lists the first."""
    note_ids: str
    offer: ModeOffer | None


class Drafts:
    """The draft groups of one artefact at one height."""

    def __init__(
        self,
        artefact: GroupArtefact,
        height: float,
        decided: Decided,
        notes: dict[int, NoteView],
        *,
        most: int | None = None,
    ) -> None:
        self._artefact = artefact
        self._decided = decided
        self._notes = notes
        self._ids, self._vectors = artefact.leaf_ids, artefact.leaf_vectors
        self._leaf_of = artefact.leaf_of
        # Free notes that the run knew as they are now; the others are newer than it.
        self.suggested = frozenset(
            note
            for note, known in zip(self._ids, artefact.leaf_hashes, strict=True)
            if note in decided.free and known == text_hash(decided.free[note].text)
        )
        self._mode_rows = self._rows_by_mode()
        self._modes = {mode: artefact.vectors[found] for mode, found in self._mode_rows.items()}
        self._rejected = frozenset(
            (self._leaf_of[note], mode) for note, mode in decided.rejected if note in self._leaf_of
        )
        labels = self._labels = self._remaining(self._kept_apart(cut(artefact.tree, height)))
        texts = [decided.free[n].text if n in self.suggested else "" for n in self._ids]
        found = describe_groups(texts, self._vectors, labels, most=most)
        self.groups = tuple(self._card(group) for group in found)
        self.hidden = int(labels.max(initial=UNGROUPED)) + 1 - len(found)
        grouped = {self._ids[leaf] for leaf in np.flatnonzero(labels != UNGROUPED).tolist()}
        self.singles = tuple(note for key, note in decided.free.items() if key not in grouped)
        """Notes in no group, newer ones among them."""
        self.newer = len(decided.free) - len(self.suggested)
        """How many notes to place the run did not know, or knew with another wording."""

    def notes_of(self, key: str) -> tuple[NoteView, ...]:
        """Return the notes of the group with a key; none where there is no such group."""
        leaves = [leaf for leaf, note in enumerate(self._ids) if str(note) == key]
        if not leaves or self._labels[leaves[0]] == UNGROUPED:
            return ()
        members = np.flatnonzero(self._labels == self._labels[leaves[0]]).tolist()
        return tuple(self._note(leaf) for leaf in members)

    def _kept_apart(self, labels: Labels) -> Labels:
        splits = [
            [[self._leaf_of[note] for note in part if note in self._leaf_of] for part in split]
            for split in self._decided.splits
        ]
        return keep_apart(labels, self._vectors, splits)

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

    def _rows_by_mode(self) -> dict[int, list[int]]:
        rows: dict[int, list[int]] = {mode: [] for mode in self._decided.modes}
        for note, mode in self._decided.placed.items():
            row = self._artefact.row_of.get(note)
            if row is not None and mode in rows:
                rows[mode].append(row)
        return {mode: sorted(found) for mode, found in rows.items()}

    def _card(self, group: DraftGroup) -> GroupCard:
        notes = tuple(self._note(leaf) for leaf in group.members)
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
            note_ids=_joined(note.id for note in notes),
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
        rows = self._mode_rows[match.mode]
        near = [self._artefact.note_ids[rows[position]] for position in match.nearest]
        return ModeOffer(
            mode=match.mode,
            name=mode.name,
            hue=mode.colour,
            score=round(match.score, 3),
            notes=_joined(self._ids[leaf] for leaf in match.members),
            n=len(match.members),
            nearest=tuple(self._notes[note] for note in near if note in self._notes),
        )


def _joined(ids: Iterable[int]) -> str:
    return ",".join(map(str, ids))
