"""When a page was computed that takes longer than a request may, and how far a newer one is."""

from dataclasses import dataclass
from datetime import datetime

from server.models.run import AnalysisRun
from server.views.runs import RunView


@dataclass(frozen=True)
class Freshness:
    """What is known of a page that a job computes."""

    title: str
    at: datetime | None
    """When what is shown was computed; None while there is nothing to show."""
    is_old: bool
    """Whether there is no page of the data as they are now."""
    run: RunView | None
    """The run that computes one, or that failed to."""
    url: str
    compute_url: str


def why_pending(run: AnalysisRun | None, what_takes: str, wanted: str) -> str:
    """Say what to do where there is nothing to show yet, by the run that is to compute it."""
    if run is None:
        return f"{what_takes} longer than a request may: ask for a run."
    if not run.status.is_over:
        return "It is being computed."
    return f"The last run has no {wanted}: ask for another."
