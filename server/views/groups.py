"""Group: draft groups of notes on one side, the map and the failure modes on the other."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from sqlmodel import Session

from analysis.granularity import height_at, position_of
from server.models.base import stored_id
from server.models.mode import FailureMode
from server.models.project import Member
from server.models.run import RunStatus
from server.queries import modes as mode_queries
from server.queries import suggestions as queries
from server.views.codebook_warnings import CodebookWarning
from server.views.draft_groups import Decided, Drafts, GroupCard, SingleNote
from server.views.facts import Facts
from server.views.latest_groups import latest_groups
from server.views.modes import warnings
from server.views.note_map import MapPoint, map_points
from server.views.notes import NoteView, visible_notes
from server.views.runs import RunView, run_view

LEAST_NOTES = 2
SHOWN = 30
"""How many draft groups one page holds; more are a sign of too fine a cut."""
_KEYS = "123456789"


@dataclass(frozen=True)
class ModeRow:
    """One mode beside the groups: where notes are dropped."""

    id: int
    name: str
    hue: int
    key: str
    n: int
    percent: int
    path: str
    drop_url: str
    notes: tuple[NoteView, ...]


@dataclass(frozen=True)
class Suggestions:
    """The last finished run, cut at the slider's position."""

    run_id: int
    embedder: str
    reason: str
    position: float
    step: float
    groups: tuple[GroupCard, ...]
    hidden_groups: int
    """Smaller groups that the page leaves out and says so."""
    singles: tuple[SingleNote, ...]
    newer: int
    points: tuple[MapPoint, ...]


@dataclass(frozen=True)
class GroupPage:
    path: str
    query: str
    """What keeps the chosen granularity in an address, "" for the default."""
    can_decide: bool
    n_notes: int
    n_placed: int
    n_free: int
    run: RunView | None
    """The run under way, or the last one where it failed."""
    wants_run: bool
    """Whether to ask for suggestions as soon as somebody looks."""
    suggestions: Suggestions | None
    singles: tuple[SingleNote, ...]
    modes: tuple[ModeRow, ...]
    warnings: tuple[CodebookWarning, ...]


@dataclass(frozen=True)
class _Material:
    path: str
    notes: dict[int, NoteView]
    placed: dict[int, int]
    every_mode: dict[int, FailureMode]
    decided: Decided


def group_page(
    session: Session,
    member: Member,
    data: Path,
    *,
    granularity: float | None = None,
    show_all: bool = False,
    is_opening: bool = False,
) -> GroupPage:
    """Build the page for a lead, or for anybody in a project that isn't blind.

    Args:
        session: An open session.
        member: Who looks.
        data: The data directory, where artefacts of runs lie.
        granularity: Position of the slider, 0 (few groups) to 1 (many); the run's choice if None.
        show_all: Show every draft group, however many there are.
        is_opening: Somebody comes to the page, rather than deciding something on it.
    """
    facts = Facts(session, member)
    material = _read(facts)
    run = session.exec(queries.group_runs(member.project_id).limit(1)).first()
    query = "" if granularity is None else f"?{urlencode({'granularity': granularity})}"
    suggestions = _suggestions(session, member, data, material, granularity, show_all=show_all)
    can_decide = member.may_lead
    free = material.decided.free
    is_behind = suggestions is None or suggestions.newer > 0
    is_idle = is_opening and (run is None or run.status is RunStatus.DONE)
    return GroupPage(
        path=material.path,
        query=query,
        can_decide=can_decide,
        n_notes=len(material.notes),
        n_placed=len(material.notes) - len(free),
        n_free=len(free),
        run=None if run is None or run.status is RunStatus.DONE else run_view(session, member, run),
        wants_run=can_decide and is_behind and is_idle and len(material.notes) >= LEAST_NOTES,
        suggestions=suggestions,
        singles=suggestions.singles if suggestions else _ungrouped(material.decided),
        modes=_mode_rows(material, query),
        warnings=warnings(facts),
    )


def _read(facts: Facts) -> _Material:
    session, member = facts.session, facts.member
    notes = visible_notes(session, member)
    placed = {grouping.note_id: grouping.mode_id for grouping in facts.groupings}
    every = {stored_id(m): m for m in session.exec(mode_queries.of_project(member.project_id))}
    decided = Decided.read(
        {key: note for key, note in notes.items() if key not in placed},
        placed,
        facts.modes,
        session.exec(mode_queries.rejections(member.project_id)),
        session.exec(queries.dismissed_groups(member.project_id)),
    )
    return _Material(f"/projects/{member.project.slug}/groups", notes, placed, every, decided)


def _suggestions(
    session: Session,
    member: Member,
    data: Path,
    material: _Material,
    granularity: float | None,
    *,
    show_all: bool,
) -> Suggestions | None:
    latest = latest_groups(session, member, data)
    if latest is None:
        return None
    run, artefact = latest
    levels = artefact.levels
    height = artefact.default_height if granularity is None else height_at(levels, granularity)
    most = None if show_all else SHOWN
    drafts = Drafts(artefact, height, material.decided, stored_id(run), most=most)
    position = position_of(levels, height) if granularity is None else granularity
    hues = {
        note: material.every_mode[mode].colour
        for note, mode in material.placed.items()
        if note in material.notes
    }
    return Suggestions(
        run_id=stored_id(run),
        embedder=str(run.result["embedder"]),
        reason=str(run.result["reason"]),
        position=position,
        step=1 / max(1, len(levels) - 1),
        groups=drafts.groups,
        hidden_groups=drafts.hidden,
        singles=drafts.singles,
        newer=len(material.decided.free) - len(drafts.suggested),
        points=map_points(artefact, material.notes, hues),
    )


def _ungrouped(decided: Decided) -> tuple[SingleNote, ...]:
    return tuple(
        SingleNote(note, urlencode({"notes": note.id}), "") for note in decided.free.values()
    )


def _mode_rows(material: _Material, query: str) -> tuple[ModeRow, ...]:
    under: dict[int, list[NoteView]] = defaultdict(list)
    for note, mode in material.placed.items():
        if note in material.notes:
            under[mode].append(material.notes[note])
    most = max((len(under[mode]) for mode in material.decided.modes), default=0)
    return tuple(
        ModeRow(
            id=mode_id,
            name=mode.name,
            hue=mode.colour,
            key=_KEYS[index] if index < len(_KEYS) else "",
            n=len(under[mode_id]),
            percent=round(100 * len(under[mode_id]) / most) if most else 0,
            path=f"{material.path.removesuffix('/groups')}/modes/{mode_id}",
            drop_url=f"{material.path}/modes/{mode_id}{query}",
            notes=tuple(under[mode_id]),
        )
        for index, (mode_id, mode) in enumerate(material.decided.modes.items())
    )
