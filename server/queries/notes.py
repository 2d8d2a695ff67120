"""Statements over notes and the failure modes they stand under."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from server.models.grouping import Grouping
from server.models.note import Anchor, Note
from server.models.project import Annotator, AnnotatorKind, Member
from server.models.trace import Trace
from server.models.verdict import Verdict, VerdictValue
from server.queries.blindness import visible


def of_trace(trace_id: int) -> SelectOfScalar[Note]:
    """Everybody's notes on a trace, in the order of writing."""
    return select(Note).where(Note.trace_id == trace_id).order_by(col(Note.id))


def same(trace_id: int, annotator_id: int, text: str, anchor: Anchor) -> SelectOfScalar[Note]:
    """Somebody's notes on a trace that say the same about the same place."""
    return select(Note).where(
        Note.trace_id == trace_id,
        Note.annotator_id == annotator_id,
        Note.text == text,
        col(Note.step).is_not_distinct_from(anchor.step),
        col(Note.start).is_not_distinct_from(anchor.start),
        col(Note.end).is_not_distinct_from(anchor.end),
    )


def of_project(project_id: int) -> SelectOfScalar[Note]:
    """Every note of a project, in the order of writing."""
    return (
        select(Note)
        .join(Trace, col(Trace.id) == col(Note.trace_id))
        .where(Trace.project_id == project_id)
        .order_by(col(Note.id))
    )


def by_people(project_id: int, member: Member | None = None) -> Select[Note, str]:
    """Notes that people wrote, as far as `member` may see them, with their traces' external ids."""
    return (
        select(Note, Trace.external_id)
        .join(Trace, col(Trace.id) == col(Note.trace_id))
        .join(Annotator, col(Annotator.id) == col(Note.annotator_id))
        .where(
            Trace.project_id == project_id,
            Annotator.kind == AnnotatorKind.HUMAN,
            visible(member, col(Note.trace_id), col(Note.annotator_id)),
        )
        .order_by(col(Note.id))
    )


def shown(project_id: int, member: Member | None) -> sa.Select[int | None, int, str, str]:
    """Id, trace, text and its trace's external id of every note of `by_people`."""
    return by_people(project_id, member).with_only_columns(
        col(Note.id), col(Note.trace_id), col(Note.text), col(Trace.external_id)
    )


def under_mode(
    project_id: int, member: Member | None, mode_id: int
) -> sa.Select[int | None, int, str, str]:
    """The columns of `shown` of the notes under a mode, in the order in which they were put."""
    return (
        shown(project_id, member)
        .join(Grouping, col(Grouping.note_id) == col(Note.id))
        .where(col(Grouping.mode_id) == mode_id)
        .order_by(None)
        .order_by(col(Grouping.id))
    )


def counts_under_modes(project_id: int, member: Member | None) -> sa.Select[int, int, int]:
    """How many notes that the member may see stand under each mode, and on how many traces."""
    return (
        by_people(project_id, member)
        .join(Grouping, col(Grouping.note_id) == col(Note.id))
        .with_only_columns(
            col(Grouping.mode_id), sa.func.count(), sa.func.count(sa.distinct(col(Note.trace_id)))
        )
        .order_by(None)
        .group_by(col(Grouping.mode_id))
    )


def places(project_id: int) -> sa.Select[int, int, int | None]:
    """Note, mode and suggestion of every grouping of a project."""
    return groupings_of_project(project_id).with_only_columns(
        col(Grouping.note_id), col(Grouping.mode_id), col(Grouping.suggestion_id)
    )


def grouped_by_mode(project_id: int) -> sa.Select[int, int, int]:
    """Mode, how many notes stand under it, and how many of them a suggestion put there.

    The modes are in the order in which something was put under them first.
    """
    return (
        groupings_of_project(project_id)
        .with_only_columns(
            col(Grouping.mode_id),
            sa.func.count(col(Grouping.id)),
            sa.func.count(col(Grouping.suggestion_id)),
        )
        .group_by(col(Grouping.mode_id))
        .order_by(None)
        .order_by(sa.func.min(col(Grouping.id)))
    )


def one(project_id: int, note_id: int) -> SelectOfScalar[Note]:
    """One note, if it is in the project."""
    return of_project(project_id).where(Note.id == note_id)


