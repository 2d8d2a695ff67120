"""How long a project keeps traces that nobody has judged."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

RETENTION = "retention"
"""Where a project's settings hold the rule."""
LEAST_DAYS, MOST_DAYS = 1, 3_650


@dataclass(frozen=True)
class RetentionRule:
    """Traces go so many days after they came in, unless a person's decision holds them."""

    days: int
    live_only: bool
    """Only traces that came in live; else imported ones as well."""
    by: int
    """The annotator who set it, in whose name it is applied."""

    def before(self, now: datetime) -> datetime:
        """Traces that came in before this moment are old enough to go."""
        return now - timedelta(days=self.days)

    def stored(self) -> dict[str, Any]:
        """The rule as a project's settings hold it."""
        return asdict(self)


def retention_rule(settings: dict[str, Any]) -> RetentionRule | None:
    """The rule of a project; None where it keeps everything."""
    found = settings.get(RETENTION)
    return RetentionRule(**found) if found else None
