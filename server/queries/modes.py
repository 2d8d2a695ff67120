"""Statements over failure modes, their versions and examples."""

from functools import lru_cache

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.models.event import EventRow
from server.models.grouping import Rejection
from server.models.label import Label
from server.models.mode import FailureMode, ModeExample, ModeStatus, ModeVersion


def of_project(project_id: int) -> SelectOfScalar[FailureMode]:
    """Every mode ever made in a project, merged and retired ones included."""
    return (
        select(FailureMode)
        .where(FailureMode.project_id == project_id)
        .order_by(col(FailureMode.id))
    )


@lru_cache(maxsize=256)
def named(project_id: int) -> sa.Select[int | None, str, int]:
    """Id, name and colour of the modes that were merged into no other, retired ones included."""
    return (
        sa.select(col(FailureMode.id), col(FailureMode.name), col(FailureMode.colour))
        .where(col(FailureMode.project_id) == project_id, col(FailureMode.merged_into).is_(None))
        .order_by(col(FailureMode.id))
    )


def is_in_use(project_id: int) -> sa.ColumnElement[bool]:
    """Whether notes and labels can go to a mode of the project: neither merged nor retired."""
    return sa.and_(
        col(FailureMode.project_id) == project_id,
        col(FailureMode.merged_into).is_(None),
        col(FailureMode.status) != ModeStatus.RETIRED,
    )


def in_use(project_id: int) -> SelectOfScalar[FailureMode]:
    """Modes that notes and labels can go to: neither merged nor retired."""
    return of_project(project_id).where(is_in_use(project_id))


def in_use_count(project_id: int) -> SelectOfScalar[int]:
    """How many modes notes and labels can go to."""
    return select(sa.func.count(col(FailureMode.id))).where(is_in_use(project_id))


def one(project_id: int, mode_id: int) -> SelectOfScalar[FailureMode]:
    """One mode, if it is in the project."""
    return of_project(project_id).where(FailureMode.id == mode_id)


def versions(mode_id: int) -> SelectOfScalar[ModeVersion]:
    """Every wording of a mode's definition, the latest first."""
    return (
        select(ModeVersion)
        .where(ModeVersion.mode_id == mode_id)
        .order_by(col(ModeVersion.number).desc())
    )


def latest_versions(project_id: int) -> SelectOfScalar[ModeVersion]:
    """The wording in force of every mode of a project."""
    return (
        select(ModeVersion)
        .join(FailureMode, col(FailureMode.id) == col(ModeVersion.mode_id))
        .where(
            FailureMode.project_id == project_id,
            col(ModeVersion.number) == col(FailureMode.version),
        )
    )


def versions_of(project_id: int, trace_id: int, annotator_id: int) -> SelectOfScalar[ModeVersion]:
    """Wordings in force, and those that an annotator's labels on a trace were made under."""
    labelled = (
        sa.exists()
        .where(
            col(Label.mode_id) == col(ModeVersion.mode_id),
            col(Label.mode_version) == col(ModeVersion.number),
            col(Label.trace_id) == trace_id,
            col(Label.annotator_id) == annotator_id,
        )
        .correlate(ModeVersion)
    )
    return (
        select(ModeVersion)
        .join(FailureMode, col(FailureMode.id) == col(ModeVersion.mode_id))
        .where(
            FailureMode.project_id == project_id,
            sa.or_(col(ModeVersion.number) == col(FailureMode.version), labelled),
        )
    )


def examples(mode_id: int) -> SelectOfScalar[ModeExample]:
    """Examples and counter-examples of a mode."""
    return (
        select(ModeExample)
        .where(ModeExample.mode_id == mode_id)
        .order_by(col(ModeExample.positive).desc(), col(ModeExample.id))
    )


def modes_with_example(project_id: int) -> SelectOfScalar[int]:
    """Ids of the modes that show at least one positive example."""
    return (
        select(ModeExample.mode_id)
        .join(FailureMode, col(FailureMode.id) == col(ModeExample.mode_id))
        .where(FailureMode.project_id == project_id, col(ModeExample.positive).is_(True))
        .distinct()
    )


def merged_into(mode_id: int) -> SelectOfScalar[FailureMode]:
    """Modes that were merged into this one."""
    return select(FailureMode).where(FailureMode.merged_into == mode_id)


def children(mode_id: int) -> SelectOfScalar[FailureMode]:
    """Modes right under this one, whatever their state but merged."""
    return (
        select(FailureMode)
        .where(FailureMode.parent_id == mode_id, col(FailureMode.merged_into).is_(None))
        .order_by(col(FailureMode.id))
    )


def rejections(project_id: int) -> SelectOfScalar[Rejection]:
    """Pairs and groups that a person refused.

    A pair holds until the note is edited or the mode defined anew.
    """
    redefined = sa.exists().where(
        col(ModeVersion.mode_id) == col(Rejection.mode_id),
        col(ModeVersion.created_at) > col(Rejection.created_at),
    )
    edited = sa.exists().where(
        col(EventRow.table_name) == "note",
        col(EventRow.row_key) == sa.cast(col(Rejection.note_id), sa.String),
        col(EventRow.changed).is_(True),
        col(EventRow.created_at) > col(Rejection.created_at),
    )
    return select(Rejection).where(Rejection.project_id == project_id, ~redefined, ~edited)
