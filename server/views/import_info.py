"""An import as programs read it."""

from typing import Any

from sqlmodel import Session

from server.models.run import AnalysisRun
from server.models.trace import Import


def import_info(session: Session, row: Import) -> dict[str, Any]:
    """Return an import's columns; its run may have ended before it touched the import."""
    run = session.get(AnalysisRun, row.run_id) if row.run_id else None
    return {**row.model_dump(), "status": row.status.beside(run.status if run else None)}
