"""Frozen taxonomies: the list, and what later models and tasks look like in one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlmodel import Session

from analysis.cohorts.pool import FEWEST_TASKS
from analysis.cohorts.taxonomy import Placed, ProfileCell, place_tasks, profile_new_models
from analysis.percentages import percent
from server.errors import NotFound
from server.models.base import stored_id
from server.models.project import Member
from server.models.taxonomy import FrozenTaxonomy
from server.queries import taxonomies as queries
from server.queries.filters import Filters
from server.settings import Settings
from server.views.annotators import annotator_names
from server.views.cohorts.at_hand import CohortsAtHand
from server.views.cohorts.frozen import KeptTaxonomy, from_content
from server.views.cohorts.links import Section, section_of
from server.views.cohorts.rates import ShownRate, shown_rate

TASKS_SHOWN = 200
SURE = 0.8
"""Probability from which a task is said to belong to a group."""


@dataclass(frozen=True)
class TaxonomyRow:
    """A frozen taxonomy in the list."""

    id: int
    name: str
    href: str
    by: str
    at: datetime
    groups: int
    tasks: int
    models: int
    verdict: str


@dataclass(frozen=True)
class TaxonomyList:
    """Everything on the list of taxonomies."""

    path: str
    query: tuple[tuple[str, str], ...]
    section: Section
    rows: tuple[TaxonomyRow, ...]
    lens_url: str
    why_no_study: str
    """Empty where there is a study."""
    is_current: bool
    reading: str
    can_freeze: bool
    may_lead: bool
    name: str
    """What somebody typed as the name of a new one."""
    error: str
    beside_path: str


@dataclass(frozen=True)
class Group:
    """A group of a taxonomy."""

    name: str
    size: int
    pass_rate: str
    new_tasks: int


@dataclass(frozen=True)
class PlacedTask:
    """A task and where it belongs."""

    item: str
    href: str
    group: str
    probability: str
    is_sure: bool
    models: int
    was: str
    """The group that it helped to build, where that is another one."""


@dataclass(frozen=True)
class PlacedModel:
    """A model that did not help to build the groups."""

    model: str
    href: str
    rates: tuple[ShownRate, ...]


@dataclass(frozen=True)
class TaxonomyPage:
    """Everything on the page of a frozen taxonomy."""

    id: int
    path: str
    name: str
    section: Section
    by: str
    at: datetime
    verdict: str
    reading: str
    sentence: str
    groups: tuple[Group, ...]
    new_tasks: tuple[PlacedTask, ...]
    n_new_tasks: int
    n_unplaced: int
    """New tasks that no model of the taxonomy tried."""
    moved_tasks: tuple[PlacedTask, ...]
    n_moved_tasks: int
    gone: int
    """Tasks of the taxonomy that have no trace of known outcome now."""
    new_models: tuple[PlacedModel, ...]
    known_models: int
    missing_models: int
    may_lead: bool
    error: str
    fewest: int
    beside_url: str


def taxonomy_list(hand: CohortsAtHand, *, name: str = "", error: str = "") -> TaxonomyList:
    """Build the list; a form that was refused is shown with what was typed and why."""
    rows = hand.session.exec(queries.of_project(hand.member.project_id)).all()
    people = annotator_names(hand.session, hand.member)
    may_lead = hand.member.may_lead
    return TaxonomyList(
        path=f"{hand.base}/taxonomies",
        query=tuple(hand.filters.to_query()),
        section=section_of(hand, "Taxonomies"),
        rows=tuple(_row(hand, row, people.get(row.created_by or 0, "")) for row in rows),
        lens_url=hand.lens_url,
        why_no_study=hand.why_no_study,
        is_current=hand.study is not None and hand.study.is_current,
        reading=hand.study.answer.told.sentence if hand.study else "",
        can_freeze=may_lead and hand.study is not None,
        may_lead=may_lead,
        name=name,
        error=error,
        beside_path=f"{hand.base}/taxonomies/beside",
    )


def _row(hand: CohortsAtHand, row: FrozenTaxonomy, by: str) -> TaxonomyRow:
    content = row.content
    return TaxonomyRow(
        id=stored_id(row),
        name=row.name,
        href=f"{hand.base}/taxonomies/{row.id}",
        by=by,
        at=row.created_at,
        groups=len(content["names"]),
        tasks=len(content["tasks"]),
        models=len(content["models"]),
        verdict=content["verdict"],
    )


def one_of(session: Session, member: Member, taxonomy_id: int) -> FrozenTaxonomy:
    """Return a taxonomy of the member's project.

    Raises:
        NotFound: The project has no such taxonomy.
    """
    found = session.exec(queries.one(member.project_id, taxonomy_id)).first()
    if found is None:
        raise NotFound(f"This project has no frozen taxonomy {taxonomy_id}.")
    return found


def taxonomy_page(
    session: Session, member: Member, settings: Settings, taxonomy_id: int, *, error: str = ""
) -> TaxonomyPage:
    """Build the page: what came in since, and where it belongs.

    Raises:
        NotFound: The project has no such taxonomy.
    """
    row = one_of(session, member, taxonomy_id)
    kept = from_content(row.content)
    hand = CohortsAtHand(session, member, settings, Filters.parse(row.filters))
    placed = place_tasks(kept.taxonomy, hand.whole_matrix)
    new = [one for one in placed if one.is_new]
    moved = [one for one in placed if _has_moved(kept, one)]
    models = _new_models(hand, kept)
    known = [name for name in kept.taxonomy.models if name in hand.whole_matrix.models]
    people = annotator_names(session, member)
    return TaxonomyPage(
        id=taxonomy_id,
        path=f"{hand.base}/taxonomies/{taxonomy_id}",
        name=row.name,
        section=section_of(hand),
        by=people.get(row.created_by or 0, ""),
        at=row.created_at,
        verdict=kept.verdict,
        reading=kept.reading,
        sentence=_sentence(new, models),
        groups=_groups(kept, new),
        new_tasks=tuple(_task(hand, kept, one) for one in _hardest_to_place(new)[:TASKS_SHOWN]),
        n_new_tasks=len(new),
        n_unplaced=sum(1 for one in new if one.group < 0),
        moved_tasks=tuple(_task(hand, kept, one) for one in moved[:TASKS_SHOWN]),
        n_moved_tasks=len(moved),
        gone=len(set(kept.taxonomy.tasks) - set(hand.whole_matrix.items)),
        new_models=models,
        known_models=len(known),
        missing_models=len(kept.taxonomy.models) - len(known),
        may_lead=member.may_lead,
        error=error,
        fewest=FEWEST_TASKS,
        beside_url=f"{hand.base}/taxonomies/beside?first={member.project.slug}/{taxonomy_id}",
    )


def _hardest_to_place(placed: Sequence[Placed]) -> list[Placed]:
    """Those first that fit no group well, then by group."""
    return sorted(placed, key=lambda one: (one.group >= 0 and one.probability >= SURE, one.group))


def _has_moved(kept: KeptTaxonomy, one: Placed) -> bool:
    """Whether a task that built the groups would surely join another one by now."""
    if one.is_new or one.group < 0 or one.probability < SURE:
        return False
    return kept.taxonomy.tasks[one.item] != one.group


def _sentence(new: Sequence[Placed], models: Sequence[PlacedModel]) -> str:
    if not new and not models:
        return "Every model and every task helped to build it: nothing new to place."
    sure = sum(1 for one in new if one.group >= 0 and one.probability >= SURE)
    parts = [f"{len(models):,} {'model' if len(models) == 1 else 'models'}"] if models else []
    if new:
        word = "task" if len(new) == 1 else "tasks"
        parts.append(f"{len(new):,} {word}, {sure:,} of them placed with {percent(SURE)} or more")
    return f"Did not help to build it: {' and '.join(parts)}."


def _groups(kept: KeptTaxonomy, new: Sequence[Placed]) -> tuple[Group, ...]:
    rates = kept.taxonomy.centres.mean(axis=1) if kept.taxonomy.models else []
    return tuple(
        Group(
            name=name,
            size=size,
            pass_rate=f"{100 * rate:.0f} %",
            new_tasks=sum(1 for one in new if one.group == place),
        )
        for place, (name, size, rate) in enumerate(zip(kept.names, kept.sizes, rates, strict=True))
    )


def _task(hand: CohortsAtHand, kept: KeptTaxonomy, one: Placed) -> PlacedTask:
    was = kept.taxonomy.tasks.get(one.item, -1)
    return PlacedTask(
        item=one.item,
        href=hand.traces_url([one.item]),
        group=kept.names[one.group] if one.group >= 0 else "–",
        probability="–" if np.isnan(one.probability) else f"{one.probability:.2f}",
        is_sure=one.group >= 0 and one.probability >= SURE,
        models=one.models,
        was=kept.names[was] if was >= 0 and was != one.group else "",
    )


def _new_models(hand: CohortsAtHand, kept: KeptTaxonomy) -> tuple[PlacedModel, ...]:
    matrix = hand.whole_matrix
    new = [at for at, name in enumerate(matrix.models) if name not in kept.taxonomy.models]
    cells: dict[str, dict[int, ProfileCell]] = {matrix.models[at]: {} for at in new}
    for cell in profile_new_models(kept.taxonomy, matrix.of_models(new)) if new else ():
        cells[cell.model][cell.group] = cell
    return tuple(
        PlacedModel(
            model=model,
            href=hand.model_url(model),
            rates=tuple(_rate(own.get(group)) for group in range(len(kept.names))),
        )
        for model, own in cells.items()
    )


def _rate(cell: ProfileCell | None) -> ShownRate:
    return shown_rate(cell.failure_rate) if cell else ShownRate("–", "", 0, None)
