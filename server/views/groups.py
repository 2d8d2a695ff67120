"""Group: draft groups of notes on one side, the map and the failure modes on the other."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from sqlmodel import Session

from analysis import density
from analysis.granularity import height_at, position_of
from server.models.base import stored_id
from server.models.mode import FailureMode
from server.models.project import Member
from server.models.run import AnalysisRun, RunStatus
from server.queries import group_news as news_queries
from server.queries import modes as mode_queries
from server.queries import suggestions as queries
from server.views.codebook_warnings import CodebookWarning
from server.views.decided_groups import Decided
from server.views.draft_groups import Drafts, GroupCard
from server.views.facts import Facts
from server.views.group_news import GroupNews, Seen, no_news
from server.views.latest_groups import LatestGroups, latest_groups
from server.views.modes import warnings
from server.views.note_map import MapPoint, map_points
from server.views.notes import NoteView, visible_notes
from server.views.runs import RunView, run_view
from server.views.singletons import Singleton, singletons
from server.views.suggested_modes import SuggestedModes, SuggestionsForNotes, suggested_modes
from server.views.suggestion_record import SuggestionRecord, suggestion_record

LEAST_NOTES = 2
SHOWN = 12
"""How many draft groups a page holds at first."""
SINGLES_SHOWN = 40
NOTES_SHOWN = 12
"""How many notes of a group or a mode a page lists; the others are asked for."""
_KEYS = "123456789"
_ENGINES = (
    ("tree", "One tree of all notes"),
    ("density", "Where notes lie dense; leaves more ungrouped"),
)
_NOTHING_KNOWN = SuggestionsForNotes({}, None, 0, "", False, "")


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
    """The first of them."""


@dataclass(frozen=True)
class SingleNote:
    """A note in no draft group, and the modes it is likely about."""

    note: NoteView
    drag: str
    suggested: SuggestedModes | None


@dataclass(frozen=True)
class Singles:
    """The notes in no draft group."""

    n: int
    shown: tuple[SingleNote, ...]
    more: int
    """How many more one press shows."""
    run: int | None
    """The run that the suggested modes come from."""
    basis: str
    """What the suggested modes rest on, in a sentence."""
    learn_path: str
    """Where to ask for suggestions that know the latest decisions; empty where these do."""


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
    more_groups: int
    """How many of them one press shows."""
    newer: int
    points: tuple[MapPoint, ...]
    undrawn: int
    """Notes that the map leaves out and says so."""
    is_laid_out: bool
    """Whether the map shows neighbourhoods rather than principal components."""
    engines: tuple[tuple[str, str], ...]
    """How notes may be grouped instead, and what that means; empty where they are too few."""
    engine: str


@dataclass(frozen=True)
class GroupPage:
    path: str
    query: str
    """What keeps granularity and pages in an address, "" for the default."""
    more_path: str
    """Where more groups and single notes are shown."""
    can_decide: bool
    n_notes: int
    n_free: int
    run: RunView | None
    """The run under way, or the last one where it failed."""
    wants_run: bool
    """Whether to ask for suggestions as soon as somebody looks."""
    suggestions: Suggestions | None
    singles: Singles
    modes: tuple[ModeRow, ...]
    singletons: tuple[Singleton, ...]
    warnings: tuple[CodebookWarning, ...]
    record: SuggestionRecord
    seen: Seen
    news: GroupNews
    wants_map: bool
    """Whether to ask for a layout of the map as soon as somebody looks."""
    assistant: str = ""
    """The language model that may be asked for names; empty: none may."""
    notes_shown: int = NOTES_SHOWN
    """How many notes of a group the page lists."""

    @property
    def n_placed(self) -> int:
        """How many notes stand under a mode."""
        return self.n_notes - self.n_free

    @property
    def decide_query(self) -> str:
        """What decisions send along: the granularity, and what this page knew."""
        return decide_query(self.query, self.seen.head)

    def notes_path(self, **of: object) -> str:
        """Return where the notes are listed that the page leaves out of a mode or a group."""
        return f"{self.path}/notes{self.decide_query}&{urlencode(of | {'start': NOTES_SHOWN})}"


def decide_query(query: str, head: int) -> str:
    """Return a query with what its page knew."""
    return f"{query}{'&' if query else '?'}seen={head}"


@dataclass(frozen=True)
class GroupMaterial:
    """What people wrote and decided, which every part of the page needs."""

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
    pages: int | None = 1,
    is_opening: bool = False,
    board_only: bool = False,
) -> GroupPage:
    """Build the page for a lead, or for anybody in a project that isn't blind.

    Args:
        session: An open session.
        member: Who looks.
        data: The data directory, where artefacts of runs lie.
        granularity: Position of the slider, 0 (few groups) to 1 (many); the run's choice if None.
        pages: How many pages of draft groups and single notes are shown; all if None.
        is_opening: Somebody comes to the page, rather than deciding something on it.
        board_only: Leave out what stands beside the board, for another cut changes none of it.
    """
    # Read first: what is decided meanwhile shall count as news.
    head = session.exec(news_queries.head(member.project_id)).first() or 0
    facts = Facts(session, member)
    material = group_material(facts)
    run = session.exec(queries.group_runs(member.project_id).limit(1)).first()
    query = group_query(granularity, pages or 1)
    latest = latest_groups(session, member, data)
    drafts = drafts_at(latest, material, granularity, most=pages and pages * SHOWN)
    suggestions = _suggestions(latest, drafts, material, granularity, board_only=board_only)
    seen, free = _seen(head, latest), material.decided.free
    return GroupPage(
        path=material.path,
        query=query,
        more_path=f"{material.path}{group_query(granularity, (pages or 1) + 1)}",
        can_decide=member.may_lead,
        n_notes=len(material.notes),
        n_free=len(free),
        run=None if run is None or run.status is RunStatus.DONE else run_view(session, member, run),
        wants_run=is_opening and _wants_run(member, material, run, suggestions),
        suggestions=suggestions,
        singles=_singles(facts, data, drafts, material, pages),
        modes=() if board_only else _mode_rows(material, decide_query(query, head)),
        singletons=() if board_only else _singletons(facts, material, latest),
        warnings=() if board_only else warnings(facts),
        record=suggestion_record(session, member),
        seen=seen,
        news=no_news(material.path, seen),
        wants_map=member.may_lead and latest is not None and latest.layout is None,
    )


def group_query(granularity: float | None, pages: int = 1) -> str:
    """Return what keeps granularity and pages in an address, "" for the default."""
    chosen: dict[str, object] = {} if granularity is None else {"granularity": granularity}
    chosen |= {} if pages == 1 else {"pages": pages}
    return f"?{urlencode(chosen)}" if chosen else ""


def _wants_run(
    member: Member,
    material: GroupMaterial,
    run: AnalysisRun | None,
    suggestions: Suggestions | None,
) -> bool:
    is_behind = suggestions is None or suggestions.newer > 0
    is_idle = run is None or run.status is RunStatus.DONE
    return member.may_lead and is_behind and is_idle and len(material.notes) >= LEAST_NOTES


def _seen(head: int, latest: LatestGroups | None) -> Seen:
    if latest is None:
        return Seen(head)
    return Seen(head, stored_id(latest.run), int(latest.layout is not None))


def group_material(facts: Facts) -> GroupMaterial:
    """Read the notes, where they stand, and what was refused."""
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
    return GroupMaterial(f"/projects/{member.project.slug}/groups", notes, placed, every, decided)


def drafts_at(
    latest: LatestGroups | None,
    material: GroupMaterial,
    granularity: float | None,
    *,
    most: int | None,
) -> Drafts | None:
    """Cut the tree of the last run; at its own height if no granularity is asked for."""
    if latest is None:
        return None
    artefact = latest.artefact
    return Drafts(
        artefact,
        artefact.default_height if granularity is None else height_at(artefact.levels, granularity),
        material.decided,
        material.notes,
        most=most,
    )


def _suggestions(
    latest: LatestGroups | None,
    drafts: Drafts | None,
    material: GroupMaterial,
    granularity: float | None,
    *,
    board_only: bool,
) -> Suggestions | None:
    if latest is None or drafts is None:
        return None
    artefact, result = latest.artefact, latest.run.result
    default = position_of(artefact.levels, artefact.default_height)
    hues = {
        note: material.every_mode[mode].colour
        for note, mode in material.placed.items()
        if note in material.notes
    }
    points = () if board_only else map_points(latest, material.notes, hues)
    return Suggestions(
        run_id=stored_id(latest.run),
        embedder=str(result["embedder"]),
        reason=str(result["reason"]),
        position=default if granularity is None else granularity,
        step=1 / max(1, len(artefact.levels) - 1),
        groups=drafts.groups,
        hidden_groups=drafts.hidden,
        more_groups=min(drafts.hidden, SHOWN),
        newer=drafts.newer,
        points=points,
        undrawn=0 if board_only else _known(latest, material) - len(points),
        is_laid_out=latest.layout is not None,
        engines=_ENGINES if len(material.decided.free) >= density.LEAST_NOTES else (),
        engine=str(result.get("engine", "tree")),
    )


def _known(latest: LatestGroups, material: GroupMaterial) -> int:
    return sum(note in material.notes for note in latest.artefact.note_ids)


def _singles(
    facts: Facts, data: Path, drafts: Drafts | None, material: GroupMaterial, pages: int | None
) -> Singles:
    notes = drafts.singles if drafts else tuple(material.decided.free.values())
    shown = notes if pages is None else notes[: pages * SINGLES_SHOWN]
    ids = [note.id for note in shown]
    known = suggested_modes(facts.session, facts.member, data, ids) if ids else _NOTHING_KNOWN
    return Singles(
        n=len(notes),
        shown=tuple(
            SingleNote(note, urlencode({"notes": note.id}), known.by_note.get(note.id))
            for note in shown
        ),
        more=min(len(notes) - len(shown), SINGLES_SHOWN),
        run=known.run,
        basis=known.basis,
        learn_path=known.request_path if known.wants_run else "",
    )


def _singletons(
    facts: Facts, material: GroupMaterial, latest: LatestGroups | None
) -> tuple[Singleton, ...]:
    kept = facts.session.exec(queries.kept_singletons(facts.project_id)).all()
    return singletons(
        material.path.removesuffix("/groups"),
        material.decided.modes,
        material.placed,
        material.notes,
        kept={suggestion.target["mode"] for suggestion in kept},
        latest=latest,
    )


def _mode_rows(material: GroupMaterial, query: str) -> tuple[ModeRow, ...]:
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
            notes=tuple(under[mode_id][:NOTES_SHOWN]),
        )
        for index, (mode_id, mode) in enumerate(material.decided.modes.items())
    )
