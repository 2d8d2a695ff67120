"""What a project evaluated: its settings of models, and its tasks."""

from dataclasses import dataclass

from sqlmodel import Session

from server.models.base import stored_id
from server.models.project import Project
from server.queries import evals as queries


@dataclass(frozen=True)
class EvalRow:
    """One setting: model, prompt template and sampler."""

    eval_id: str
    model: str
    traces: int
    correct: int


@dataclass(frozen=True)
class TaskRow:
    task: str
    items: int
    traces: int
    correct: int


def evals(session: Session, project: Project, search: str = "") -> list[EvalRow]:
    """List the settings whose model's name holds `search`."""
    rows = session.exec(queries.by_eval(stored_id(project), search))
    return [EvalRow(*row) for row in rows]


def tasks(session: Session, project: Project) -> list[TaskRow]:
    """List the tasks."""
    return [TaskRow(*row) for row in session.exec(queries.by_task(stored_id(project)))]