def traces_of(note_ids: Collection[int]) -> SelectOfScalar[int]:
    """The traces that these notes are on."""
    return select(Note.trace_id).where(col(Note.id).in_(note_ids)).distinct()


def ungrouped(project_id: int) -> SelectOfScalar[Note]:
    """Notes of people that stand under no failure mode; a machine's are not there to group."""
    grouped = select(Grouping.note_id).where(col(Grouping.id).is_not(None))
    return (
        of_project(project_id)
        .join(Annotator, col(Annotator.id) == col(Note.annotator_id))
        .where(Annotator.kind == AnnotatorKind.HUMAN, col(Note.id).not_in(grouped))
    )


def ungrouped_count(project_id: int) -> SelectOfScalar[int]:
    """How many notes stand under no failure mode."""
    stands = sa.exists().where(col(Grouping.note_id) == col(Note.id)).correlate(Note)
    return (
        select(sa.func.count(col(Note.id)))
        .join(Annotator, col(Annotator.id) == col(Note.annotator_id))
        .where(
            Annotator.project_id == project_id,  # who notes something does so in their project
            Annotator.kind == AnnotatorKind.HUMAN,
            ~stands,
        )
    )


def ungrouped_failures(project_id: int, annotator_id: int | None = None) -> SelectOfScalar[int]:
    """How many notes on traces that their author failed stand under no mode; or somebody's own."""
    inner = (
        ungrouped(project_id)
        .join(
            Verdict,
            sa.and_(
                col(Verdict.trace_id) == col(Note.trace_id),
                col(Verdict.annotator_id) == col(Note.annotator_id),
            ),
        )
        .where(Verdict.value == VerdictValue.FAIL)
        .distinct()
        .order_by(None)
    )
    if annotator_id is not None:
        inner = inner.where(Note.annotator_id == annotator_id)
    return select(sa.func.count()).select_from(inner.with_only_columns(col(Note.id)).subquery())


def under(mode_id: int) -> SelectOfScalar[Note]:
    """Notes that stand under a failure mode."""
    return (
        select(Note)
        .join(Grouping, col(Grouping.note_id) == col(Note.id))
        .where(Grouping.mode_id == mode_id)
        .order_by(col(Note.id))
    )


def under_count(mode_id: int) -> SelectOfScalar[int]:
    """How many notes stand under a failure mode."""
    return select(sa.func.count(col(Grouping.id))).where(Grouping.mode_id == mode_id)


def first_on_failed_trace(project_id: int) -> SelectOfScalar[datetime]:
    """When the first note was written on a trace that its author failed."""
    return (
        select(Note.created_at)
        .join(Trace, col(Trace.id) == col(Note.trace_id))
        .join(
            Verdict,
            sa.and_(
                col(Verdict.trace_id) == col(Note.trace_id),
                col(Verdict.annotator_id) == col(Note.annotator_id),
            ),
        )
        .where(Trace.project_id == project_id, Verdict.value == VerdictValue.FAIL)
        .order_by(col(Note.created_at))
        .limit(1)
    )


def grouping_of(note_id: int) -> SelectOfScalar[Grouping]:
    """Where a note stands."""
    return select(Grouping).where(Grouping.note_id == note_id)


def groupings_of_project(project_id: int) -> SelectOfScalar[Grouping]:
    """Where every note of a project stands."""
    return (
        select(Grouping)
        .join(Note, col(Note.id) == col(Grouping.note_id))
        .join(Trace, col(Trace.id) == col(Note.trace_id))
        .where(Trace.project_id == project_id)
        .order_by(col(Grouping.id))
    )


def groupings_under(mode_id: int) -> SelectOfScalar[Grouping]:
    """The groupings that put notes under a failure mode."""
    return select(Grouping).where(Grouping.mode_id == mode_id).order_by(col(Grouping.id))


def groupings_on_trace(trace_id: int) -> SelectOfScalar[Grouping]:
    """Where the notes on a trace stand."""
    return (
        select(Grouping)
        .join(Note, col(Note.id) == col(Grouping.note_id))
        .where(Note.trace_id == trace_id)
        .order_by(col(Grouping.id))
    )
