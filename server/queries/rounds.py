"""Statements over rounds."""

from functools import lru_cache

from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.models.batch import Round


@lru_cache(maxsize=256)
def of_project(project_id: int) -> SelectOfScalar[Round]:
    """Every round of a project, the latest first."""
    return select(Round).where(Round.project_id == project_id).order_by(col(Round.number).desc())


@lru_cache(maxsize=256)
def current(project_id: int) -> SelectOfScalar[Round]:
    """The latest round of a project."""
    return of_project(project_id).limit(1)
