"""Codebook: every failure mode with its definition, its notes and how common it is."""

from collections import Counter
from dataclasses import dataclass

import pandas as pd
from sqlmodel import Session

from analysis.frames import MODE, TRACE_ID, VALUE, LabelValue
from server.models.base import stored_id
from server.models.mode_tree import in_tree
from server.models.project import Member
from server.queries import modes as queries
from server.queries import notes as note_queries
from server.views.codebook_warnings import CodebookWarning, codebook_warnings
from server.views.facts import Facts
from server.views.label_counts import LabelCounts, label_counts
from server.views.label_flips import LabelAges, label_ages
from server.views.mode_standing import Weight, decision_name, weight
from server.views.prevalence import PrevalenceRow, prevalence_table


@dataclass(frozen=True)
class ModeLine:
    """One mode in the list."""

    id: int
    name: str
    hue: int
    status: str
    definition: str
    path: str
    notes: int
    traces: int
    labels: LabelCounts
    prevalence: PrevalenceRow | None
    indent: str
    """What stands before the name: the deeper in the hierarchy, the more."""
    decision: str
    impact: int | None
    weight: Weight | None
    stale: int


@dataclass(frozen=True)
class NewModeForm:
    """What was typed into the form, and what is wrong with it."""

    name: str = ""
    definition: str = ""
    error: str = ""


@dataclass(frozen=True)
class Codebook:
    path: str
    can_edit: bool
    modes: tuple[ModeLine, ...]
    put_away: tuple[ModeLine, ...]
    """Retired and merged modes, which notes and labels no longer go to."""
    axis_end: float
    sampled: str
    warnings: tuple[CodebookWarning, ...]
    form: NewModeForm
    by_weight: bool


def codebook(
    session: Session,
    member: Member,
    form: NewModeForm | None = None,
    *,
    by_weight: bool = False,
) -> Codebook:
    """Build the list of failure modes as far as the member may see behind them.

    Args:
        session: An open session.
        member: Who reads it.
        form: What was typed into the form for a new mode and refused.
        by_weight: Order by frequency × impact, the most first, and not by the hierarchy.
    """
    facts = Facts(session, member)
    used = {mode.id for mode in facts.modes}
    table = prevalence_table(facts)
    lines = _lines(facts, {row.mode_id: row for row in table.rows}, by_weight=by_weight)
    if by_weight:
        lines.sort(key=lambda line: -line.weight.rank if line.weight else 0.0)
    return Codebook(
        path=f"/projects/{member.project.slug}/modes",
        can_edit=member.may_lead,
        modes=tuple(line for line in lines if line.id in used),
        put_away=tuple(line for line in lines if line.id not in used),
        axis_end=table.axis_end,
        sampled=table.n,
        warnings=warnings(facts) if member.role.can_lead else (),
        form=form or NewModeForm(),
        by_weight=by_weight,
    )


def warnings(facts: Facts) -> tuple[CodebookWarning, ...]:
    """Warn of what is wrong with modes in use, for a lead."""
    session, project_id = facts.session, facts.project_id
    examples = session.exec(queries.modes_with_example(project_id))
    return codebook_warnings(
        facts.modes,
        with_example={*(grouping.mode_id for grouping in facts.groupings), *examples},
        first_failure_at=session.exec(note_queries.first_on_failed_trace(project_id)).first(),
        traces=_traces_by_mode(facts),
    )


def _traces_by_mode(facts: Facts) -> dict[int, int]:
    """Count the traces on which each mode was seen: by a note under it, or by a label."""
    combined, drafts = facts.combined_labels, facts.drafts
    present = combined[combined[VALUE] == LabelValue.PRESENT]
    seen = pd.concat([present[[MODE, TRACE_ID]], drafts[[MODE, TRACE_ID]]])
    modes: list[int] = seen.drop_duplicates()[MODE].tolist()
    return Counter(modes)


def _lines(
    facts: Facts, prevalence: dict[int, PrevalenceRow], *, by_weight: bool
) -> list[ModeLine]:
    session, member = facts.session, facts.member
    counted = session.execute(note_queries.counts_under_modes(member.project_id, member))
    noted = {mode_id: (notes, traces) for mode_id, notes, traces in counted}
    latest = {
        version.mode_id: version.definition
        for version in session.exec(queries.latest_versions(member.project_id))
    }
    counts, ages = label_counts(facts), label_ages(session, member)
    every = session.exec(queries.of_project(member.project_id)).all()
    return [
        ModeLine(
            id=mode_id,
            name=mode.name,
            hue=mode.colour,
            status="merged" if mode.merged_into else mode.status.value,
            definition=latest.get(mode_id, ""),
            path=f"/projects/{member.project.slug}/modes/{mode_id}",
            notes=notes,
            traces=traces,
            labels=counts.get(mode_id, LabelCounts()),
            prevalence=row,
            indent="" if by_weight or not depth else "\u2003" * (depth - 1) + "└ ",
            decision=decision_name(mode),
            impact=mode.impact,
            weight=weight(mode, row.estimate if row else None),
            stale=ages.get(mode_id, LabelAges()).stale,
        )
        for mode, depth in in_tree(every)
        for mode_id in [stored_id(mode)]
        for row in [prevalence.get(mode_id)]
        for notes, traces in [noted.get(mode_id, (0, 0))]
    ]
