"""Statements over notes and the failure modes they stand under."""

from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.models.grouping import Grouping
from server.models.note import Note
from server.models.trace import Trace


def of_trace(trace_id: int) -> SelectOfScalar[Note]:
    """Everybody's notes on a trace, in the order of writing."""
    return select(Note).where(Note.trace_id == trace_id).order_by(col(Note.id))


def of_project(project_id: int) -> SelectOfScalar[Note]:
    """Every note of a project, in the order of writing."""
    return (
        select(Note)
        .join(Trace, col(Trace.id) == col(Note.trace_id))
        .where(Trace.project_id == project_id)
        .order_by(col(Note.id))
    )


def one(project_id: int, note_id: int) -> SelectOfScalar[Note]:
    """One note, if it is in the project."""
    return of_project(project_id).where(Note.id == note_id)


def ungrouped(project_id: int) -> SelectOfScalar[Note]:
    """Notes that stand under no failure mode."""
    return of_project(project_id).where(
        col(Note.id).not_in(select(Grouping.note_id).where(col(Grouping.id).is_not(None)))
    )


def under(mode_id: int) -> SelectOfScalar[Note]:
    """Notes that stand under a failure mode."""
    return (
        select(Note)
        .join(Grouping, col(Grouping.note_id) == col(Note.id))
        .where(Grouping.mode_id == mode_id)
        .order_by(col(Note.id))
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
