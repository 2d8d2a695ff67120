"""Spans of time in the words people use."""

from datetime import datetime, timedelta

_UNITS = ((86_400, "day"), (3_600, "h"), (60, "min"))


def lasting(span: timedelta) -> str:
    """Return a span as "45 s", "3 min", "2 h" or "5 days"."""
    seconds = max(0, int(span.total_seconds()))
    for size, unit in _UNITS:
        if seconds >= size:
            number = seconds // size
            return f"{number} {unit}{'s' if unit == 'day' and number > 1 else ''}"
    return f"{seconds} s"


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was: "3 min ago"."""
    return f"{lasting(now - moment)} ago"
