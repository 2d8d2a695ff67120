"""Statements over what was evaluated: settings of models, and tasks."""

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import Select

from server.models.trace import Outcome, Trace

_COUNT = sa.func.count(col(Trace.id))
_CORRECT = sa.func.count(col(Trace.id)).filter(col(Trace.outcome) == Outcome.CORRECT)


def by_eval(project_id: int, search: str = "") -> Select[str, str, int, int]:
    """Eval id, model, traces and correct ones; of models whose name holds `search`."""
    statement = (
        select(col(Trace.eval_id), col(Trace.model), _COUNT, _CORRECT)
        .where(Trace.project_id == project_id)
        .group_by(col(Trace.eval_id), col(Trace.model))
        .order_by(col(Trace.model), col(Trace.eval_id))
    )
    return statement.where(col(Trace.model).icontains(search, autoescape=True))


def by_task(project_id: int) -> Select[str, int, int, int]:
    """Task, items, traces and correct ones."""
    items = sa.func.count(sa.distinct(col(Trace.item_id)))
    return (
        select(col(Trace.task), items, _COUNT, _CORRECT)
        .where(Trace.project_id == project_id)
        .group_by(col(Trace.task))
        .order_by(col(Trace.task))
    )
